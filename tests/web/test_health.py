"""What an orchestrator and a scraper ask."""

from __future__ import annotations

from hub.store.database import Database
from tests.web.driver import Hub, count


async def test_a_hub_that_is_well_says_so(hub: Hub) -> None:
    """The broker is shown, and not required."""
    alive, ready = [await hub.client.get(path) for path in ("/healthz", "/readyz")]

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "store": "current", "broker": "down"},
    )


async def test_a_store_of_another_version_is_not_ready(hub: Hub) -> None:
    """It says what to do."""
    await hub.runtime.db.run(_age, hub.runtime.db)

    ready = await hub.client.get("/readyz")

    assert ready.status_code == 503
    assert ready.json()["store"].startswith("the store is at revision 0000")


async def test_webhooks_are_counted(hub: Hub) -> None:
    """By connector and result, and never by what a stranger writes into a URL."""
    await hub.add("north-1")
    await hub.post("north-1", count(1), delivery="d-1")
    await hub.post("north-1", count(1), delivery="d-1")
    await hub.post("north-1", count(1), secret="another-secret")
    await hub.post("made-up-by-a-stranger", count(1))

    exposition = (await hub.client.get("/metrics")).text

    assert 'hub_webhooks_total{connector="acme_live",result="stored"} 1.0' in exposition
    assert 'hub_webhooks_total{connector="acme_live",result="repeated"} 1.0' in exposition
    assert 'hub_webhooks_total{connector="acme_live",result="unsigned"} 1.0' in exposition
    assert 'hub_webhooks_total{connector="",result="unknown"} 1.0' in exposition
    assert 'hub_webhook_records_total{connector="acme_live",what="new"} 1.0' in exposition
    assert "made-up" not in exposition


async def test_every_answer_of_the_hub_carries_security_headers(hub: Hub) -> None:
    """Errors are small JSON."""
    await hub.add("north-1")
    paths = ("/healthz", "/nowhere", "/hooks/north-1", "/hooks/unknown", "/authorize/north-1")
    answers = [await hub.client.get(path) for path in paths]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in answer.headers
    assert answers[1].json() == {"error": "Not Found"}
    assert (await hub.client.post("/healthz")).json() == {"error": "Method Not Allowed"}


def _age(db: Database) -> None:
    with db.transaction() as tx:
        db.execute(tx, "UPDATE alembic_version SET version_num = '0000'")
