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


def listing_of(sku: str, payload: JSON, found: Found, terms: Terms) -> Listing:
    """Raises ``RejectedError`` with every error, ``SkippedError`` with the reason why nothing is to be done, ``ParkedError``
    for a category that is not mapped, and what was in the way of finding out."""
    if found.error is not None:
        raise found.error
    if reason := _gone(payload, found, terms):
        return _off_sale(sku, found.standing, reason)
    if found.details is None:
        if not found.simulated:
            raise SkippedError("nothing of it has changed that the marketplace is told")
        return _offered(sku, found.standing, _offer(found.offer, terms), found.offer)
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
    offer, wrong = _priced(found.offer, terms)
    errors += wrong
    unmapped = None if terms.categories is None or category is not None else _unmapped(document, found, terms)
    if unmapped is not None and document["category_id"] is None:
        errors.append(
            "E1: category_id: VTEX names no category; give the product one under Catalog > Products and SKUs"
        )
    standing = found.standing
    is_told = standing is not None and standing.active and not terms.needs_product
    if is_told and (errors or unmapped) and not wrong:
        note = "; ".join([*errors, *([unmapped] if unmapped else [])])
        return _offered(sku, standing, offer, found.offer, note=note)
    if errors:
        raise RejectedError(*errors, *([unmapped] if unmapped else []), *([] if offer else [NOT_SOLD]))
    if unmapped is not None:
        if terms.mapper_trouble is not None:
            raise RetryableError(terms.mapper_trouble)
        raise ParkedError(unmapped, wake_key=f"{CATEGORY}{document['category_id']}")
    if offer is None and (standing is None or not standing.active):
        return _off_sale(sku, standing, NOT_SOLD)
    notes = (_defaults(result.defaulted), None if offer else NOT_SOLD)
    return Listing(
        sku=sku,
        group=document["product_id"],
        product=result.product,
        category=None if category is None else category.id,
        offer=offer,
        stock=found.offer.stock if offer and found.offer else 0,
        note="; ".join(note for note in notes if note) or None,
    )


def _offered(
    sku: str,
    standing: Standing | None,
    offer: Offer | None,
    simulated: Simulated | None,
    note: str | None = None,
) -> Listing:
    """Price and stock alone. What VTEX does not sell has no stock at the marketplace ("absent means no stock", G:deliv)."""
    if offer is None or simulated is None:
        if standing is None or not standing.active:
            return _off_sale(sku, standing, NOT_SOLD)
        notes = "; ".join(one for one in (note, NOT_SOLD) if one)
        return Listing(sku=sku, group=standing.group, stock=0, note=notes)
    group = None if standing is None else standing.group
    return Listing(sku=sku, group=group, offer=offer, stock=simulated.stock, note=note)


def _offer(simulated: Simulated | None, terms: Terms) -> Offer | None:
    offer, wrong = _priced(simulated, terms)
    if wrong:
        raise RejectedError(*wrong)
    return offer


def _priced(simulated: Simulated | None, terms: Terms) -> tuple[Offer | None, Sequence[str]]:
    if simulated is None:
        return None, ()
    try:
        return prices.offer(simulated.cents, simulated.list_cents, currency=terms.currency), ()
    except RejectedError as error:
        return None, coded("E1", *error.errors)


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


def _defaults(defaulted: Mapping[str, Any]) -> str | None:
    used = coded("A3", *(f"{name} = {excerpt(value)}" for name, value in defaulted.items()))
    return "; ".join(used) or None
