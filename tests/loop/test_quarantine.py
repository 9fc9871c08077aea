"""What is no record is kept, once, without a credential that a source sends back, and never at the store's cost."""

from __future__ import annotations

from hub.loop.admission import admit_page
from hub.records import BadRecord, Page
from hub.store.quarantine import MOST_OF_A_PAGE, list_quarantine
from tests.loop.hub_of_a_test import Connect, Hub

API_KEY = "simulator-key"


async def _take_in(hub: Hub, *bad: BadRecord) -> None:
    pipeline = await hub.runtime.pipeline(1)
    await hub.runtime.db.run(admit_page, hub.runtime.db, pipeline, Page(bad=bad), kind="poll")


async def test_a_credential_that_comes_back_in_a_bad_record_is_hidden(hub: Hub, connect: Connect) -> None:
    """In its text, in its key, and in the reason, which may quote half of it."""
    await connect()

    await _take_in(
        hub,
        BadRecord(
            reason=f'amount: "{API_KEY[:6]}…" is none', raw=f'{{"note": "Bearer {API_KEY}"}}', key=API_KEY
        ),
    )

    (kept,) = hub.quarantine()
    assert API_KEY[:6] not in str(kept)
    assert kept["reason"].startswith("amount: ")


async def test_many_bad_records_of_one_page_are_kept_as_many_rows_and_a_number(
    hub: Hub, connect: Connect
) -> None:
    """The same one counts up, and a page of nothing else does not fill the store."""
    await connect()
    same = [BadRecord(reason="no key", raw="1")] * 5_000
    different = [BadRecord(reason="no key", raw=f"[{number}]") for number in range(MOST_OF_A_PAGE + 10)]

    await _take_in(hub, *same, *different)
    await _take_in(hub, *same)

    kept = list_quarantine(hub.db, hub.connection("prices").id, limit=2 * MOST_OF_A_PAGE)
    assert len(kept) == MOST_OF_A_PAGE + 1
    assert max(one["seen"] for one in kept) == 10_000
    assert [one["seen"] for one in kept if not one["raw"]] == [11]
