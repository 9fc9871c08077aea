"""Keeps a tenant's URLs away from what is reachable from here alone: loopback, the private network, cloud metadata."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import NoReturn

import yarl

from hub.errors import ConfigurationError

SCHEMES = ("http", "https")

#: IPv6 addresses that carry an IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str, *, allow_private_hosts: bool, field: str | None = None) -> None:
    """Refuse a URL that the hub would never call, when it is saved. ``field`` is the setting it stands in.

    Names are resolved only when they are called, each time anew. Raises ``ConfigurationError``.
    """
    try:
        parsed = yarl.URL(url)
    except ValueError as error:
        raise ConfigurationError("this is no URL; write it like https://host/path", field=field) from error
    check_parsed(parsed, allow_private_hosts=allow_private_hosts, field=field)


def check_parsed(url: yarl.URL, *, allow_private_hosts: bool, field: str | None = None) -> None:
    """As ``check_url``, for what is parsed already."""
    if url.scheme not in SCHEMES or not url.raw_host:
        raise ConfigurationError("only http and https URLs with a host can be called", field=field)
    if not allow_private_hosts and is_private_host(url.raw_host):
        refuse(url.raw_host, field)


@lru_cache(maxsize=4096)
def is_private_host(host: str) -> bool:
    """Whether a host is a private address, in whatever spelling, or a name for this machine. Resolves nothing."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and is_private_address(address)


def is_private_address(address: _Address) -> bool:
    """Private, loopback, link-local, multicast, reserved, unspecified, or an IPv6 address that leads to one of these."""
    if isinstance(address, ipaddress.IPv6Address):
        if (same := _same_in_ipv4(address)) is not None:
            return is_private_address(same)
        tunnels = [address.sixtofour, *(address.teredo or ())]
        if address.is_site_local or any(is_private_address(end) for end in tunnels if end is not None):
            return True
    return not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified


def refuse(host: str, field: str | None = None) -> NoReturn:
    """Says that a host is private, and what to do where it is meant. Raises ``ConfigurationError``."""
    raise ConfigurationError(
        f"{host} is a private address, which connections may not reach;"
        " if it is meant, the operator sets HUB_ALLOW_PRIVATE_HOSTS=true",
        field=field,
    )


def _address(host: str) -> _Address | None:
    """The address that a host is; also in the decimal, octal, hexadecimal and shortened spellings of old."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not host or not host[0].isdigit():
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _same_in_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
