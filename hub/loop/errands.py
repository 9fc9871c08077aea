"""Errands: what a platform asked the hub to do by a webhook, done by one process at a time, again until it is done."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import structlog

from hub import codec
from hub.connector import AccountErased, AppAction, DataRequested, FactsChanged, PersonErased, Uninstalled
from hub.errors import HubError, NotFoundError
from hub.loop.disconnect import disconnect
from hub.pipeline import plain_facts
from hub.records import JSON
from hub.runtime import Runtime
from hub.store import connections, erasure, errands, history, leases
from hub.store.errands import StoredErrand

#: How long one errand may take before another process takes over.
LEASE = timedelta(minutes=10)
#: The platform's clock is not ours, and some tell whole seconds: so much later an access was granted that outlives an
#: uninstall.
SKEW = timedelta(seconds=5)
#: How long an account may take to say what is known of it, in seconds.
CHECK_SECONDS = 60
#: Why a connection whose app was removed is not live.
UNINSTALLED = "the app was uninstalled on the platform"

_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Uninstalled, FactsChanged, PersonErased, AccountErased, DataRequested)
}

_log = structlog.get_logger(__name__)


def written(action: AppAction) -> JSON:
    """An action as it is kept, to be encrypted."""
    values = {field.name: getattr(action, field.name) for field in fields(action)}
    if isinstance(values.get("at"), datetime):
        values["at"] = values["at"].isoformat()
    document: JSON = codec.loads(codec.dumps({"kind": type(action).__name__, **values}))
    return document


def read(document: JSON) -> AppAction:
    """What was kept."""
    values = dict(document)
    kind = _KINDS[values.pop("kind")]
    if values.get("at"):
        values["at"] = datetime.fromisoformat(values["at"])
    action: AppAction = kind(**values)
    return action


async def work_off(runtime: Runtime) -> int:
    """Do what waits; returns how much was done. What fails waits for the next round, and stops nothing else."""
    lease = await runtime.db.run(
        leases.acquire,
        runtime.db,
        "errands",
        holder=f"{runtime.worker}:{uuid.uuid4().hex[:8]}",
        duration=round(LEASE.total_seconds() * 1_000_000),
    )
    if lease is None:
        return 0
    done, after = 0, 0
    try:
        while found := await runtime.db.run(errands.waiting, runtime.db, after=after):
            for errand in found:
                done += await _done(runtime, errand)
                after = errand.id
    finally:
        await runtime.db.run(leases.release, runtime.db, lease)
    return done


async def _done(runtime: Runtime, errand: StoredErrand) -> bool:
    try:
        action = read(runtime.secrets.decrypt(errand.told))
        return await _do(runtime, errand, action)
    except (HubError, KeyError, TimeoutError, TypeError, ValueError) as error:
        _log.error("an errand failed", connection=errand.name, errand=errand.id, error=type(error).__name__)
        await runtime.db.run(errands.put_off, runtime.db, errand.id)
        return False


async def _do(runtime: Runtime, errand: StoredErrand, action: AppAction) -> bool:
    """False where it is not done yet: somebody is at work with what has to go."""
    db = runtime.db
    match action:
        case Uninstalled():
            with suppress(NotFoundError):  # removed meanwhile
                await disconnect(
                    runtime,
                    errand.connection_id,
                    who=history.PLATFORM,
                    reason=UNINSTALLED,
                    revoke=False,
                    before=None if action.at is None else action.at + SKEW,
                )
            await db.run(errands.end, db, errand)
        case FactsChanged():
            facts = action.facts if action.facts is not None else await _asked(runtime, errand)
            await db.run(errands.change_facts, db, errand, facts)
        case DataRequested():
            facts = {"keys": list(action.keys), "reference": action.reference}
            await db.run(errands.end, db, errand, "data requested", facts)
        case PersonErased() | AccountErased():
            return await _erase(runtime, errand, action)
    return True


async def _asked(runtime: Runtime, errand: StoredErrand) -> JSON:
    """What the account says of itself now; nothing where it is not connected any more. Raises what asking does."""
    with suppress(NotFoundError):  # removed meanwhile
        stored = await runtime.db.run(connections.get_connection_by_id, runtime.db, errand.connection_id)
        if stored.state != "inactive":
            pipeline = await runtime.pipeline(stored.id, revision=stored.revision)
            async with asyncio.timeout(CHECK_SECONDS):
                checked = await pipeline.connector.check()
            told: JSON = codec.loads(pipeline.redact(codec.dumps(plain_facts(checked.facts)).decode()))
            return told
    return {}


async def _erase(runtime: Runtime, errand: StoredErrand, action: PersonErased | AccountErased) -> bool:
    db, tenant_id = runtime.db, errand.tenant_id
    if isinstance(action, PersonErased):
        erased = await db.run(
            erasure.erase_person, db, tenant_id=tenant_id, keys=action.keys, texts=action.texts
        )
        what = "person erased"
    else:
        erased = await db.run(
            erasure.erase_account,
            db,
            tenant_id=tenant_id,
            connection_id=errand.connection_id,
            app_key=errand.app_key,
        )
        what = "account erased"
    if erased.in_hands:
        _log.info("an erasure waits for records that are being worked", connection=errand.name)
        await db.run(errands.put_off, db, errand.id)
        return False
    await db.run(errands.end, db, errand, what, {"rows": erased.rows})
    return True
