"""Webhooks into the ledger: many requests of one connection in one transaction, each stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.connector import WebhookAnswer
from hub.errors import HubError, ServiceUnavailableError
from hub.loop.admission import PageAdmission
from hub.pipeline import Pipeline
from hub.records import BadRecord, Page
from hub.store import webhooks
from hub.store.database import Database
from hub.store.rows import Admission


class StaleConnectionError(HubError):
    """The connection was changed since the request was read with it; it has to be read anew."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """What became of a group of webhooks. ``repeated`` says for each of them whether it was taken before."""

    admission: Admission
    repeated: Sequence[bool]


def admit_webhooks(db: Database, pipeline: Pipeline, answers: Sequence[WebhookAnswer]) -> Received:
    """Store the records and ids of a group of webhooks in one transaction; on return they are durable.

    Raises ``StaleConnectionError``, ``NotFoundError`` when the connection was removed, and
    ``ServiceUnavailableError``; then nothing of the group is stored.
    """
    try:
        return _admit(db, pipeline, answers)
    except (OperationalError, InternalError, PoolTimeoutError) as error:
        # A full disk, a deadlock, no free connection: nothing that the webhooks could be blamed for.
        raise ServiceUnavailableError(f"the store cannot take it now ({type(error).__name__})") from error


def page_of(answers: Sequence[WebhookAnswer], pipeline: Pipeline) -> Page:
    """The records of a group, in order of arrival; what the connector calls bad goes to quarantine, redacted."""
    brought = [record for answer in answers for record in answer.records]
    bad = [
        BadRecord(reason=one.reason, raw=pipeline.redact(one.raw), stream=one.stream, key=one.key)
        for one in brought
        if isinstance(one, BadRecord)
    ]
    return Page(records=[one for one in brought if not isinstance(one, BadRecord)], bad=bad)


def _admit(db: Database, pipeline: Pipeline, answers: Sequence[WebhookAnswer]) -> Received:
    entry = PageAdmission(db, pipeline, page_of(answers, pipeline), kind="webhook")
    ids = {one.dedupe_id for one in answers if one.dedupe_id}
    with db.transaction() as tx:
        taken = entry.open(tx, *webhooks.taking(db, pipeline.connection.id, ids))
        if entry.connection.revision != pipeline.connection.revision:
            raise StaleConnectionError(f"{entry.connection.name} was changed meanwhile")
        unseen = {row.dedupe_id for rows in taken for row in rows}
        repeated = [_is_repeated(answer, unseen) for answer in answers]
        if any(repeated):
            fresh = [answer for answer, again in zip(answers, repeated, strict=True) if not again]
            entry.narrow(page_of(fresh, pipeline))
        admission = entry.write(tx, last=True)
    return Received(admission=admission, repeated=repeated)


def _is_repeated(answer: WebhookAnswer, unseen: set[str]) -> bool:
    """Of several with one id in a group the first is taken."""
    if not answer.dedupe_id:
        return False
    if answer.dedupe_id in unseen:
        unseen.remove(answer.dedupe_id)
        return False
    return True
