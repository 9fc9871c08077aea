"""``ANY /hooks/{connection}/…``: a webhook is read by its connector, stored, and only then answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hub.connector import AppWebhooks, WebhookAnswer, WebhookRequest, Webhooks
from hub.errors import ConfigurationError, ServiceUnavailableError
from hub.loop.receive import StaleConnectionError
from hub.pipeline import Pipeline
from hub.web.directory import Directory
from hub.web.groups import Groups
from hub.web.intake import Intake
from hub.web.metrics import NOBODY
from hub.web.refusals import NOT_FOUND, refusal_of
from hub.web.reply import Receive, Reply, Scope, Send, raw_headers

PREFIX = "/hooks/"
#: A sender is put off when its webhook is not durable after so long, in seconds; it may still become so.
COMMIT_SECONDS = 20.0
#: How often a webhook is read anew because its connection is being changed.
MOST_READINGS = 5
#: The longest dedupe id, in characters.
DEDUPE_LIMIT = 512

_CHANGING = ServiceUnavailableError("the connection is being changed")


class Hooks:
    """The ASGI application of all webhooks."""

    def __init__(self, directory: Directory, groups: Groups, intake: Intake) -> None:
        self._directory = directory
        self._groups = groups
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, store, answer; nobody is answered who has hung up."""
        await self._intake.take(scope, receive, send, prefix=PREFIX, answer=self._reply)

    async def deliver(self, name: str, request: WebhookRequest, *, account: str) -> Reply:
        """Hand a webhook of an app to a connection, and answer; 404 where it is about another account than its own."""
        reply, _ = await self._reply(name, request, account=account)
        return reply

    async def _reply(
        self, name: str, request: WebhookRequest, *, account: str | None = None
    ) -> tuple[Reply, str]:
        """The answer, and the connector for the metrics."""
        pipeline: Pipeline | None = None
        try:
            for reading in range(MOST_READINGS):
                entry = await self._directory.find(name)
                pipeline = entry.pipeline
                if pipeline is None or entry.webhooks is None:
                    return NOT_FOUND, NOBODY
                if account is not None and _account(entry.webhooks) != account:
                    if reading:
                        return NOT_FOUND, NOBODY
                    self._directory.forget(name)  # it may have been let in a moment ago
                    continue
                answer = entry.webhooks.receive(request)
                reply = _reply_of(answer)
                result = await self._store(pipeline, answer)
                if result is not None:
                    return replace(reply, result=result), pipeline.connector.name
                # Its signature may be no good any more: read it again, with the connection as it is now.
                self._directory.forget(name)
            return refusal_of(_CHANGING, name, pipeline), NOBODY
        except Exception as error:  # noqa: BLE001 - a connector's code runs here, and each error has its answer
            return refusal_of(error, name, pipeline), pipeline.connector.name if pipeline else NOBODY

    async def _store(self, pipeline: Pipeline, answer: WebhookAnswer) -> str | None:
        """What was done; None where the connection was changed since it was looked up."""
        if not answer.records and answer.dedupe_id is None:
            return "answered"
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                repeated = await self._groups.admit(pipeline, answer)
        except StaleConnectionError:
            return None
        return "repeated" if repeated else "stored"


def _account(webhooks: Webhooks) -> str | None:
    return webhooks.app_key() if isinstance(webhooks, AppWebhooks) else None


def _reply_of(answer: WebhookAnswer) -> Reply:
    """The connector's answer, made before anything is stored: ``TypeError`` or ``ValueError`` for one that is none.

    Raises ``ConfigurationError`` for an id that cannot be kept.
    """
    if not 200 <= answer.status <= 599:
        raise ValueError(f"{answer.status} is no status to answer with")
    if not isinstance(answer.body, bytes):
        raise TypeError("the body of the connector's answer is not bytes")
    dedupe_id = answer.dedupe_id
    if dedupe_id is not None and not (0 < len(dedupe_id) <= DEDUPE_LIMIT and dedupe_id.isprintable()):
        raise ConfigurationError(f"the id of the webhook must have 1 to {DEDUPE_LIMIT} printable characters")
    return Reply(status=answer.status, body=answer.body, headers=raw_headers(answer.headers))
