"""Shipping policy: which delivery options an address has. Configuration, compiled once to the bytes of the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

#: VTEX's amounts are whole hundredths of the currency, whatever its own digits (external seller fulfillment: "the last
#: two digits are the cents").
HUNDREDTHS = Decimal("0.01")

#: Addresses whose options are remembered, and characters of the longest postal code of such a one.
MOST_ADDRESSES, LONGEST_REMEMBERED = 10_000, 16
#: Sets of options whose line ends are remembered, and stocks of each: with three options that is some 36 MB.
MOST_DELIVERIES, MOST_ENDS = 100, 500

_ESTIMATE = re.compile(r"\d{1,4}(bd|d|h|m)", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{3}", re.ASCII)
_NOT_IN_A_POSTAL_CODE = re.compile(r"[^0-9A-Z]", re.ASCII)


def plain_postal_code(text: str) -> str:
    """A postal code as it is compared: capital letters and digits alone (``22270-030`` is ``22270030``)."""
    return _NOT_IN_A_POSTAL_CODE.sub("", text.upper())


def _country(text: str) -> str:
    code = text.strip().upper()
    if not _COUNTRY.fullmatch(code):
        raise ValueError("is no ISO 3166 code of three letters, such as BRA or USA")
    return code


def _estimate(text: str) -> str:
    if not _ESTIMATE.fullmatch(text):
        raise ValueError("has to be a number and bd (business days), d, h or m, such as 3bd")
    return text


def _hundredths(amount: Decimal) -> Decimal:
    if amount != amount.quantize(HUNDREDTHS):
        raise ValueError("has more than two digits after the point, which VTEX cannot be told")
    return amount


Country = Annotated[str, AfterValidator(_country)]
Channel = Literal["delivery", "pickup-in-point"]


class Sla(BaseModel):
    """One delivery option, as a shopper sees it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, max_length=100, description="Its id, which orders come back with.")
    name: str | None = Field(None, description="What a shopper reads; the id where it is left out.")
    price: Annotated[Decimal, AfterValidator(_hundredths)] = Field(
        Decimal(0), ge=0, lt=10**9, description="What delivery costs, in the connection's currency: 9.90."
    )
    estimate: Annotated[str, AfterValidator(_estimate)] = Field(
        description="How long it takes: 3bd is three business days; also d, h and m."
    )
    channel: Channel = Field("delivery", description="delivery or pickup-in-point.")


class ShippingRule(BaseModel):
    """Delivery options of a country, or of a range of its postal codes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Country = Field(description="ISO 3166 code of three letters, such as BRA.")
    postal_from: str | None = Field(
        None, description="First postal code, or its first digits: 20000-000 or 20."
    )
    postal_to: str | None = Field(None, description="Last postal code, or its first digits.")
    slas: Sequence[Sla] = Field(min_length=1, description="What can be chosen there.")

    @model_validator(mode="after")
    def _whole_range(self) -> ShippingRule:
        ends = [self.postal_from, self.postal_to]
        if (ends[0] is None) != (ends[1] is None):
            raise ValueError("postal_from and postal_to come together")
        if ends[0] is not None and ends[1] is not None:
            first, last = map(plain_postal_code, (ends[0], ends[1]))
            if not first or not last:
                raise ValueError("postal_from and postal_to need letters or digits")
            width = min(len(first), len(last))
            if first[:width] > last[:width]:
                raise ValueError(f"postal_from ({ends[0]}) lies behind postal_to ({ends[1]})")
        return self


@dataclass(frozen=True, kw_only=True)
class _Option:
    first: str
    last: str
    slas: Mapping[str, bytes]
    channels: Sequence[str]


class LineEnds(dict[int, str]):
    """The end of a line's ``logisticsInfo``, from ``shipsTo`` on, by the SKU's stock. Made when it is first wanted.

    ``around_stock``: its parts, cut wherever the stock stands.
    """

    def __init__(self, around_stock: Sequence[str]) -> None:
        self.around_stock = around_stock

    def __missing__(self, stock: int) -> str:
        if len(self) >= MOST_ENDS:
            self.clear()
        end = self[stock] = str(stock).join(self.around_stock)
        return end


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What an address is offered: ``slas`` as a JSON array, the channels among them, and ``ends`` of ``logisticsInfo``."""

    slas: bytes
    channels: Sequence[str]
    ends: LineEnds


#: Where nothing is shipped to anywhere.
_NO_CHANNELS: Sequence[str] = ["delivery"]


class Shipping:
    """All rules of a connection; every one that matches an address adds its options, the first of an id wins."""

    def __init__(self, rules: Sequence[ShippingRule]) -> None:
        self._by_country: dict[str, list[_Option]] = {}
        for rule in rules:
            self._by_country.setdefault(rule.country, []).append(_compiled(rule))
        #: As JSON: where things are shipped to.
        self.countries = msgspec.json.encode(sorted(self._by_country))
        self._known: dict[tuple[str, str], Delivery] = {}
        self._deliveries: dict[Sequence[str], Delivery] = {}
        channels = {
            channel for options in self._by_country.values() for one in options for channel in one.channels
        }
        self._without_address = self._delivery(b"[]", sorted(channels) or _NO_CHANNELS)

    def to(self, country: str | None, postal_code: str | None) -> Delivery:
        """What an address has; without an address no options, but all channels that there are.

        The storefront asks without country and postal code, a checkout with both (external seller fulfillment).
        """
        if not country or not postal_code:
            return self._without_address
        known = self._known.get((country, postal_code))
        if known is not None:
            return known
        found = self._found(country, plain_postal_code(postal_code))
        if len(country) + len(postal_code) <= LONGEST_REMEMBERED:
            if len(self._known) >= MOST_ADDRESSES:
                self._known.clear()
            self._known[country, postal_code] = found
        return found

    def _found(self, country: str, code: str) -> Delivery:
        options = [one for one in self._by_country.get(country.upper(), ()) if _holds(one, code)]
        if not options:
            return self._without_address
        slas: dict[str, bytes] = {}
        for option in options:
            for name, sla in option.slas.items():
                slas.setdefault(name, sla)
        channels = sorted({channel for one in options for channel in one.channels})
        delivery = self._delivery(b"[" + b",".join(slas.values()) + b"]", channels)
        if len(self._deliveries) >= MOST_DELIVERIES:
            self._deliveries.clear()
            self._known.clear()
        return self._deliveries.setdefault(delivery.ends.around_stock, delivery)

    def _delivery(self, slas: bytes, channels: Sequence[str]) -> Delivery:
        cuts = [f',"shipsTo":{self.countries.decode()},"slas":{slas.decode()},"stockBalance":']
        before = ',"deliveryChannels":['
        for channel in channels:
            cuts.append(f'{before}{{"id":"{channel}","stockBalance":')
            before = "},"
        return Delivery(slas=slas, channels=channels, ends=LineEnds((*cuts, "}]}")))


def _holds(option: _Option, code: str) -> bool:
    return option.first <= code[: len(option.first)] and code[: len(option.last)] <= option.last


def _compiled(rule: ShippingRule) -> _Option:
    return _Option(
        first=plain_postal_code(rule.postal_from or ""),
        last=plain_postal_code(rule.postal_to or ""),
        slas={one.id: _sla(one) for one in rule.slas},
        channels=sorted({one.channel for one in rule.slas}),
    )


def _sla(sla: Sla) -> bytes:
    return msgspec.json.encode(
        {
            "id": sla.id,
            "deliveryChannel": sla.channel,
            "name": sla.name or sla.id,
            "price": int(sla.price / HUNDREDTHS),
            "shippingEstimate": sla.estimate,
            "availableDeliveryWindows": [],
            "pickupStoreInfo": None,
        }
    )
