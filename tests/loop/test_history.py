"""What happens to a connection is noted with who did it, in the transaction that does it."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import ConnectionFailedError, NotFoundError, ReauthorizationError
from hub.records import JSON, Milestone, Page
from hub.store import connections, history
from tests.loop.hub_of_a_test import Hub, Script, Scripted

FILE: JSON = {"connector": "scripted"}


def lines(hub: Hub, name: str = "prices") -> list[tuple[str, str]]:
    """What and who, oldest first."""
    return [(row["what"], row["who"]) for row in reversed(history.of_connection(hub.db, name))]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def hub(database_url: str, hub_home: Any, script: Script) -> Any:
    hub = Hub(hub_home, database_url, scripted=Scripted.with_script(script))
    await hub.connect(FILE)
    yield hub
    await hub.close()


async def test_what_an_operator_does_is_noted_under_their_name(hub: Hub) -> None:
    """In the order in which it was done."""
    connections.set_paused(hub.db, "prices", True, who="ann")
    connections.set_paused(hub.db, "prices", False, who="bea")
    connections.rewind(hub.db, "prices", full_pass=True, who="ann")

    assert lines(hub)[1:] == [("paused", "ann"), ("resumed", "bea"), ("rewound", "ann")]
    assert lines(hub)[0] == ("connected", history.operator())


async def test_history_outlives_its_connection(hub: Hub) -> None:
    """And says who removed it."""
    connections.remove_connection(hub.db, "prices", who="ann")

    assert lines(hub)[-1] == ("removed", "ann")


async def test_a_name_that_never_was_has_none(hub: Hub) -> None:
    """Which is another thing than a connection without a line."""
    with pytest.raises(NotFoundError):
        history.of_connection(hub.db, "never")


async def test_an_import_that_ended_is_noted_with_its_page(hub: Hub, script: Script) -> None:
    """With what the connector says of it."""
    script.poll = lambda _: Page(milestones=[Milestone(what="imported", facts={"products": 3})])
    await hub.poll()

    found = history.last(hub.db, hub.connection().id, "imported", "import failed")
    assert found is not None
    assert (found["who"], found["facts"]) == ("hub", {"products": 3})


@pytest.mark.parametrize(
    ("error", "what", "state"),
    (
        (ReauthorizationError("the token is void"), "refused", "failed"),
        (ConnectionFailedError("no such shop"), "failed", "failed"),
    ),
)
async def test_why_a_connection_stopped_is_noted_once(
    hub: Hub, script: Script, error: Exception, what: str, state: str
) -> None:
    """However many processes find it out."""

    def refuse(_: object) -> Page:
        raise error

    script.poll = refuse
    await hub.poll()
    stored = hub.connection()
    connections.refuse_source(hub.db, stored.id, "again") if what == "refused" else connections.fail(
        hub.db, stored.id, "again"
    )

    assert [line for line in lines(hub) if line[1] == "hub"] == [(what, "hub")]
    assert (stored.state, stored.state_reason) == (state, str(error))


async def test_facts_are_cut(hub: Hub) -> None:
    """A foreign text is no reason for a long line."""
    connection_id = hub.connection().id
    with hub.db.transaction() as tx:
        history.note(hub.db, tx, connection_id, "imported", facts={"reason": "x" * 5000})

    found = history.last(hub.db, connection_id, "imported")
    assert found is not None
    assert len(found["facts"]["reason"]) == history.TEXT_LIMIT
