"""What a marketplace says itself: what it sells for how much, and its category tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import httpx

from connectors.destinations.answers import UnreadableAnswerError, decoded, found, id_text
from connectors.marketplace.client import filled
from connectors.marketplace.known import Fact, Known
from connectors.marketplace.routes import SKU_FIELDS, CategoriesRoute, OffersRoute, path_template
from hub import money
from hub.errors import RetryableError
from hub.exact import exact, parse
from hub.excerpt import excerpt
from hub.expression import Expression
from hub.marketplace import Attribute, Category, Offer, Standing

#: A tree with more levels is none.
MAX_LEVELS: Final = 100


class OffersReader:
    """Makes paths for SKUs, and standings of the answers."""

    def __init__(self, settings: OffersRoute) -> None:
        self._path = path_template(settings.path, ("skus", *SKU_FIELDS))
        self.batch = settings.limit if "skus" in self._path.fields else 1
        self._together = "skus" in self._path.fields
        names = ("items", "sku", "currency", "price", "list_price", "stock", "active", "url")
        self._find = {name: Expression(getattr(settings, name)) for name in names}

    def path(self, known: Mapping[str, Known]) -> str:
        """For at most ``batch`` SKUs. Raises ``RejectedError``."""
        sku, one = next(iter(known.items()))
        values = {"skus": ",".join(known), "sku": sku, "external_id": one.standing.external_id}
        return filled(self._path.fill(values))

    def read(self, answer: httpx.Response, known: Mapping[str, Known]) -> dict[str, Known]:
        """What there is of ``known`` now, as it really is: what is otherwise than it was thought to be is in doubt.

        Raises ``RetryableError`` for an answer that cannot be read.
        """
        try:
            said = decoded(answer)
            rows = self._rows(said) if self._together else {next(iter(known)): said}
            return {sku: self._really(rows[sku], one) for sku, one in known.items() if sku in rows}
        except UnreadableAnswerError as error:
            raise RetryableError(f"the marketplace's offers cannot be read: {error}") from error

    def _rows(self, said: Any) -> Mapping[str, Any]:
        rows = found(self._find["items"], said)
        if not isinstance(rows, list):
            raise UnreadableAnswerError(f"{self._find['items'].text} is no list: {excerpt(rows)}")
        named = {id_text(found(self._find["sku"], row)): row for row in rows}
        return {sku: row for sku, row in named.items() if sku is not None}

    def _really(self, row: Any, known: Known) -> Known:
        held = known.standing
        active = found(self._find["active"], row)
        standing = Standing(
            external_id=held.external_id,
            group=held.group,
            active=active if isinstance(active, bool) else held.active,
            content=held.content,
            offer=self._offer(row),
            stock=_count(found(self._find["stock"], row)),
            url=id_text(found(self._find["url"], row)) or held.url,
        )
        facts: Mapping[Fact, bool] = {
            "price": standing.offer != held.offer,
            "stock": standing.stock != held.stock,
            "active": standing.active != held.active,
        }
        # Something may be under way: what is in doubt is said again, whatever is thought to hold.
        return Known(
            standing=standing,
            doubts=known.doubts.union(fact for fact, differs in facts.items() if differs),
            created=known.created,
            by=known.by,
            said=known.said,
        )

    def _offer(self, row: Any) -> Offer | None:
        price = _decimal(found(self._find["price"], row))
        if price is None:
            return None
        try:
            currency = money.code(found(self._find["currency"], row))
        except ValueError as error:
            raise UnreadableAnswerError(str(error)) from None
        return Offer(
            currency=currency, price=price, list_price=_decimal(found(self._find["list_price"], row))
        )


class CategoryReader:
    """Makes a tree of the answer."""

    def __init__(self, settings: CategoriesRoute) -> None:
        names = ("items", "id", "name", "children", "attributes", "attribute_name", "attribute_required")
        self._find = {name: Expression(getattr(settings, name)) for name in (*names, "attribute_values")}

    def read(self, answer: httpx.Response) -> Sequence[Category]:
        """The roots, with all below them. Raises ``RetryableError`` for an answer that cannot be read."""
        try:
            return self._level(found(self._find["items"], decoded(answer)), MAX_LEVELS)
        except UnreadableAnswerError as error:
            raise RetryableError(f"the marketplace's category tree cannot be read: {error}") from error

    def _level(self, rows: Any, room: int) -> Sequence[Category]:
        if not room:
            raise UnreadableAnswerError(f"it has more than {MAX_LEVELS} levels")
        return [self._category(row, room - 1) for row in _list(rows, "categories")]

    def _category(self, row: Any, room: int) -> Category:
        name = id_text(found(self._find["id"], row))
        if name is None:
            raise UnreadableAnswerError(f"a category has no {self._find['id'].text}: {excerpt(row)}")
        below = found(self._find["children"], row)
        return Category(
            id=name,
            name=id_text(found(self._find["name"], row)) or name,
            children=tuple(self._level(below, room)) if below else (),
            attributes=tuple(self._attributes(found(self._find["attributes"], row))),
        )

    def _attributes(self, rows: Any) -> Iterator[Attribute]:
        for row in _list(rows, "attributes"):
            name = id_text(found(self._find["attribute_name"], row))
            if name is None:
                raise UnreadableAnswerError(f"an attribute has no name: {excerpt(row)}")
            values = _list(found(self._find["attribute_values"], row), "values")
            yield Attribute(
                name=name,
                required=found(self._find["attribute_required"], row) is True,
                values=tuple(text for text in map(id_text, values) if text is not None),
            )


def _list(rows: Any, what: str) -> Sequence[Any]:
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise UnreadableAnswerError(f"its {what} are no list: {excerpt(rows)}")
    return rows


def _decimal(value: Any) -> Decimal | None:
    if value is None:
        return None
    number = parse(value) if isinstance(value, str) else exact(value)
    if number is None:
        raise UnreadableAnswerError(f"{excerpt(value)} is no amount")
    return Decimal(number)


def _count(value: Any) -> int | None:
    number = _decimal(value)
    if number is not None and number != number.to_integral_value():
        raise UnreadableAnswerError(f"{excerpt(value)} is no whole number")
    return None if number is None else int(number)
