"""What merchants are told of their SKUs: VTEX's table of log messages in full, and what it leaves out.

S1, A1 to A3 and E1 to E5 are VTEX's own ("Log messages" of its guide to catalog logs), with its statuses and responses; H1 to
H15 are the hub's, for what the table does not know of. Its "Alert" and "Warning" are one status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """As logs spell it."""

    SUCCESS = "Success"
    WARNING = "Warning"
    ERROR = "Error"
    PENDING = "Pending"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """``response`` is like HTTP's. ``text`` has the fields of ``Context``; ``action`` is for the table of known errors."""

    status: Status
    response: int
    event: str
    text: str
    action: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a message is about. ``items`` are errors, fields with values, or reasons, all of them."""

    sku: str
    name: str | None = None
    marketplace: str = "the marketplace"
    external_id: str | None = None
    link: str | None = None
    category: str | None = None
    mapper: str = ""
    items: Sequence[str] = ()
    attempts: int = 0


_PRICED: Final = (
    "\n- On inventory simulation, check if the carrier attending the SKU exists."
    "\n- On price configuration, check if there's a price associated with the trade policy."
)
_REFUSED: Final = "Oops, we couldn't prepare the SKU registration of {sku} in {marketplace} due to:{items}"
_AGAIN: Final = " Don't worry - we'll try again in a few minutes. In case the problem persists, get in touch with the marketplace."

#: By code, in the order of the documentation.
MESSAGES: Final[Mapping[str, Message]] = {
    "S1": Message(
        status=Status.SUCCESS,
        response=201,
        event="the SKU was registered in the marketplace",
        text="The SKU {sku} was created in {marketplace} with the code {external_id}.{link}",
        action="nothing",
    ),
    "A1": Message(
        status=Status.WARNING,
        response=400,
        event="the cart simulation does not return the SKU",
        text="Oops, we couldn't obtain the SKU price of {sku}. Please check if the items below are configured correctly in "
        "the VTEX platform."
        "\n- On product registration, check if it is associated with the trade policy."
        + _PRICED
        + "{remarks}",
        action="check trade policy, carrier and price of the SKU in VTEX; the next notification or check puts it on sale",
    ),
    "A2": Message(
        status=Status.WARNING,
        response=400,
        event="the SKU is inactive",
        text="Oops, the SKU {sku} is inactive in VTEX. We recommend that you check:"
        '\n- In Catalog, identify the SKU and check if the field "Activate SKU" is checked.'
        "\n- In Catalog, check if the image is uploaded." + _PRICED + "{remarks}",
        action="activate the SKU and its product in VTEX, if it is to be sold",
    ),
    "A3": Message(
        status=Status.WARNING,
        response=200,
        event="a value that the marketplace needs is missing in VTEX, and a standard value was sent",
        text="Oops, we couldn't find the values needed for the product registration of {sku}, and filled them with standard "
        "values accepted by {marketplace}:{items}",
        action="fill in the fields in VTEX; the next change sends them",
    ),
    "E1": Message(
        status=Status.ERROR,
        response=400,
        event="the SKU's data cannot be made what the marketplace demands",
        text=_REFUSED,
        action="correct everything that is listed in VTEX; the change is sent by itself",
    ),
    "E2": Message(
        status=Status.ERROR,
        response=500,
        event="the marketplace cannot be reached",
        text="Oops, the product registration in {marketplace} is unavailable right now for the SKU {sku}."
        + _AGAIN
        + "{remarks}",
        action="wait; in case it persists, get in touch with the marketplace",
    ),
    "E3": Message(
        status=Status.ERROR,
        response=400,
        event="the marketplace refused the SKU's data",
        text=_REFUSED,
        action="correct everything that is listed in VTEX; the change is sent by itself",
    ),
    "E4": Message(
        status=Status.ERROR,
        response=400,
        event="the SKU's category is not mapped",
        text="Oops, we couldn't find the category {category} mapping of the {sku} SKU in {marketplace}. Please access the link "
        "below to perform this mapping.\n{mapper}",
        action="map the category in VTEX Mapper, or by `hub vtex categories map`; the SKU goes on by itself",
    ),
    "E5": Message(
        status=Status.ERROR,
        response=500,
        event="VTEX's category mapper cannot be reached",
        text="Oops, the VTEX category mapping is unavailable right now for the SKU {sku}."
        + _AGAIN
        + "{remarks}",
        action="wait; in case it persists, get in touch with the marketplace, or map by `hub vtex categories map`",
    ),
    "H1": Message(
        status=Status.SUCCESS,
        response=200,
        event="the SKU was updated",
        text="The SKU {sku} was updated in {marketplace}, where its code is {external_id}.{link}",
        action="nothing",
    ),
    "H2": Message(
        status=Status.SUCCESS,
        response=200,
        event="the price was updated",
        text="The price of the SKU {sku} was updated in {marketplace}, where its code is {external_id}.{link}",
        action="nothing",
    ),
    "H3": Message(
        status=Status.SUCCESS,
        response=200,
        event="the stock was updated",
        text="The stock of the SKU {sku} was updated in {marketplace}, where its code is {external_id}.{link}",
        action="nothing",
    ),
    "H4": Message(
        status=Status.SUCCESS,
        response=200,
        event="the SKU was taken off sale",
        text="The SKU {sku} was blocked in {marketplace}, with no stock.",
        action="nothing; to sell it again, activate it in VTEX",
    ),
    "H5": Message(
        status=Status.SUCCESS,
        response=200,
        event="the SKU was deleted in the marketplace",
        text="The SKU {sku} was deleted from {marketplace}, and what it was called there was forgotten.",
        action="nothing; to sell it again, activate it in VTEX",
    ),
    "H6": Message(
        status=Status.SUCCESS,
        response=200,
        event="nothing had changed",
        text="The SKU {sku} is in {marketplace} as it is in VTEX: nothing had to be sent.",
        action="nothing",
    ),
    "H7": Message(
        status=Status.PENDING,
        response=202,
        event="the SKU waits for its turn",
        text="The SKU {sku} is in the queue, and will be sent to {marketplace} shortly.{remarks}",
        action="wait",
    ),
    "H8": Message(
        status=Status.PENDING,
        response=202,
        event="the marketplace has not decided yet",
        text="The SKU {sku} was sent to {marketplace}, which has not said yet what became of it.{remarks}",
        action="wait",
    ),
    "H9": Message(
        status=Status.WARNING,
        response=200,
        event="the SKU is not to be sold here",
        text="The SKU {sku} was not sent to {marketplace}:{items}",
        action="if it is to be sold, change in VTEX what is named",
    ),
    "H10": Message(
        status=Status.SUCCESS,
        response=200,
        event="a newer change came first",
        text="This change of the SKU {sku} was not sent to {marketplace}: a newer one has replaced it.",
        action="look at the later message of the SKU",
    ),
    "H11": Message(
        status=Status.WARNING,
        response=400,
        event="an operator of the hub gave the change up",
        text="This change of the SKU {sku} could not be sent to {marketplace}, and was given up by the hub's operator.{remarks}",
        action="change the SKU in VTEX once more, or ask the hub's operator",
    ),
    "H12": Message(
        status=Status.ERROR,
        response=401,
        event="the marketplace does not accept the credentials",
        text="Oops, the SKU {sku} waits: the access to {marketplace} has expired or was taken away. Nothing is lost, and it "
        "will be sent once the access is renewed.{remarks}",
        action="renew the credentials of the connection's destination",
    ),
    "H13": Message(
        status=Status.WARNING,
        response=200,
        event="the marketplace took the SKU with a remark",
        text="{marketplace} took the SKU {sku}, and remarked:{items}",
        action="see what the remark asks for",
    ),
    "H14": Message(
        status=Status.WARNING,
        response=200,
        event="a value of the SKU cannot be said, and was left out",
        text="The SKU {sku} was sent to {marketplace} without:{items}",
        action="correct in VTEX what is named; the next change sends it",
    ),
    "H15": Message(
        status=Status.ERROR,
        response=401,
        event="VTEX does not accept the application key",
        text="Oops, the SKU {sku} waits: VTEX refuses the application key with which it is read for {marketplace}. Nothing is "
        "lost, and it will be sent once the key is accepted.{remarks}",
        action="give the connection a key and token that are valid for the account and have the role of step 1",
    ),
}

_PART: Final = re.compile(rf"(?:^|;\s)({'|'.join(sorted(MESSAGES, key=len, reverse=True))}): ")


def coded(code: str, *texts: str) -> Sequence[str]:
    """Each text with the code that it is to be logged under: for errors, warnings and reasons."""
    return [f"{code}: {text}" for text in texts]


def parts(text: str | None) -> Sequence[tuple[str | None, str]]:
    """What a record's text says by code, in order; None for what has no code. The inverse of ``coded``, joined by ``; ``."""
    first, *rest = _PART.split(text or "")
    found = [(None, first)] if first.strip() else []
    return [*found, *zip(rest[::2], rest[1::2], strict=True)]


def render(code: str, context: Context) -> str:
    """The message of a code in its context, lines divided by line feeds. Raises ``KeyError`` for an unknown code."""
    message = MESSAGES[code]
    link = f" Link for the SKU within the marketplace: {context.link}" if context.link else ""
    said = message.text.format(
        sku=f"{context.sku} ({context.name})" if context.name else context.sku,
        marketplace=context.marketplace,
        external_id=context.external_id or context.sku,
        link=link,
        category=context.category or "of the product",
        mapper=context.mapper,
        items=_listed(context.items),
        remarks=_remarks(context),
    )
    return said[:1].upper() + said[1:]


def _listed(items: Sequence[str]) -> str:
    return "".join(f"\n- {item}" for item in items) or " (no reason was given)"


def _remarks(context: Context) -> str:
    tried = f"\nIt was tried {context.attempts} times so far." if context.attempts > 1 else ""
    said = "".join(f"\n- {item}" for item in context.items)
    return f"{tried}\nWhat is known of it:{said}" if said else tried
