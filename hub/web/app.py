"""The web process as one ASGI application: webhooks and endpoints by prefix, the rest by Starlette's router."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.connector import WebhookAnswer
from hub.loop.authorization import CALLBACK
from hub.loop.receive import Received, admit_webhooks
from hub.pipeline import Pipeline
from hub.runtime import Runtime
from hub.web import apps, endpoints, hooks
from hub.web.access import AccessLog
from hub.web.apps import Apps
from hub.web.authorize import Authorize
from hub.web.body import Bodies
from hub.web.directory import Directory
from hub.web.endpoints import Endpoints
from hub.web.groups import Groups
from hub.web.headers import SecurityHeaders
from hub.web.health import BrokerAnswers, Health
from hub.web.hooks import Hooks
from hub.web.intake import Intake
from hub.web.metrics import WebMetrics
from hub.web.reply import App, Receive, Scope, Send

#: Transactions of webhooks under way at once; SQLite has one writer, so there they take turns here.
POSTGRES_TRANSACTIONS = 8
SQLITE_TRANSACTIONS = 1


class WebApp:
    """``make_app`` puts it together; ``close`` commits what has been read."""

    prefix_at_once = endpoints.PREFIX.encode()

    def __init__(
        self, *, hooks: App, apps: App, endpoints: Endpoints, router: App, closing: Sequence[Any]
    ) -> None:
        self._hooks = AccessLog(hooks)
        self._apps = AccessLog(apps)
        self._endpoints = endpoints
        self.at_once = endpoints.at_once
        self._router = AccessLog(router)
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By prefix; an endpoint passes nothing but this line."""
        path = scope["path"]
        if path.startswith(endpoints.PREFIX):
            await self._endpoints(scope, receive, send)
        elif path.startswith(hooks.PREFIX):
            await self._hooks(scope, receive, send)
        elif path.startswith(apps.PREFIX):
            await self._apps(scope, receive, send)
        else:
            await self._router(scope, receive, send)

    async def close(self) -> None:
        """Webhooks whose sender still waits are stored; nothing new is taken."""
        for part in self._closing:
            await part.close()


def make_app(
    runtime: Runtime, *, registry: CollectorRegistry, metrics: WebMetrics, broker_answers: BrokerAnswers
) -> WebApp:
    """The application over an open runtime, which stays the caller's to close. Called on the event loop."""
    settings = runtime.settings
    directory = Directory(runtime)
    groups = Groups(
        partial(_admit, runtime, metrics),
        queue_limit=settings.webhook_queue,
        at_once=POSTGRES_TRANSACTIONS if runtime.db.postgres else SQLITE_TRANSACTIONS,
    )
    metrics.watch(lambda: groups.waiting)
    bodies = Bodies(max_bytes=settings.webhook_max_bytes)
    intake = Intake(bodies=bodies, metrics=metrics)
    hooked = Hooks(directory, groups, intake)
    for_apps = Apps(runtime, hooked, intake)
    return WebApp(
        hooks=hooked,
        apps=for_apps,
        endpoints=Endpoints(directory),
        router=_router(Health(runtime, registry, broker_answers), Authorize(runtime, directory, metrics)),
        closing=(for_apps, groups, directory),
    )


async def _admit(
    runtime: Runtime, metrics: WebMetrics, pipeline: Pipeline, answers: Sequence[WebhookAnswer]
) -> Received:
    received = await runtime.db.run(admit_webhooks, runtime.db, pipeline, answers)
    runtime.ring(received.admission.bells)
    metrics.group(pipeline.connector.name, received)
    return received


def _router(health: Health, authorize: Authorize) -> Starlette:
    return Starlette(
        routes=[
            _get("/healthz", health.alive),
            _get("/readyz", health.ready),
            _get("/metrics", health.metrics),
            _get(CALLBACK, authorize.finish),
            _get("/authorize/{connection}", authorize.start),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: _error, Exception: _error},
    )


def _get(path: str, endpoint: Callable[..., Any]) -> Route:
    route = Route(path, endpoint, methods=["GET"])
    # Starlette answers HEAD as well, and a HEAD must not spend a link.
    route.methods = {"GET"}
    return route


async def _error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": HTTPStatus(status).phrase}, status_code=status)
