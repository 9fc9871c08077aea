"""SKU suggestions: versions, decisions by rule or command, and what is left of them (vtex facts, "Suggestion")."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable

from connectors.vtex.simulator.bindings import Key
from connectors.vtex.simulator.clock import Clock
from connectors.vtex.simulator.options import Options
from connectors.vtex.simulator.suggestion import (
    APPROVES,
    DENIES,
    State,
    Suggestion,
    Version,
    names_of,
)
from connectors.vtex.simulator.suggestion_body import Problems
from hub.records import JSON


class Suggestions:
    """All that are not forgotten; ``approved`` is told of each that becomes part of the catalog."""

    def __init__(
        self,
        options: Options,
        clock: Clock,
        *,
        names: tuple[Collection[str], Collection[str]],
        approved: Callable[[Suggestion], None],
    ) -> None:
        self._options, self._clock, self._approved = options, clock, approved
        self._brands, self._categories = ({one.casefold() for one in some} for some in names)
        self._all: dict[Key, Suggestion] = {}
        self._due: deque[tuple[float, Suggestion]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.counters: Counter[str] = Counter()

    def put(self, key: Key, content: JSON) -> Problems:
        """A new one or a new version; returns why it is refused."""
        problems = self._unknown_names(content) if self._options.unknown_names == "refuse" else {}
        if problems:
            return problems
        at = self._clock.text()
        suggestion = self._all.get(key)
        if suggestion is None:
            suggestion = self._all[key] = Suggestion(key, inserted=at)
            self._wait(suggestion)
        elif suggestion.state != "pending":
            self.counters["late"] += 1
            problem = f"The suggestion is {suggestion.status(self._options)} and cannot be updated."
            return {"Status": [problem]} if self._options.late_update == "refuse" else {}
        elif suggestion.content == content:
            self.counters["repeated"] += 1
        suggestion.versions.append(Version(f"v{len(suggestion.versions) + 1}", content, at))
        suggestion.updated = at
        self.counters["versions"] += 1
        return {}

    def get(self, key: Key) -> Suggestion | None:
        """As it is by now."""
        self.settle()
        return self._all.get(key)

    def delete(self, key: Key) -> bool:
        """Whether there was one."""
        return self._all.pop(key, None) is not None

    def all(self) -> Iterable[Suggestion]:
        """As they are by now, the oldest first."""
        self.settle()
        return self._all.values()

    def decide(self, suggestion: Suggestion, state: State, reason: str | None = None) -> None:
        """Approve or deny it."""
        suggestion.state, suggestion.reason, suggestion.updated = state, reason, self._clock.text()
        self.counters[state] += 1
        if state == "approved":
            if self._options.approved == "gone":
                del self._all[suggestion.key]
            self._approved(suggestion)

    def settle(self) -> None:
        """Decide what is due."""
        now = self._clock.seconds()
        while self._due and self._due[0][0] <= now:
            _, suggestion = self._due.popleft()
            if suggestion.state == "pending" and self._all.get(suggestion.key) is suggestion:
                self._decide_by_rule(suggestion)

    def on_clock(self) -> None:
        """The clock was moved, stopped or let go."""
        self.close()
        self._timer = None
        self.settle()
        if self._due and not self._clock.stopped:
            self._set_timer()

    def close(self) -> None:
        """Decide nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def summary(self) -> JSON:
        """How many there are by state, and how many there were."""
        by_state = Counter(one.state for one in self.all())
        names = ("versions", "approved", "denied", "late", "repeated", "of_bound")
        return {"suggestions": dict(by_state)} | {
            f"suggestions_{name}": self.counters[name] for name in names
        }

    def _wait(self, suggestion: Suggestion) -> None:
        if self._options.approve == "manual":
            return
        self._due.append((self._clock.seconds() + self._options.approve_after, suggestion))
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        """So that decisions fall without anybody asking; a stopped clock is moved by a command, which settles too."""
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._due[0][0] - self._clock.seconds())
        self._timer = loop.call_later(wait, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.settle()
        if self._due and not self._clock.stopped:
            self._set_timer()

    def _decide_by_rule(self, suggestion: Suggestion) -> None:
        reason = self._reason_to_deny(suggestion.content)
        score = suggestion.score(self._options)
        if reason is not None:
            self.decide(suggestion, "denied", reason)
        elif self._options.approve == "auto" or score >= APPROVES:
            self.decide(suggestion, "approved")
        elif score <= DENIES:
            self.decide(suggestion, "denied", f"Insufficient score: {score}")

    def _reason_to_deny(self, content: JSON) -> str | None:
        names = names_of(content)
        for rule in self._options.deny:
            text, _, reason = rule.partition("=")
            if text.casefold() in names:
                return reason or f"The name contains {text}"
        unknown = self._unknown_names(content) if self._options.unknown_names == "deny" else {}
        return " ".join(text for texts in unknown.values() for text in texts) or None

    def _unknown_names(self, content: JSON) -> Problems:
        problems: Problems = {}
        if content["BrandName"].casefold() not in self._brands:
            problems["BrandName"] = [f"The brand {content['BrandName']} does not exist in the marketplace."]
        if content["CategoryFullPath"].casefold() not in self._categories:
            path = content["CategoryFullPath"]
            problems["CategoryFullPath"] = [f"The category {path} does not exist in the marketplace."]
        return problems
