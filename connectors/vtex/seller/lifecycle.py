"""The life of one SKU at the marketplace: told of, suggested, followed until it is decided, and never written over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.vtex.seller.client import SellerClient
from connectors.vtex.seller.settings import VtexSellerSettings
from connectors.vtex.seller.standing import Known, Standing
from connectors.vtex.seller.suggestion import Suggestion
from hub.connector import Clock
from hub.errors import RejectedError
from hub.records import JSON, Awaiting, PushResult, Rejected, Skipped, Success

#: A suggestion that is gone while the SKU is not there either is waited for so long: an approval takes its time.
GONE_FOR = timedelta(days=14)

LONG_GONE = (
    f"the suggestion has been gone for {GONE_FOR.days} days and the marketplace does not have the SKU; ask the "
    "marketplace, and `hub vtex suggestions forget` lets it be suggested anew"
)
NO_REASON = "the marketplace gives no reason"


class Lifecycle:
    """One SKU, from what is known of it (``standing``, None where nothing is) to what is known then.

    ``standing`` is to be kept after every call, also after one that raised.
    """

    def __init__(
        self,
        client: SellerClient,
        settings: VtexSellerSettings,
        clock: Clock,
        *,
        sku: str,
        standing: Standing | None,
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._sku = sku
        self.standing = standing

    async def offer(self, body: JSON, content: str) -> PushResult:
        """Tell of a SKU that is offered; one that the marketplace does not have is suggested, or stays so."""
        with self._followed():
            return await self._offer(body, content)

    async def withdraw(self) -> PushResult:
        """Tell of a SKU that is not offered any more; what the marketplace has not decided on is taken back."""
        if await self._client.notify_changed(self._sku) == "known":
            return await self._is_known()
        found = await self._client.suggestion(self._sku)
        if found is not None and found.may_be_updated:
            await self._client.forget(self._sku)
            self.standing = None
            return Skipped(reason="it is not offered any more; its suggestion was taken back")
        self.leave()
        return Skipped(reason="it is not offered any more, and the marketplace does not have it")

    async def look(self, handle: JSON) -> PushResult:
        """Ask what became of a suggestion."""
        with self._followed():
            return await self._seen(await self._client.suggestion(self._sku), int(handle.get("asked", 0)) + 1)

    def leave(self) -> None:
        """No record waits for the decision from now on: whoever has news of the SKU is to look first."""
        if self.standing is not None and self.standing.is_open:
            self.standing = replace(self.standing, unfollowed=True)

    async def catch_up(self) -> bool:
        """Look for a decision that no record waits for; True if price and stock were told of for it."""
        if self.standing is None or not self.standing.unfollowed:
            return False
        try:
            await self.look({})
        finally:
            self.leave()
        return self.standing.state == "accepted"

    async def _offer(self, body: JSON, content: str) -> PushResult:
        if await self._client.notify_changed(self._sku) == "known":
            return await self._is_known()
        found = await self._client.suggestion(self._sku)
        if found is None:
            return await self._unfound(body, content)
        if found.state == "denied":
            self._now_is("denied", found.status, found.reason)
            return await self._denied(body, content)
        if not found.may_be_updated:
            return self._undecided("gone" if found.state == "accepted" else "unknown", found.status)
        if self.standing is not None and self.standing.content == content:
            return self._awaits("pending", found.status)
        return await self._update(body, content)

    async def _seen(self, found: Suggestion | None, asked: int) -> PushResult:
        if found is None or found.state == "accepted":
            if await self._client.notify_changed(self._sku) == "known":
                return await self._is_known()
            return self._undecided("gone", found.status if found else None, asked)
        if found.state == "denied":
            self._now_is("denied", found.status, found.reason)
            return self._rejection()
        return self._undecided("pending" if found.may_be_updated else "unknown", found.status, asked)

    async def _update(self, body: JSON, content: str) -> PushResult:
        """Somebody may decide between the look and the update: then it is refused, or a new suggestion of what is there."""
        try:
            result = await self._suggest(body, content)
        except RejectedError:
            found = await self._client.suggestion(self._sku)
            if found is not None and found.may_be_updated:
                raise
            return await self._seen(found, 0)
        if await self._client.notify_changed(self._sku) == "known":
            return await self._is_known()
        return result

    async def _is_known(self) -> PushResult:
        """Once decided on, it asks for price and stock itself; what changed in between it may not have heard of."""
        before = self.standing
        if before is None or before.state != "accepted":
            if before is not None:
                await self._client.notify_price(self._sku)
                await self._client.notify_stock(self._sku)
            self._now_is("accepted", None)
        return Success(external_id=self._sku, created=before is not None and before.state != "accepted")

    async def _suggest(self, body: JSON, content: str) -> PushResult:
        await self._client.suggest(self._sku, body)
        now = self._now()
        since = now if self.standing is None or self.standing.state != "pending" else self.standing.since
        self.standing = Standing(state="pending", since=since, content=content, sent=now)
        return self._awaits("pending", None)

    async def _unfound(self, body: JSON, content: str) -> PushResult:
        """Only what was never suggested is new: an approved suggestion ceases to exist (external seller integration)."""
        if self.standing is None:
            return await self._suggest(body, content)
        if self.standing.state == "denied":
            return await self._denied(body, content)
        return self._undecided("gone", None)

    async def _denied(self, body: JSON, content: str) -> PushResult:
        known = self.standing
        if known is None or known.content in {None, content} or not self._settings.resend_denied:
            self.standing = known and replace(known, content=known.content or content)
            return self._rejection()
        await self._client.forget(self._sku)
        self.standing = None
        return await self._suggest(body, content)

    def _undecided(self, state: Known, said: str | None, asked: int = 0) -> PushResult:
        """Hands off: nothing is sent, and it is looked at again."""
        result = self._awaits(state, said, asked)
        since = datetime.fromisoformat(self.standing.since) if self.standing else self._clock.now()
        if state == "gone" and self._clock.now() - since > GONE_FOR:
            self.leave()
            return Rejected(errors=(LONG_GONE,))
        return result

    def _awaits(self, state: Known, said: str | None, asked: int = 0) -> Awaiting:
        self._now_is(state, said)
        wait = min(self._settings.follow_seconds * 2 ** min(asked, 20), self._settings.follow_at_most_seconds)
        notes = {
            "pending": "suggested; the marketplace has not decided yet",
            "gone": "the suggestion is gone and the SKU is not there yet: accepted just now, or taken away",
            "unknown": f"the marketplace calls its state {said or 'nothing'}, which is not documented: left alone",
        }
        return Awaiting(handle={"asked": asked}, check_after=timedelta(seconds=wait), note=notes[state])

    def _rejection(self) -> Rejected:
        reason = (self.standing.reason if self.standing else None) or NO_REASON
        remedy = (
            "mend the product in the catalog, and it is suggested anew"
            if self._settings.resend_denied
            else "agree with the marketplace, mend the product, and `hub vtex suggestions forget` lets it be suggested anew"
        )
        return Rejected(errors=(f"the marketplace denied it: {reason}; {remedy}",))

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """The record that this is done for waits for the decision, unless it is rejected."""
        if self.standing is not None:
            self.standing = replace(self.standing, unfollowed=False)
        try:
            yield
        except RejectedError:
            self.leave()
            raise

    def _now_is(self, state: Known, said: str | None, reason: str | None = None) -> None:
        before = self.standing
        if before is not None and before.state == state:
            self.standing = replace(before, said=said or before.said, reason=reason or before.reason)
            return
        known = Standing(state=state, since=self._now(), said=said, reason=reason)
        self.standing = known if before is None else replace(known, content=before.content, sent=before.sent)

    def _now(self) -> str:
        return self._clock.now().isoformat()
