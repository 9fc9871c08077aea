"""What is to hold for an SKU at the marketplace, by all that was found out: steps d to h of VTEX's guide (seed 001). Pure.

All validations run, and all that is wrong is said at once. Texts begin with the code of VTEX's log messages that they are
about (A1, A2, A3, E1, E4), so that the logs can tell the whole message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.vtex.marketplace import prices, sellable
from connectors.vtex.marketplace.checking import checked
from connectors.vtex.marketplace.finding import Found
from connectors.vtex.marketplace.log_codes import CATEGORY, REMOVED, UNKNOWN
from connectors.vtex.marketplace.messages import coded
from connectors.vtex.marketplace.rules import Rules
from connectors.vtex.marketplace.simulation import Simulated
from hub.errors import HubError, ParkedError, RejectedError, RetryableError, SkippedError
from hub.excerpt import excerpt
from hub.marketplace import Category, Listing, Offer, Standing
from hub.records import JSON

NOT_SOLD = (
    "A1: VTEX returns no price and stock for the SKU; check that it is in the trade policy, that the trade policy has a price "
    "for it, and that a carrier attends it (inventory simulation)"
)

#: What follows the errors of a price that cannot be said.
UNTIL_THEN = "until then the SKU has no stock at the marketplace, so that it is not sold at an older price"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What holds for all SKUs of a connection. ``categories`` are the marketplace's by id; None where it has none.

    ``selling`` is False where the integration is switched off. ``mapper_trouble`` (E5) says that VTEX Mapper cannot be
    reached, so that nobody could have mapped a category. ``no_categories``: why they are not known now. ``needs_product``:
    the marketplace is told of prices and stock only together with the whole product.
    """

    currency: str
    sales_channel: int
    rules: Rules
    categories: Mapping[str, Category] | None = None
    no_categories: HubError | None = None
    mapper_url: str | None = None
    mapper_trouble: str | None = None
    selling: bool = True
    needs_product: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Priced:
    """What an SKU is to cost, and how much of it there is to be. Without ``offer`` there is none, for the reasons in ``notes``;
    ``errors`` where VTEX has a price that cannot be said."""

    offer: Offer | None = None
    stock: int = 0
    errors: Sequence[str] = ()
    notes: Sequence[str] = ()


def listing_of(sku: str, payload: JSON, found: Found, terms: Terms) -> Listing:
    """Raises ``RejectedError`` with every error, ``SkippedError`` with the reason why nothing is to be done, ``ParkedError``
    for a category that is not mapped, and what was in the way of finding out."""
    if found.error is not None and found.details is None:
        raise found.error
    if reason := _gone(payload, found, terms):  # whatever it costs, and if that cannot be read
        return _off_sale(sku, found.standing, reason)
    if found.error is not None:
        raise found.error
    if found.details is None:
        if not found.simulated:
            raise SkippedError("nothing of it has changed that the marketplace is told")
        return _offered(sku, found.standing, _priced(found.offer, terms))
    return _described(sku, found, found.details, terms)


def _gone(payload: JSON, found: Found, terms: Terms) -> str | None:
    """Why the marketplace is not to sell it. What VTEX's details say goes before what it notified of, which may be old; what
    they leave open does not.
    """
    told = {
        "the integration is switched off": not terms.selling,
        REMOVED: payload.get("removed"),
        "A2: the SKU is not active in VTEX; switch it on in VTEX to sell it": payload.get("inactive"),
        UNKNOWN: found.unknown,
    }
    details, product = found.details, found.product
    if details is not None and terms.selling:
        reason = sellable.off_sale(details, terms.sales_channel, product)
        if reason or not sellable.unsaid(details, product):
            return reason
    return next((reason for reason, is_so in told.items() if is_so), None)


def _off_sale(sku: str, standing: Standing | None, reason: str) -> Listing:
    """The marketplace finds out by itself whether that takes anything: what is not certain there, such as an SKU whose making
    was not answered, has no standing, and has to go as well."""
    return Listing(sku=sku, group=standing.group if standing else None, active=False, note=reason)


def _described(sku: str, found: Found, details: JSON, terms: Terms) -> Listing:
    """A whole SKU. One that is sold already and breaks a rule now keeps its description there, and its price is kept right."""
    if terms.no_categories is not None:
        raise terms.no_categories
    document = found.document
    category = None if terms.categories is None else terms.categories.get(found.category or "")
    result = checked(document, terms.rules, category)
    errors = [*coded("E1", *sellable.unsaid(details, found.product), *result.errors)]
    unmapped = None if terms.categories is None or category is not None else _unmapped(document, found, terms)
    if unmapped is not None and document["category_id"] is None:
        errors.append(
            "E1: category_id: VTEX names no category; give the product one under Catalog > Products and SKUs"
        )
    priced, standing = _priced(found.offer, terms), found.standing
    is_sold = standing is not None and standing.active
    wrong = [*errors, *([unmapped] if unmapped else [])]
    if is_sold and wrong and not terms.needs_product:
        return _offered(sku, standing, priced, notes=wrong)
    if is_sold and wrong and priced.errors:
        # It cannot be told of its stock alone, and is not to be sold at a price of yesterday.
        return _off_sale(sku, standing, _joined([*wrong, *priced.errors]))
    if errors or (priced.errors and not is_sold):
        raise RejectedError(
            *errors,
            *priced.errors,
            *([unmapped] if unmapped else []),
            *([] if priced.offer or priced.errors else [NOT_SOLD]),
        )
    if unmapped is not None:
        if terms.mapper_trouble is not None:
            raise RetryableError(terms.mapper_trouble)
        raise ParkedError(unmapped, wake_key=f"{CATEGORY}{document['category_id']}")
    if priced.offer is None and not is_sold:
        return _off_sale(sku, standing, NOT_SOLD)
    return Listing(
        sku=sku,
        group=document["product_id"],
        product=result.product,
        category=None if category is None else category.id,
        offer=priced.offer,
        stock=priced.stock,
        note=_joined([*_defaults(result.defaulted), *priced.notes]) or None,
    )


def _offered(sku: str, standing: Standing | None, priced: _Priced, notes: Sequence[str] = ()) -> Listing:
    """Price and stock alone."""
    is_sold = standing is not None and standing.active
    if priced.offer is None and not is_sold:
        if priced.errors:
            raise RejectedError(*notes, *priced.errors)
        return _off_sale(sku, standing, NOT_SOLD)
    group, note = standing.group if standing else None, _joined([*notes, *priced.notes]) or None
    return Listing(sku=sku, group=group, offer=priced.offer, stock=priced.stock, note=note)


def _priced(simulated: Simulated | None, terms: Terms) -> _Priced:
    """What VTEX does not sell has no stock at the marketplace ("absent means no stock", G:deliv); neither has what costs there
    what cannot be said: it would be sold at the price before."""
    if simulated is None:
        return _Priced(notes=[NOT_SOLD])
    cents, before, currency = simulated.cents, simulated.list_cents, terms.currency
    try:
        offer = prices.offer(cents, before, currency=currency)
    except RejectedError as error:
        errors = coded("E1", *error.errors)
        return _Priced(errors=errors, notes=[*errors, UNTIL_THEN])
    if offer is None:
        return _Priced(notes=[NOT_SOLD])
    fault = simulated.list_fault or prices.left_out(cents, before, currency=currency)
    return _Priced(offer=offer, stock=simulated.stock, notes=coded("H14", fault) if fault else ())


def _unmapped(document: JSON, found: Found, terms: Terms) -> str:
    names = " > ".join(document["category_path"]) or f"of id {document['category_id']}"
    if found.category is not None:
        return (
            f"E4: the category {excerpt(names, 200)} is mapped to {excerpt(found.category)}, which the marketplace does not have "
            "(any more); map it anew"
        )
    where = (
        f" at {terms.mapper_url}" if terms.mapper_url else " in VTEX Mapper, or by `hub vtex categories map`"
    )
    return f"E4: the category {excerpt(names, 200)} is not mapped to one of the marketplace; map it{where}"


def _defaults(defaulted: Mapping[str, Any]) -> Sequence[str]:
    return coded("A3", *(f"{name} = {excerpt(value)}" for name, value in defaulted.items()))


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(notes)
