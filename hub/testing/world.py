"""What the fault and contract suites have to know of one connector: its simulator, its connection, what both saw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hub.records import JSON


class World(ABC):
    """One connector with a simulator that offers some fifty records, each of a thing of its own.

    The destination is the one that remembers (``hub.testing.destination``), in a process of its own. A connector that
    pushes to its own platform says so, and overrides ``assert_pushed_once``.
    """

    #: The simulator's entry point in ``hub.simulators``, and its options; ``reset`` brings back all records.
    simulator: ClassVar[str]
    simulator_options: ClassVar[Mapping[str, Any]] = {}
    #: What polls and reports are to the simulator, and pushes to the destination: a text in their "METHOD /path".
    #: ``report`` is None where the source is told nothing.
    poll: ClassVar[str]
    report: ClassVar[str | None]
    push: ClassVar[str] = "POST /"
    #: Records go to the simulator as well, and not to a destination of the user's choice.
    pushes_to_platform: ClassVar[bool] = False
    #: So many polls may begin within any second, by the platform's rules.
    most_polls_in_a_second: ClassVar[int]
    #: Options of the destination, such as what it refuses.
    destination_options: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def connection(self, source: str, destination: str) -> JSON:
        """The connection file for two addresses. The suite adds ``delivery``."""

    @abstractmethod
    def expected(self) -> Mapping[str, str]:
        """What is to be reported in the end: "success", "failed" or "skipped" by the keys of all records."""

    @abstractmethod
    def reported(self, source: JSON) -> Mapping[str, Sequence[str]]:
        """All statuses that were reported for each key, from the simulator's state."""

    def assert_pushed_once(self, destination: JSON) -> None:
        """No record came twice under two idempotency keys, none changed under one, and none is missing.

        ``destination`` is the state of the destination, or of the simulator where records go there.
        """
        assert not destination["doubled"], f"a record came under two keys: {destination['doubled']}"
        assert not destination["changed"], f"a record changed under its key: {destination['changed']}"
        assert not destination["without_key"], "a record came without a key"
        succeeded = sum(status == "success" for status in self.expected().values())
        assert destination["records"] == succeeded, f"{destination['records']} records came, not {succeeded}"

    def assert_rules(self, source: JSON) -> None:  # noqa: B027 - none is fine
        """Rules of the platform's own, on the simulator's state."""
