"""Authorization in a browser: a link that is good once, a state that is good once, and new credentials at the end.

    begin_authorization  the hub hands an operator a link for one connection
    start                the link is spent; the browser goes to the other side with a state
    finish               the state is spent; the connector trades what came back for credentials

Tokens are random, kept as hashes alone, good once and for ten minutes. They are looked up by their hash, so that the
time a comparison takes says nothing about them. A state is hashed together with a secret that only the browser of
the link holds (a cookie), so that nobody can be lured into finishing an authorization that somebody else began.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from hub import codec
from hub.connector import Authorization, Connector, Grant
from hub.errors import ConfigurationError, HubError, NotFoundError, ServiceUnavailableError
from hub.http import Redactor
from hub.pipeline import Pipeline, plain_facts
from hub.runtime import Runtime
from hub.store import authorizations, connections
from hub.store.authorizations import Pending

#: How long a link, and then a state, is good.
LIFETIME = timedelta(minutes=10)
#: How long a connector may take to trade a code for credentials.
EXCHANGE_TIMEOUT = timedelta(seconds=30)
#: How often new credentials are merged anew because somebody else changes the connection.
MOST_CHANGES = 5
#: Where the browser comes back to, below the hub's public URL.
CALLBACK = "/authorize/callback"

_AGAIN = "run `hub connection authorize` for a new link"

_log = structlog.get_logger(__name__)


class AuthorizationRefusedError(HubError):
    """An authorization came to nothing and changed nothing; the text says why and what to do, and holds no secret."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """Where to send the browser, and the cookie that ties the state to it."""

    location: str
    cookie: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The connection that has new credentials now, and what its connector has to say about them."""

    connection: str
    facts: Mapping[str, str]


async def begin_authorization(runtime: Runtime, connection: str) -> str:
    """A link to open in a browser within ten minutes, once.

    Raises ``NotFoundError``, and ``ConfigurationError`` for a connector without authorization, or for a connection that says
    too little to send anybody anywhere.
    """
    stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    pipeline = await runtime.pipeline(stored.id, revision=stored.revision)
    if not isinstance(pipeline.connector, Authorization):
        raise ConfigurationError(
            f"{connection} is not authorised in a browser: its connector {stored.connector} takes its credentials "
            "from the connection file",
            field="connection",
        )
    if f"/authorize/{connection}" == CALLBACK:
        raise ConfigurationError("no connection of this name can be authorised; choose another", field="name")
    _require_location(pipeline, _redirect_uri(runtime))
    link = secrets.token_urlsafe(32)
    await runtime.db.run(
        authorizations.keep,
        runtime.db,
        stored,
        _hash("link", link),
        redirect_uri=_redirect_uri(runtime),
        lifetime=LIFETIME,
    )
    return f"{runtime.settings.web_url}/authorize/{quote(connection, safe='')}?link={link}"


async def start(runtime: Runtime, connection: str, link: str) -> Started:
    """Spend a link of this connection and make a state.

    Raises ``AuthorizationRefusedError``, in the same words whether the connection exists or not.
    """
    pending, pipeline = await _spend_link(runtime, connection, link)
    state, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    connector = _authorization(pipeline)
    try:
        location = connector.authorize_url(state=state, redirect_uri=pending.redirect_uri)
    except Exception as error:
        raise _refused(error, pipeline, Redactor([state])) from None
    await runtime.db.run(
        authorizations.keep,
        runtime.db,
        pipeline.connection,
        _hash("state", state, secret),
        redirect_uri=pending.redirect_uri,
        lifetime=LIFETIME,
    )
    return Started(location=location, cookie=cookie_of(state), secret=secret)


async def finish(runtime: Runtime, query: Mapping[str, str], cookies: Mapping[str, str]) -> Finished:
    """Spend the state of a callback and store the credentials that its connector gets for it.

    Raises ``AuthorizationRefusedError``; then the connection is as it was.
    """
    state = query.get("state", "")
    secret = cookies.get(cookie_of(state), "")
    pending = await runtime.db.run(authorizations.take, runtime.db, _hash("state", state, secret))
    if pending is None:
        raise AuthorizationRefusedError(
            "this answer belongs to no authorization that was begun in this browser, or it was used already: "
            f"{_AGAIN}, and open it and finish in one browser"
        )
    if pending.expired:
        raise AuthorizationRefusedError(f"this authorization took longer than ten minutes: {_AGAIN}")
    pipeline = await _present(runtime, pending.connection_id)
    grant = await _exchange(pipeline, query, pending.redirect_uri)
    hide = Redactor([str(_plain(value)) for value in grant.credentials.values()])
    try:
        await _store(runtime, pending.connection_id, grant)
    except HubError as error:
        raise _refused(error, pipeline, hide) from None
    facts = {str(name): pipeline.redact(hide(str(value))) for name, value in grant.facts.items()}
    _log.info("a connection was authorised", connection=pipeline.connection.name)
    return Finished(connection=pipeline.connection.name, facts=facts)


def cookie_of(state: str) -> str:
    """The name of the cookie that belongs to a state, so that several authorizations fit into one browser."""
    return f"hub-authorization-{_hash('cookie', state)[:16]}"


async def _spend_link(runtime: Runtime, connection: str, link: str) -> tuple[Pending, Pipeline]:
    unknown = AuthorizationRefusedError(
        f"this link is unknown or was used already (it is good once): {_AGAIN}"
    )
    try:
        stored = await runtime.db.run(connections.get_connection, runtime.db, connection)
    except NotFoundError:
        raise unknown from None
    pending = await runtime.db.run(
        authorizations.take, runtime.db, _hash("link", link), connection_id=stored.id
    )
    if pending is None:
        raise unknown
    if pending.expired:
        raise AuthorizationRefusedError(f"this link was good for ten minutes, and they are over: {_AGAIN}")
    return pending, await _present(runtime, stored.id)


async def _present(runtime: Runtime, connection_id: int) -> Pipeline:
    """The connection as it is now, whoever changed it meanwhile."""
    try:
        stored = await runtime.db.run(connections.get_connection_by_id, runtime.db, connection_id)
    except NotFoundError:
        raise AuthorizationRefusedError("the connection was removed meanwhile") from None
    return await runtime.pipeline(stored.id, revision=stored.revision)


def _require_location(pipeline: Pipeline, redirect_uri: str) -> None:
    """Said to the operator now, and not on the page of whoever opens the link."""
    state = secrets.token_urlsafe(32)
    try:
        _authorization(pipeline).authorize_url(state=state, redirect_uri=redirect_uri)
    except ConfigurationError:
        raise
    except Exception as error:
        raise _refused(error, pipeline, Redactor([state])) from None


def _authorization(pipeline: Pipeline) -> Authorization:
    connector: Any = pipeline.connector
    if not isinstance(connector, Authorization):
        raise AuthorizationRefusedError("the connector of this connection is not authorised in a browser")
    return connector


async def _exchange(pipeline: Pipeline, query: Mapping[str, str], redirect_uri: str) -> Grant:
    # What came with the browser (a code, signatures) is as good as a credential until it is spent.
    hide = Redactor(list(query.values()))
    if "error" in query:
        raise AuthorizationRefusedError(
            f"the other side did not grant access ({_word(query['error'])}): {_AGAIN} to try again"
        )
    try:
        async with asyncio.timeout(EXCHANGE_TIMEOUT.total_seconds()):
            return await _authorization(pipeline).exchange(query=query, redirect_uri=redirect_uri)
    except Exception as error:
        raise _refused(error, pipeline, hide) from None


async def _store(runtime: Runtime, connection_id: int, grant: Grant) -> None:
    """Merge what was granted into the credentials as they are now; nothing is stored that the connector would refuse.

    Raises ``NotFoundError`` and ``ConfigurationError``.
    """
    for _ in range(MOST_CHANGES):
        stored = await runtime.db.run(connections.get_connection_by_id, runtime.db, connection_id)
        file = runtime.file_of(stored)
        file.credentials |= {name: _plain(value) for name, value in grant.credentials.items()}
        candidate = runtime.assemble_file(stored.name, stored.tenant, file)
        connector = candidate.connector
        poll_target = connector.poll_target() if connector.polls else None
        hold = runtime.hold_of(candidate)
        facts = codec.loads(candidate.redact(codec.dumps(plain_facts(grant.facts)).decode()))
        await candidate.close()
        renewed = await runtime.db.run(
            authorizations.renew,
            runtime.db,
            stored,
            credentials=runtime.secrets.encrypt(file.secret()),
            poll_target=poll_target,
            both_sides=not connector.uses_destination or type(connector).fetch is not Connector.fetch,
            facts=facts,
            hold=hold,
        )
        if renewed:
            return
    raise ConfigurationError(f"{stored.name} is being changed by somebody else")


def _refused(error: Exception, pipeline: Pipeline, hide: Redactor) -> HubError:
    """What the other side or the connector did, in words for the person at the browser."""
    if isinstance(error, ServiceUnavailableError | AuthorizationRefusedError):
        return error
    text = pipeline.redact(hide(str(error) or type(error).__name__))
    if isinstance(error, TimeoutError):
        text = "the other side did not answer in time"
    elif not isinstance(error, HubError):
        _log.error(
            "the connector failed in an authorization",
            connection=pipeline.connection.name,
            error=f"{type(error).__name__}: {text}",
        )
        text = "the connector failed; the log of the web process says how"
    return AuthorizationRefusedError(f"{text}. Nothing was changed; {_AGAIN} to try again")


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _word(text: str) -> str:
    """A code of the other side, if it is one: anything may stand in a URL that somebody made up."""
    return (
        text if len(text) <= 64 and text.isascii() and text.replace("_", "").isalnum() else "no reason given"
    )


def _redirect_uri(runtime: Runtime) -> str:
    return f"{runtime.settings.web_url}{CALLBACK}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
