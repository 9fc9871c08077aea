"""What a simulation says that a SKU costs, as an offer. Pure."""

from __future__ import annotations

from typing import Any, Final

from connectors.vtex.cents import from_cents
from connectors.vtex.values import number
from hub.errors import RejectedError
from hub.marketplace import Offer

_REMEDY: Final = "correct it in VTEX, under Prices > Price list"


def offer(price: Any, list_price: Any, *, currency: str) -> Offer | None:
    """Of ``price`` and ``listPrice`` of one item, in cents; None where there is no price (null, 0).

    ``price`` is what a shopper pays after promotions and ``listPrice`` the one before (G:load), crossed out only where it is
    greater: VTEX sends the same one twice where nothing is off. Nothing is rounded. Raises ``RejectedError`` with all that is wrong.
    """
    given = {"price": price, "listPrice": list_price}
    found, faults = {}, []
    for name, cents in given.items():
        if cents is None or number(cents) == 0:
            continue
        try:
            found[name] = from_cents(cents, currency)
        except (ValueError, ArithmeticError) as error:
            faults.append(f"{name}: {error}; {_REMEDY}")
        else:
            if found[name] < 0:
                faults.append(f"{name}: {found[name]} {currency} is less than nothing; {_REMEDY}")
    if faults:
        raise RejectedError(*faults)
    if "price" not in found:
        return None
    before = found.get("listPrice")
    is_off = before is not None and before > found["price"]
    return Offer(currency=currency, price=found["price"], list_price=before if is_off else None)
