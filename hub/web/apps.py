"""``POST /apps/{connector}/…``: what a platform tells an app about any of its accounts, handed to all who hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from hub.connector import AppWebhooks, WebhookRequest
from hub.errors import HubError, RejectedError, SignatureError
from hub.loop import errands as working
from hub.runtime import Runtime
from hub.store import errands, holds
from hub.store.holds import Holder
from hub.web.hooks import COMMIT_SECONDS, Hooks
from hub.web.intake import Intake
from hub.web.metrics import NOBODY
from hub.web.refusals import NOT_FOUND, TEXT_LIMIT, refusal_of
from hub.web.reply import Receive, Reply, Scope, Send, refusal

PREFIX = "/apps/"
#: Secrets that are kept decrypted, so that a burst of webhooks costs no decryption each.
MOST_SECRETS = 1000

_TAKEN = Reply(status=200, headers=[], result="stored")
_NOBODYS = Reply(status=200, headers=[], result="answered")
_METHOD = refusal(405, "webhooks are sent with POST", result="bad")
#: Answers of a single holder that say nothing about the delivery: it is gone, changed its secret, or knows no such topic.
_PERSONAL = frozenset({401, 404})

_log = structlog.get_logger(__name__)


class Apps:
    """The ASGI application of webhooks that come for an app.

    Who may hear of it is decided by the signature: each holder's own secret has to fit, so that nobody is told of an
    account by naming it. What the answer says is the same whether anybody holds the account or not.
    """

    def __init__(self, runtime: Runtime, hooks: Hooks, intake: Intake) -> None:
        self._runtime = runtime
        self._hooks = hooks
        self._intake = intake
        self._secrets: dict[str, str] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, store for everyone, answer, and then do what was asked."""
        await self._intake.take(scope, receive, send, prefix=PREFIX, answer=self._reply)

    async def close(self) -> None:
        """Let what is being done come to its end; the rest waits in the store."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reply(self, name: str, request: WebhookRequest) -> tuple[Reply, str]:
        """The answer, and the connector for the metrics."""
        connector: Any = self._runtime.registry.connectors.get(name)
        if connector is None or not hasattr(connector, "app_account"):
            return NOT_FOUND, NOBODY
        if request.method != "POST":
            return _METHOD, name
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                return await self._taken(name, connector, request), name
        except Exception as error:  # noqa: BLE001 - a connector's code runs here
            return _refusal(error, name), name

    async def _taken(self, name: str, connector: type[AppWebhooks], request: WebhookRequest) -> Reply:
        db = self._runtime.db
        account = connector.app_account(request)
        found = await db.run(holds.holders, db, name, account)
        mine = [one for one in found if connector.app_signed(request, self._secret(one.secret))]
        if not mine:
            return await self._nobodys(name, connector, request)
        actions = connector.app_actions(request)
        if actions:
            await self._keep(
                mine, [working.written(one) for one in actions], connector.app_webhook_id(request)
            )
        replies = await asyncio.gather(
            *(self._hooks.deliver(one.name, request, account=account) for one in mine if one.connected)
        )
        return _worst(replies)

    async def _nobodys(self, name: str, connector: type[AppWebhooks], request: WebhookRequest) -> Reply:
        """Taken, if one of our apps is meant: the platform would send it again for days."""
        db = self._runtime.db
        secrets = {self._secret(one) for one in await db.run(holds.some_secrets, db, name)}
        if any(connector.app_signed(request, secret) for secret in secrets):
            return _NOBODYS
        raise SignatureError("no app of this hub is meant")

    async def _keep(
        self, mine: Sequence[Holder], documents: Sequence[dict[str, Any]], webhook_id: str | None
    ) -> None:
        runtime = self._runtime
        told = [(one, [runtime.secrets.encrypt(document) for document in documents]) for one in mine]
        if await runtime.db.run(errands.keep, runtime.db, told, webhook_id=webhook_id):
            self._later(lambda: working.work_off(runtime))

    def _secret(self, token: str) -> str:
        secret = self._secrets.get(token)
        if secret is None:
            secret = self._secrets[token] = str(self._runtime.secrets.decrypt(token)["secret"])
            while len(self._secrets) > MOST_SECRETS:
                del self._secrets[next(iter(self._secrets))]
        return secret

    def _later(self, work: Callable[[], Coroutine[Any, Any, int]]) -> None:
        """What is not done here is done by whoever keeps house."""

        async def quietly() -> None:
            try:
                await work()
            except HubError as error:
                _log.warning("errands wait", error=str(error))

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refusal(error: Exception, name: str) -> Reply:
    if isinstance(error, RejectedError):
        return refusal(400, str(error)[:TEXT_LIMIT], result="bad")
    return refusal_of(error, name, None)


def _worst(replies: Sequence[Reply]) -> Reply:
    """One who could not take it now has the platform send it again; the others know it by its id then."""
    failed = [one for one in replies if one.status >= 400 and one.status not in _PERSONAL]
    return max(failed, key=lambda one: one.status, default=_TAKEN)
