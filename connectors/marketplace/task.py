"""One listing on its way: what was known before, what is to be done, how far it came, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from connectors.marketplace.client import Answered
from connectors.marketplace.deciding import Abilities, Plan, Step, plan, said_of
from connectors.marketplace.known import Known, Said
from hub.connector import result_of
from hub.errors import HubError, NotNowError, ReauthorizationError, RejectedError
from hub.marketplace import Listing
from hub.records import PushResult, Retry, Skipped, Success

ABSENT = "the marketplace does not have it"
#: A listing without its product is tried again after this: the connector asks anew then what the marketplace has.
LACKS_PRODUCT_WAIT = timedelta(seconds=2)
LACKS_PRODUCT = (
    "the marketplace does not have this SKU (any more), or can only be told of it as a whole, and the listing came without "
    "its product; it comes with it at the next attempt"
)


@dataclass(kw_only=True, eq=False)
class Task:
    """``known`` is what is known so far; ``kept`` what the id map has of it; ``sent`` says in how many lots it has been. ``key`` is the
    record's idempotency key."""

    listing: Listing
    known: Known | None
    abilities: Abilities
    key: str = ""
    sent: int = 0
    code: int | None = None
    milliseconds: int | None = None
    had: Known | None = field(init=False)
    kept: Known | None = field(init=False)
    said: Said = field(init=False)
    todo: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.had = self.kept = self.known
        self.said = Said.of(self.key, said_of(self.listing), self.known.said if self.known else None)
        self.plan_anew()

    def plan_anew(self) -> None:
        """With what is known and possible by now."""
        self.todo = plan(self.listing, self.known, self.abilities)

    def cannot(self, step: Step) -> None:
        """The marketplace turned out to be unable to do that."""
        self.abilities = self.abilities.without(step.kind)
        self.plan_anew()

    def lost(self) -> None:
        """The marketplace turned out not to have it."""
        self.known = None
        self.plan_anew()

    def call_key(self, step: Step) -> str:
        """Of this record's call: another one where it comes back to what it had said before it said something else, which a
        marketplace would take for a repetition."""
        turn = self.said.turn(step.sets)
        return f"{self.key}.{turn}" if self.key and turn else self.key

    @property
    def external_id(self) -> str:
        """What it is called there, as far as is known."""
        return self.listing.sku if self.known is None else self.known.standing.external_id

    def doubtful(self) -> Known:
        """What is known while its calls are under way: should nobody hear how they end, all is said again."""
        known = replace(self.known or Known.nothing_certain(self.listing), said=self.said)
        return known.doubting(fact for step in self.todo.steps for fact in step.sets)

    def done(self, step: Step, answer: Answered) -> None:
        """A call has succeeded."""
        self.known = step.done(self.known, answer.external_id)
        if self.known is not None and answer.url is not None:
            self.known = replace(self.known, standing=replace(self.known.standing, url=answer.url))
        self.code = answer.response_code
        self.milliseconds = (self.milliseconds or 0) + answer.milliseconds

    def found_out(self) -> Known | None:
        """What is known now, with what was said last: by this record where it has made a call."""
        if self.known is None or self.kept is None:
            return self.known
        return replace(self.known, said=self.kept.said)

    def failed(self, step: Step, error: HubError) -> PushResult:
        """A call has not succeeded, or nobody knows."""
        if not _was_refused(error):
            known = self.known or Known.nothing_certain(self.listing)
            self.known = known.doubting(step.sets)
        return result_of(error)

    def ended(self) -> PushResult:
        """The answer when nothing is left to be done."""
        if self.todo.lacks_product:
            return Retry(error=LACKS_PRODUCT, after=LACKS_PRODUCT_WAIT)
        if self.todo.absent:
            return Skipped(
                reason=with_note(self.listing, ABSENT),
                external_id=self.had.standing.external_id if self.had else None,
                response_code=self.code,
                duration_ms=self.milliseconds,
            )
        if self.code is None and not self._repeats():
            return Skipped(reason=with_note(self.listing, "unchanged"), external_id=self.external_id)
        return self._success()

    def _repeats(self) -> bool:
        """It was done before, and nobody was told: a worker has died, or failed at what came after."""
        known = self.known
        return known is not None and (
            (bool(self.key) and known.by == self.key)
            or (self.listing.active and known.created and known.by is None)
        )

    def _success(self) -> Success:
        known, created = self.known, False
        external_id = self.had.standing.external_id if known is None and self.had else self.external_id
        if known is not None:
            created = self.listing.active and known.created and known.by in {None, self.key}
            self.known = replace(known, created=created, by=self.key or known.by or "-")
        return Success(
            external_id=external_id,
            response_code=201 if created else self.code or 200,
            duration_ms=self.milliseconds,
            warning="; ".join(filter(None, [self.listing.note, self.todo.warning])) or None,
            created=created,
        )


def with_note(listing: Listing, reason: str) -> str:
    """Why nothing was done; of what is off sale also why that is."""
    return reason if listing.active or not listing.note else f"{listing.note}; {reason}"


def _was_refused(error: HubError) -> bool:
    """It is certain that nothing was done."""
    if isinstance(error, RejectedError):
        return error.response_code is not None and error.response_code // 100 == 4
    return isinstance(error, NotNowError | ReauthorizationError)
