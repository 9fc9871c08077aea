"""The access token of a shop is renewed before it ends, with the same refresh token until that works."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from connectors.shopify.settings import ShopifyCredentials, ShopifySettings
from connectors.shopify.simulator import SIMULATOR
from connectors.shopify.tokens import PAUSE, Tokens
from hub.connector import Bucket, Ports
from hub.errors import HubError, NotNowError, ReauthorizationError, RetryableError
from hub.http import ConnectionHttp, HttpPool
from hub.policy.circuit import MemoryCircuit
from hub.policy.limiter import MemoryLimiter
from hub.testing.faults import Faults
from hub.testing.simulator import Running
from hub.testing.vault import MemoryVault

INACTIVE = "This request requires an active refresh_token"


class ClockOf:
    """The hub's time is the shop's."""

    def __init__(self, shop: Running) -> None:
        self._clock = shop.platform.clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.seconds(), UTC)


@dataclass
class Connected:
    """A shop that was connected, and what is stored of it."""

    shop: Running
    vault: MemoryVault
    http: ConnectionHttp

    def tokens(self, *, vault: bool = True) -> Tokens:
        """Those of another process."""
        settings = ShopifySettings(
            shop="simulated.myshopify.com", client_id="simulator-client", endpoint=self.shop.url
        )
        nothing: Any = None
        ports = Ports(
            http=self.http,
            ids=nothing,
            documents=nothing,
            clock=ClockOf(self.shop),
            log=structlog.get_logger(),
            vault=self.vault if vault else None,
        )
        return Tokens(settings, ShopifyCredentials.model_validate(self.vault.credentials), ports)

    def pass_time(self, **time: float) -> None:
        self.shop.platform.clock.told({"advance": timedelta(**time).total_seconds()})

    def harm(self, **faults: Any) -> None:
        self.shop.app.faults.set([Faults(match="access_token", **faults)])

    @property
    def asked(self) -> int:
        """How often the shop was asked for tokens since it was connected."""
        count: int = self.shop.platform.summary()["token_requests"]
        return count

    def accepts(self, token: str) -> bool:
        good: bool = self.shop.platform.tokens.accepts(token)
        return good


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Running]:
    async with SIMULATOR.running(products=1, access_token="") as running:
        yield running


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def connected(server: Running) -> AsyncIterator[Connected]:
    server.app.reset()
    platform = server.platform
    platform.clock.told({"stopped": True})
    pair = platform.tokens.exchange(platform.tokens.approve([], "http://127.0.0.1/"), expiring=True)
    now = ClockOf(server).now()
    vault = MemoryVault(
        {
            "client_secret": "simulator-secret",
            "access_token": pair["access_token"],
            "refresh_token": pair["refresh_token"],
            "access_token_expires_at": (now + timedelta(hours=1)).isoformat(),
            "refresh_token_expires_at": (now + timedelta(days=90)).isoformat(),
        }
    )
    pool = HttpPool(allow_private_hosts=True, timeout=timedelta(seconds=2))
    http = pool.for_connection(
        side="source",
        tenant="acme",
        circuit_key="shop",
        default_bucket=Bucket(key="default"),
        limiter=MemoryLimiter(),
        circuit=MemoryCircuit(),
        secrets=["simulator-secret", pair["access_token"], pair["refresh_token"]],
    )
    yield Connected(server, vault, http)
    await pool.close()


async def test_a_token_that_is_good_for_long_is_used(connected: Connected) -> None:
    """Nobody is asked."""
    tokens = connected.tokens()
    connected.pass_time(minutes=54)

    assert await tokens.fresh_token() == connected.vault.credentials["access_token"]
    assert (connected.asked, connected.vault.renewals) == (0, 0)


async def test_it_is_renewed_minutes_before_it_ends(connected: Connected) -> None:
    """Once, and the pair is stored: new ends included."""
    tokens, first = connected.tokens(), dict(connected.vault.credentials)
    connected.pass_time(minutes=56)

    renewed = [await tokens.fresh_token() for _ in range(3)]

    held = connected.vault.credentials
    assert renewed == [held["access_token"]] * 3
    assert connected.accepts(renewed[0])
    assert all(held[name] != first[name] for name in first if name != "client_secret")
    assert datetime.fromisoformat(held["access_token_expires_at"]) == ClockOf(
        connected.shop
    ).now() + timedelta(hours=1)
    assert connected.asked == 1


async def test_another_process_finds_what_was_renewed(connected: Connected) -> None:
    """Although it began with the older pair."""
    one, other = connected.tokens(), connected.tokens()
    connected.pass_time(minutes=56)

    assert await one.fresh_token() == await other.fresh_token()
    assert connected.asked == 1


@pytest.mark.parametrize(
    ("faults", "kind"),
    (
        ({"error": 1, "error_status": 503}, RetryableError),
        ({"throttle": 1}, NotNowError),
        ({"garbage": 1}, RetryableError),
        ({"drop": 1}, RetryableError),
        ({"lose": 1}, RetryableError),
        ({"stall": 1, "stall_seconds": 3}, RetryableError),
    ),
)
async def test_a_renewal_that_fails_on_its_way_is_made_again_with_the_same_token(
    connected: Connected, faults: dict[str, Any], kind: type[HubError]
) -> None:
    """Also where the shop has handed out another pair already, whose answer was lost."""
    tokens, first = connected.tokens(), dict(connected.vault.credentials)
    connected.pass_time(hours=2)
    connected.harm(**faults)
    with pytest.raises(kind):
        await tokens.fresh_token()
    assert connected.vault.credentials == first
    connected.shop.app.faults.set([])

    assert connected.accepts(await tokens.fresh_token())
    assert connected.accepts(await connected.tokens().fresh_token())


async def test_while_the_shop_cannot_renew_it_a_token_that_is_still_good_is_used(
    connected: Connected, logs: list[MutableMapping[str, Any]]
) -> None:
    """And the shop is asked again after a pause, not at every request."""
    tokens = connected.tokens()
    first = connected.vault.credentials["access_token"]
    connected.pass_time(minutes=56)
    connected.harm(error=1)

    used = [await tokens.fresh_token() for _ in range(5)]
    injected = connected.shop.app.faults.injected["error"]
    connected.shop.app.faults.set([])
    connected.pass_time(seconds=PAUSE.total_seconds())

    assert used == [first] * 5
    assert injected == 1
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert await tokens.fresh_token() != first


@pytest.mark.parametrize("html", (False, True))
async def test_a_refresh_token_that_is_void_is_said_so(
    connected: Connected, html: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In JSON, or in HTML as the platform has it where it likes; nothing is stored, no secret is shown."""
    connected.shop.platform.tokens.uninstall()
    if html:
        _without_accept(connected, monkeypatch)
    before = dict(connected.vault.credentials)
    connected.pass_time(minutes=56)

    with pytest.raises(ReauthorizationError, match=INACTIVE) as raised:
        await connected.tokens().fresh_token()

    assert raised.value.response_code == 401
    assert "hub shopify connect" in str(raised.value)
    assert connected.vault.credentials == before
    assert not any(str(secret) in str(raised.value) for secret in before.values())


def _without_accept(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    oauth, answer = connected.shop.platform.oauth, connected.shop.platform.oauth.token

    async def token(scope: Any, receive: Any, send: Any) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept"]
        await answer({**scope, "headers": headers}, receive, send)

    monkeypatch.setattr(oauth, "token", token)


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    (
        (400, b'{"error": "invalid_grant"}', ReauthorizationError, "invalid_grant"),
        (401, b'{"error": "invalid_client", "error_description": "no"}', ReauthorizationError, "no"),
        (401, b"", ReauthorizationError, "HTTP 401"),
        (401, b"\xff\x00", ReauthorizationError, "HTTP 401"),
        (400, b"<html>Bad Request</html>", RetryableError, "HTTP 400"),
        (400, b"[]", RetryableError, "HTTP 400"),
        (403, b"", ReauthorizationError, "403"),
        (200, b'{"access_token": "x"}', RetryableError, "how it goes on"),
        (200, b'{"access_token": "x", "refresh_token": "y"}', RetryableError, "how it goes on"),
        (200, b'{"refresh_token": "y"}', RetryableError, "without an access token"),
    ),
)
async def test_what_the_shop_may_answer(
    connected: Connected,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    kind: type[HubError],
    said: str,
) -> None:
    """Only what is the shop's own word is for good."""
    connected.pass_time(hours=2)

    async def token(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    monkeypatch.setattr(connected.shop.platform.oauth, "token", token)

    with pytest.raises(kind, match=said):
        await connected.tokens().fresh_token()


async def test_a_shop_that_was_connected_elsewhere_is_said_so(connected: Connected) -> None:
    """By whom is nobody's business."""
    connected.shop.platform.tokens.uninstall()
    connected.vault.is_superseded = True
    connected.pass_time(minutes=56)

    with pytest.raises(ReauthorizationError, match=r"^connected elsewhere"):
        await connected.tokens().fresh_token()


async def test_a_token_that_was_revoked_is_renewed(connected: Connected) -> None:
    """Once: another process finds the new one."""
    one, other = connected.tokens(), connected.tokens()
    refused = await one.fresh_token()
    connected.shop.platform.tokens.revoke()

    renewed = await one.token_after(refused)

    assert connected.accepts(renewed)
    assert await one.token_after(refused) == renewed
    assert await other.token_after(refused) == renewed
    assert connected.asked == 1


async def test_a_custom_apps_token_needs_nothing(connected: Connected) -> None:
    """It never ends, and once it is refused nothing renews it."""
    connected.vault.credentials = {"access_token": "shpat_fixed"}
    tokens = connected.tokens()
    connected.pass_time(days=1000)

    assert await tokens.fresh_token() == "shpat_fixed"
    with pytest.raises(ReauthorizationError, match="does not take the access token"):
        await tokens.token_after("shpat_fixed")
    assert connected.asked == 0


async def test_a_shop_that_is_not_connected_yet_is_said_so(connected: Connected) -> None:
    """With what to do."""
    connected.vault.credentials = {"client_secret": "simulator-secret"}

    with pytest.raises(ReauthorizationError, match="hub shopify connect"):
        await connected.tokens().fresh_token()


async def test_without_a_vault_nothing_is_renewed(connected: Connected) -> None:
    """A pair that cannot be stored must not be asked for."""
    connected.pass_time(minutes=56)

    with pytest.raises(ReauthorizationError, match="once the connection is stored"):
        await connected.tokens(vault=False).fresh_token()
    assert connected.asked == 0


async def test_a_token_that_lives_shortly_is_not_renewed_at_every_use(connected: Connected) -> None:
    """Where it lives for less than the margin, its last quarter counts."""
    tokens = connected.tokens()
    connected.shop.platform.tokens._options = connected.shop.platform.options.model_copy(
        update={"expires_in": 60}
    )
    connected.pass_time(minutes=56)

    used = {await tokens.fresh_token() for _ in range(3)}
    connected.pass_time(seconds=50)
    used.add(await tokens.fresh_token())

    assert len(used) == 2
    assert connected.asked == 2


async def test_a_token_in_hand_is_not_shown(connected: Connected) -> None:
    """By anything that prints it."""
    tokens = connected.tokens()

    assert "shp" not in f"{tokens!r} {tokens._pair!r}"
