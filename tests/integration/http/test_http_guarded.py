"""Where a request may go: redirects, private hosts, and secrets that stay where they belong."""

from __future__ import annotations

import base64
import socket
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.abc import AbstractResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hub import errors
from hub.http import ConnectionHttp

Serve, Wire, Request = Any, Any, Any
Reply = Callable[..., bytes]

CREDENTIALS = {
    "Authorization": "Bearer t0ken-of-a-tenant",
    "Cookie": "session=t0ken-of-a-tenant",
    "X-VTEX-API-AppKey": "app-key",
    "X-VTEX-API-AppToken": "app-token",
    "X-Shopify-Access-Token": "shpat",
    "X-Request-Id": "carries t0ken-of-a-tenant",
}


async def test_a_redirect_within_the_host_is_followed(
    serve: Serve, http: ConnectionHttp, reply: Reply
) -> None:
    """With all its headers; a relative location too."""

    def answer(request: Request) -> bytes:
        return reply(200, b"there") if request.target == "/new" else reply(301, location="/new")

    server = await serve(answer)

    answered = await http.request("GET", f"{server.url}/old", headers=CREDENTIALS)

    assert answered.content == b"there"
    assert server.requests[1].headers["authorization"] == "Bearer t0ken-of-a-tenant"


async def test_credentials_never_go_to_another_host(serve: Serve, wire: Wire, reply: Reply) -> None:
    """Another port is another host; what is harmless goes along, unless a secret is in it."""
    other = await serve(lambda _: reply(200, b"there"))
    server = await serve(lambda _: reply(307, location=f"{other.url}/x"))
    http = wire.connection(secrets=["t0ken-of-a-tenant"])

    await http.request("GET", server.url, headers={**CREDENTIALS, "Accept": "text/csv"})

    (request,) = other.requests
    assert request.headers["accept"] == "text/csv"
    assert not {name.lower() for name in CREDENTIALS} & set(request.headers)


async def test_back_at_the_first_host_they_are_gone_too(
    serve: Serve, http: ConnectionHttp, reply: Reply
) -> None:
    """Whoever was in between chose the address."""
    urls: dict[str, str] = {}
    other = await serve(lambda _: reply(302, location=f"{urls['first']}/chosen"))
    first = await serve(
        lambda request: reply(200) if request.target == "/chosen" else reply(302, location=other.url)
    )
    urls["first"] = first.url

    await http.request("GET", first.url, headers=CREDENTIALS)

    assert "authorization" not in first.requests[1].headers


@pytest.mark.parametrize("method", ("POST", "PUT", "PATCH", "DELETE"))
async def test_what_writes_is_never_sent_elsewhere(
    serve: Serve, http: ConnectionHttp, reply: Reply, method: str
) -> None:
    """Not even where the status would keep the method."""
    server = await serve(lambda _: reply(308, location="/new"))

    with pytest.raises(errors.RejectedError, match=r"HTTP 308: it points to .* and was not followed"):
        await http.request(method, server.url, content=b"x")

    assert len(server.requests) == 1


async def test_there_is_an_end_to_redirects(serve: Serve, http: ConnectionHttp, reply: Reply) -> None:
    """After three."""
    server = await serve(lambda request: reply(302, location=request.target + "x"))

    with pytest.raises(errors.RejectedError, match="too many redirects"):
        await http.request("GET", server.url)

    assert len(server.requests) == 4


async def test_a_redirect_can_be_what_a_plugin_wants(
    serve: Serve, http: ConnectionHttp, reply: Reply
) -> None:
    """An accepted one is not followed."""
    server = await serve(lambda _: reply(303, location="/new"))

    assert (await http.request("GET", server.url, accept={303})).headers["location"] == "/new"


@pytest.mark.parametrize("location", ("http://[", "ftp://127.0.0.1/"))
async def test_a_redirect_to_nowhere_is_rejected(
    serve: Serve, http: ConnectionHttp, reply: Reply, location: str
) -> None:
    """To what is no URL, or none that can be called."""
    server = await serve(lambda _: reply(302, location=location))

    with pytest.raises(errors.RejectedError):
        await http.request("GET", server.url)


class Names(AbstractResolver):
    """Leads every name to this machine, as a rebinding name server would."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
        self.asked.append(host)
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
        return [{**found, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        self.asked.append("closed")


@pytest.mark.parametrize(
    "host",
    (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "evil.example",
    ),
)
async def test_a_private_host_is_not_reached(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply, host: str
) -> None:
    """In any spelling, and behind any name; the circuit does not count it."""
    server = await serve(lambda _: reply())
    wire = make_wire(allow_private_hosts=False, resolver=Names())
    url = server.url.replace("127.0.0.1", host)

    for _ in range(6):
        with pytest.raises(errors.ConfigurationError, match="HUB_ALLOW_PRIVATE_HOSTS"):
            await wire.connection().request("GET", f"{url}/secret?x=1")

    assert server.requests == []
    assert await wire.circuit.snapshot() == []
    assert {call.error for call in wire.calls} == {"ConfigurationError"}


async def test_the_same_name_is_reached_where_that_is_allowed(
    serve: Serve, make_wire: Callable[..., Wire], reply: Reply
) -> None:
    """So what stops it is the guard, and nothing else."""
    server = await serve(lambda _: reply())
    http = make_wire(resolver=Names()).connection()

    answer = await http.request("GET", server.url.replace("127.0.0.1", "evil.example"))

    assert answer.status_code == 200


#: Anything that a header can carry, behind a mark, for otherwise it may be a word that an error says anyway.
SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="*", exclude_categories=("Cc", "Cs", "Z")),
    min_size=3,
    max_size=30,
).map("sk~{}".format)  # fmt: skip
STATUSES = (200, 302, 400, 401, 403, 404, 422, 429, 500, 503)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(secret=SECRETS, status=st.sampled_from(STATUSES), shape=st.integers(0, 5))
async def test_no_secret_gets_into_an_error_or_log(
    serve: Serve, wire: Wire, reply: Reply, secret: str, status: int, shape: int
) -> None:
    """Whatever the other side does with what it was sent: the whole trace is clean, and so is what is observed."""
    echo = base64.b64encode(f"user:{secret}".encode()).decode()
    body = (
        secret.encode(),
        b'{"detail": [{"loc": ["%s"], "msg": "bad"}]}' % quote(secret, safe="").encode(),
        f"<p>{secret}  {secret}</p>".encode(),
        f"Basic {echo}".encode(),
        (" " * 490 + secret).encode(),
        b"",
    )[shape]
    server = await serve(
        lambda _: reply(status, body, location="http://127.0.0.1:1/" + quote(secret, safe=""))
    )
    http = wire.connection(secrets=[secret])
    url = f"{server.url}/{quote(secret, safe='')}?key={quote(secret, safe='')}"

    with capture_logs() as logs:
        for method, target in (
            ("GET", url),
            ("POST", url),
            ("POST", "http://127.0.0.1:1/?k=" + quote(secret, safe="")),
        ):
            try:
                await http.request(method, target, headers={"Authorization": f"Basic {echo}"})
            except errors.HubError as error:
                text = "".join(traceback.format_exception(error)) + repr(vars(error))
                shown = text + repr(logs) + repr(wire.calls)
                assert not any(
                    spelling in shown
                    for spelling in (secret, quote(secret, safe=""), echo, repr(secret)[1:-1])
                )
