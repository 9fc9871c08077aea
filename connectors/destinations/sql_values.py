"""A JSON value as the Python value that a column wants: exact, or refused. Databases round and cut without a word."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import types
from sqlalchemy.types import TypeEngine

from hub.exact import Number, exact, parse, plain
from hub.excerpt import excerpt

#: SQLite keeps a number with a fraction as a float: so many digits come back as they went in.
SQLITE_DIGITS = 15

#: What fits into SQLite's largest integer.
SQLITE_INTEGER = 2**63

Coercion = Callable[[Any], Any]

T = TypeVar("T")


class ColumnError(ValueError):
    """A value that a column cannot hold. The text says why, and what to do."""


def coercion(column: TypeEngine[Any], *, sqlite: bool) -> Coercion:
    """How values become values of this type; null is not asked about. The result raises ``ColumnError``."""
    makers = (make for kind, make in _MAKERS if isinstance(column, kind))
    return next(makers)(column, sqlite)


def _same(value: Any) -> Any:
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise ColumnError(f'takes true or false, not {excerpt(value)}; map it with cast = "boolean"')


def _number(value: Any) -> Number:
    number = parse(value) if isinstance(value, str) else exact(value)
    if number is None:
        raise ColumnError(f"takes a number, not {excerpt(value)}; correct the record or map another field")
    return number


def _integer(value: Any) -> int:
    number = int(value) if isinstance(value, bool) else _number(value)
    if number != int(number):
        raise ColumnError(
            f"takes whole numbers, not {excerpt(value)}; make it a decimal column or round at the source"
        )
    return int(number)


def _sqlite_integer(value: Any) -> int:
    number = _integer(value)
    if not -SQLITE_INTEGER <= number < SQLITE_INTEGER:
        raise ColumnError(
            f"cannot hold {excerpt(value)}: SQLite's integers end at {SQLITE_INTEGER}; use a text column"
        )
    return number


def _float(value: Any) -> float:
    return float(_number(value))


def _decimal(scale: int | None) -> Coercion:
    def cast(value: Any) -> Decimal:
        number = Decimal(_number(value))
        if scale is not None and _digits_after_point(number) > scale:
            raise ColumnError(
                f"keeps {scale} digits after the point, and {excerpt(value)} has more; widen it or round at the source"
            )
        return number

    return cast


def _sqlite_decimal(scale: int | None) -> Coercion:
    check = _decimal(scale)

    def cast(value: Any) -> str:
        number = check(value)
        if len(number.normalize().as_tuple().digits) > SQLITE_DIGITS:
            raise ColumnError(
                f"would round {excerpt(value)}: SQLite keeps {SQLITE_DIGITS} digits; use a text column"
            )
        return plain(number)

    return cast


def _digits_after_point(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def _datetime(*, zoned: bool) -> Coercion:
    def cast(value: Any) -> datetime:
        moment = value if isinstance(value, datetime) else _read(datetime.fromisoformat, value, "datetime")
        if zoned and moment.tzinfo is None:
            raise ColumnError(f"needs a time zone, and {excerpt(value)} has none; send one such as +00:00")
        if not zoned and moment.tzinfo is not None:
            raise ColumnError(
                f"keeps no time zone, and {excerpt(value)} has one; make it a column with time zone, "
                'or map it with cast = "datetime" and an output without one'
            )
        return moment

    return cast


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _read(date.fromisoformat, value, "date")


def _time(value: Any) -> time:
    return value if isinstance(value, time) else _read(time.fromisoformat, value, "time")


def _uuid(value: Any) -> uuid.UUID:
    return _read(uuid.UUID, value, "UUID")


def _read(reader: Callable[[str], T], value: Any, what: str) -> T:
    if isinstance(value, str):
        try:
            return reader(value)
        except ValueError:
            pass
    raise ColumnError(
        f"takes a {what} as a text in its standard form, not {excerpt(value)}; map it with a cast"
    )


def _binary(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ColumnError("holds bytes, which JSON has none of; make it a text column")


def _text(length: int | None) -> Coercion:
    def cast(value: Any) -> str:
        if not isinstance(value, str):
            raise ColumnError(f'takes text, not {excerpt(value)}; map it with cast = "string"')
        if length is not None and len(value) > length:
            raise ColumnError(
                f"holds {length} characters, and {excerpt(value)} has {len(value)}; widen the column"
            )
        return _encodable(value)

    return cast


def _choice(labels: Sequence[str]) -> Coercion:
    def cast(value: Any) -> str:
        if value not in labels:
            raise ColumnError(
                f"takes one of {', '.join(labels)}, not {excerpt(value)}; map it to one of them"
            )
        return str(value)

    return cast


def _encodable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ColumnError("got a text that is no Unicode; correct the record") from error
    return value


def _sqlite_any(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise ColumnError(
            f"takes a single value, not {excerpt(value)}; map one of its fields, or make it a JSON column"
        )
    return plain(value) if isinstance(value, Decimal) else value


#: The first type that fits decides, so a special one stands before a general one.
_MAKERS: Sequence[tuple[type[TypeEngine[Any]], Callable[[Any, bool], Coercion]]] = (
    (types.Boolean, lambda _column, _sqlite: _boolean),
    (types.Integer, lambda _column, sqlite: _sqlite_integer if sqlite else _integer),
    (types.Float, lambda _column, _sqlite: _float),
    (types.Numeric, lambda column, sqlite: (_sqlite_decimal if sqlite else _decimal)(column.scale)),
    (types.DateTime, lambda column, _sqlite: _datetime(zoned=bool(column.timezone))),
    (types.Date, lambda _column, _sqlite: _date),
    (types.Time, lambda _column, _sqlite: _time),
    (types.JSON, lambda _column, _sqlite: _same),
    (types.Uuid, lambda column, _sqlite: _uuid if column.as_uuid else _text(None)),
    (types.LargeBinary, lambda _column, _sqlite: _binary),
    (types.Enum, lambda column, _sqlite: _choice(column.enums)),
    (types.String, lambda column, _sqlite: _text(column.length)),
    (TypeEngine, lambda _column, sqlite: _sqlite_any if sqlite else _same),
)
