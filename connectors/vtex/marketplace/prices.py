"""What a simulation says that a SKU costs, as an offer. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from connectors.vtex.cents import from_cents
from connectors.vtex.values import number
from hub.errors import RejectedError
from hub.marketplace import Offer

_REMEDY: Final = "correct it in VTEX, under Prices > Price list"


def offer(price: Any, list_price: Any, *, currency: str) -> Offer | None:
    """Of ``price`` and ``listPrice`` of one item, in cents; None where there is no price (null, 0).

    ``price`` is what a shopper pays after promotions and ``listPrice`` the one before (G:load), crossed out only where it is
    greater: VTEX sends the same one twice where nothing is off. Nothing is rounded. Raises ``RejectedError`` with all that is
    wrong where the price cannot be said; a ``listPrice`` alone that cannot be said is left out (see ``left_out``).
    """
    if not _is_said(price):
        return None
    found, faults = {}, []
    for name, cents in {"price": price, "listPrice": list_price}.items():
        try:
            found[name] = _amount(name, cents, currency) if _is_said(cents) else None
        except ValueError as error:
            faults.append(str(error))
    cost, before = found.get("price"), found.get("listPrice")
    if cost is None:
        raise RejectedError(*faults)
    is_off = before is not None and before > cost
    return Offer(currency=currency, price=cost, list_price=before if is_off else None)


def left_out(price: Any, list_price: Any, *, currency: str) -> str | None:
    """Why ``offer`` crosses nothing out, where ``listPrice`` should have been; None where that is as it is to be."""
    cost, before = number(price), number(list_price)
    if not _is_said(list_price) or (cost is not None and before is not None and before <= cost):
        return None
    try:
        _amount("listPrice", list_price, currency)
    except ValueError as error:
        return str(error)
    return None


def _is_said(cents: Any) -> bool:
    return cents is not None and number(cents) != 0


def _amount(name: str, cents: Any, currency: str) -> Decimal:
    """Raises ``ValueError`` with what to do."""
    try:
        amount = from_cents(cents, currency)
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}; {_REMEDY}") from None
    if amount < 0:
        raise ValueError(f"{name}: {amount} {currency} is less than nothing; {_REMEDY}")
    return amount
