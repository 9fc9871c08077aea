"""What the fault and contract suites have to know of MerchantOps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from connectors.merchantops.client import POLL_PATH
from connectors.merchantops.simulator_state import generated_items
from hub import codec
from hub.records import JSON
from hub.testing.world import World

RECORDS = 60
BATCH_SIZE = 25
ITEMS = [codec.loads(text) for text in islice(generated_items(seed=0, batch_size=BATCH_SIZE), RECORDS)]
#: Every tenth record is one that the destination does not take.
REFUSED = ITEMS[5::10]


class MerchantOpsWorld(World):
    """Sixty prices in three batches."""

    simulator = "merchantops"
    simulator_options: ClassVar[Mapping[str, Any]] = {"records": RECORDS, "batch_size": BATCH_SIZE}
    poll = f"GET {POLL_PATH}"
    report = "/publish-outcome"
    push = "POST /prices"
    destination_options: ClassVar[Mapping[str, Any]] = {
        "identity": "sku",
        "refuse": [item["variant_key"] for item in REFUSED],
    }
    # Two a second; a third one may begin right at the end of a second.
    most_polls_in_a_second = 3

    def connection(self, source: str, destination: str) -> JSON:
        """Pages of twenty, so that they are all seen after three polls."""
        return {
            "connector": "merchantops",
            "settings": {"base_url": source, "target_key": "custom", "limit": 20},
            "credentials": {"api_key": "simulator-key"},
            "destination": {
                "name": "http",
                "settings": {"url": f"{destination}/prices", "external_id": "id"},
                "mapping": {"sku": "variant_key", "price": "amount", "currency": "currency"},
            },
        }

    def expected(self) -> Mapping[str, str]:
        """What the destination refuses has failed."""
        return {item["record_key"]: "failed" if item in REFUSED else "success" for item in ITEMS}

    def reported(self, source: JSON) -> Mapping[str, Sequence[str]]:
        """The simulator keeps the last outcome of each record, and counts those that contradict an earlier one."""
        records: Mapping[str, Any] = source["targets"][0]["records"]
        return {key: [one["outcome"]["status"]] for key, one in records.items() if one["outcome"]}

    def assert_rules(self, source: JSON) -> None:
        """No outcome was ever contradicted, and every batch is finished as its records say."""
        assert source["changed_outcomes"] == 0
        assert source["pending"] == 0
        batches = source["targets"][0]["batches"].values()
        assert [batch["final_status"] for batch in batches] == ["partial"] * 3
