"""Private addresses are refused in every spelling."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from hub.http import check_url
from hub.http.guard import is_private_address, is_private_host
from hub.http.resolver import GuardedResolver

PRIVATE = (
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "0", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "localhost", "LOCALHOST.", "a.localhost",
    "[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[::ffff:10.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::10.0.0.1]", "[2002:7f00:1::]", "[::127.0.0.1]",
    "[2001:0:7f00:1::]", "[2001:db8::1]", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u24dbocalhost", "\uff12\uff11\uff130706433",
)  # fmt: skip
PUBLIC = (
    "example.com", "93.184.215.14", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]", "[64:ff9b::808:808]", "1.com",
    "[::ffff:8.8.8.8]", "localhost.example.com", "127.0.0.1.example.com", "10.example", "0x.example",
)  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_host_is_refused(host: str) -> None:
    """The text names the setting that the operator has to change, and the field it stands in."""
    with pytest.raises(ConfigurationError, match=r"settings\.base_url: .*HUB_ALLOW_PRIVATE_HOSTS") as raised:
        check_url(f"https://{host}:8443/x", allow_private_hosts=False, field="settings.base_url")

    assert raised.value.field == "settings.base_url"
    check_url(f"https://{host}:8443/x", allow_private_hosts=True)


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_host_passes(host: str) -> None:
    """Names are looked up only when they are called."""
    check_url(f"https://{host}/x", allow_private_hosts=False)


@pytest.mark.parametrize(
    "url",
    (
        "",
        "x",
        "/x",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "http://[",
        "gopher://example.com",
        "//x/y",
    ),
)
def test_only_http_is_called(url: str) -> None:
    """Also where private hosts may be reached."""
    with pytest.raises(ConfigurationError):
        check_url(url, allow_private_hosts=True)


@given(st.ip_addresses(v=4), st.sampled_from(("{}", "{0}.", "[::ffff:{}]", "[64:ff9b::{}]")))
def test_an_ipv4_address_is_judged_alike_in_every_disguise(
    address: ipaddress.IPv4Address, disguise: str
) -> None:
    """Also as one number, decimal, octal or hexadecimal."""
    host = disguise.format(address).strip("[]")

    assert is_private_host(host) == is_private_address(address)
    for number in (f"{int(address)}", f"0{int(address):o}", f"0x{int(address):x}"):
        assert is_private_host(number) == is_private_address(address)


@given(st.ip_addresses(v=6))
def test_what_is_not_global_is_private(address: ipaddress.IPv6Address) -> None:
    """Nothing passes that the registries do not call global."""
    if not address.is_global and address.ipv4_mapped is None:
        assert is_private_address(address)


@given(st.text())
def test_any_host_gets_a_verdict(host: str) -> None:
    """And never an exception."""
    assert isinstance(is_private_host(host), bool)


class Names(AbstractResolver):
    """A resolver with the addresses that a test gives."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[Any]:
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in self.addresses
        ]

    async def close(self) -> None:
        self.closed = True


async def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    """Also where only one of its addresses does."""
    with pytest.raises(ConfigurationError, match=r"rebind\.example is a private address"):
        await GuardedResolver(Names("93.184.215.14", "10.0.0.1")).resolve("rebind.example")

    public = Names("93.184.215.14")
    guarded = GuardedResolver(public)
    assert (await guarded.resolve("example.com", 443))[0]["host"] == "93.184.215.14"
    await guarded.close()
    assert public.closed
