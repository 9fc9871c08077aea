"""Sends what changed in the catalog to the affiliates; who does not answer is not told again, unless by option."""

from __future__ import annotations

import asyncio
from collections import Counter, deque

import aiohttp

from connectors.vtex.simulator.affiliates import Affiliates
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.notification import SPELLINGS, Happened, spelt
from connectors.vtex.simulator.options import Options, Spelling
from connectors.vtex.simulator.outbox import JSON_HEADERS, Outbox, post
from hub import codec
from hub.records import JSON

#: Seconds that an affiliate may take to answer; nothing is published.
TIMEOUT = 10.0
#: Notifications that the state shows.
_SHOWN = 100


class Notifications:
    """What is on its way to affiliates."""

    def __init__(self, options: Options, clock: Clock, affiliates: Affiliates) -> None:
        self._options, self._clock, self._affiliates = options, clock, affiliates
        self._outbox = Outbox(options.notification_concurrency)
        self._recent: deque[JSON] = deque(maxlen=_SHOWN)
        self._spelt = 0
        self._slowest = 0.0
        self.counters: Counter[str] = Counter()

    def send(self, happened: Happened, spelling: Spelling | None = None) -> int:
        """Tell every affiliate of the sales channel; returns how many."""
        endpoints = self._affiliates.endpoints()
        for affiliate, url in endpoints:
            payload = spelt(
                happened,
                self._spelling(spelling or self._options.spelling),
                account=self._options.account,
                affiliate=affiliate,
                at=self._clock.ticks(),
            )
            self._put(url, payload)
        return len(endpoints)

    async def idle(self) -> None:
        """Until all are delivered or given up."""
        await self._outbox.idle()

    def close(self) -> None:
        """Stop sending."""
        self._outbox.close()

    def summary(self) -> JSON:
        """Counters, and the slowest answer."""
        names = ("sent", "attempts", "delivered", "given_up")
        statuses = {name: count for name, count in self.counters.items() if name.startswith("answered ")}
        return {f"notifications_{name}": self.counters[name] for name in names} | {
            "notifications_pending": self._outbox.pending,
            "notifications_slowest_ms": round(self._slowest * 1000, 1),
            "notifications_answers": {name.removeprefix("answered "): n for name, n in statuses.items()},
        }

    def shown(self) -> list[JSON]:
        """The latest payloads and what they were answered."""
        return list(self._recent)

    def _spelling(self, wanted: Spelling) -> Spelling:
        if wanted != "mixed":
            return wanted
        self._spelt += 1
        return SPELLINGS[self._spelt % len(SPELLINGS)]

    def _put(self, url: str, payload: JSON) -> None:
        self.counters["sent"] += 1
        about: JSON = {"url": url, "payload": payload, "answers": []}
        self._recent.append(about)
        self._outbox.put(lambda session: self._deliver(session, url, codec.dumps(payload), about))

    async def _deliver(self, session: aiohttp.ClientSession, url: str, body: bytes, about: JSON) -> None:
        for attempt in range(self._options.notification_retries + 1):
            if attempt:
                await asyncio.sleep(self._options.notification_retry_seconds)
            reply = await post(session, url, body, JSON_HEADERS, TIMEOUT)
            self.counters["attempts"] += 1
            self._slowest = max(self._slowest, reply.seconds)
            answer = reply.error or str(reply.status)
            self.counters[f"answered {answer}"] += 1
            about["answers"].append(answer)
            if reply.status is not None and 200 <= reply.status < 300:
                self.counters["delivered"] += 1
                return
        self.counters["given_up"] += 1
