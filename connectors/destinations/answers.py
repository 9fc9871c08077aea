"""What the answer to an HTTP call says about the records of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator

from hub import codec
from hub.exact import exact, plain
from hub.excerpt import excerpt
from hub.expression import Expression, ExpressionError
from hub.records import PushResult, Rejected, Retry, Skipped, Success


def _compiles(text: str) -> str:
    try:
        Expression(text)
    except ExpressionError as error:
        raise ValueError(f"the expression {excerpt(text)} is wrong: {error}") from error
    return text


#: A JMESPath expression in a plugin's settings, refused with them if it is wrong.
ExpressionText = Annotated[str, AfterValidator(_compiles)]


class UnreadableAnswerError(ValueError):
    """The answer is not what the settings say it is; the call itself went well."""


@dataclass(frozen=True, kw_only=True)
class Statuses:
    """Which HTTP statuses mean what, by the connection's settings."""

    #: None for any 2xx.
    success: frozenset[int] | None = None
    skip: frozenset[int] = frozenset()

    @property
    def accepted(self) -> frozenset[int]:
        """What is not left to the general classification."""
        return (self.success or frozenset()) | self.skip

    def is_success(self, status: int) -> bool:
        """Whether the destination has it."""
        return status // 100 == 2 if self.success is None else status in self.success

    def undecided(self, status: int) -> PushResult | None:
        """The result of every record of the call where the status is no success; None where it is one."""
        if status in self.skip:
            return Skipped(
                reason=f"HTTP {status}, one of skip_codes: it is already there", response_code=status
            )
        if not self.is_success(status):
            text = f"HTTP {status} is none of success_codes; add it there if it means success"
            return Retry(error=text, response_code=status)
        return None


def decoded(answer: httpx.Response) -> Any:
    """The answer's JSON. Raises ``UnreadableAnswerError``."""
    try:
        return codec.loads(answer.content)
    except (codec.DecodeError, ArithmeticError, ValueError, RecursionError) as error:
        raise UnreadableAnswerError(f"the answer is no JSON: {excerpt(answer.text)}") from error


def garbled(answer: httpx.Response) -> Retry | None:
    """A success that says it is JSON and is none was not written by the API, so that nobody knows what it did.

    Sending the record again is harmless: it has the same idempotency key.
    """
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.content or not (media_type == "application/json" or media_type.endswith("+json")):
        return None
    try:
        decoded(answer)
    except UnreadableAnswerError as error:
        return Retry(error=f"HTTP {answer.status_code}, but {error}", response_code=answer.status_code)
    return None


def found(expression: Expression, answer: Any) -> Any:
    """What an expression finds in an answer. Raises ``UnreadableAnswerError``."""
    try:
        return expression.search(answer)
    except ExpressionError as error:
        raise UnreadableAnswerError(f"{expression.text}: {error}") from error


def id_text(value: Any) -> str | None:
    """An external id as text; None for null. Raises ``UnreadableAnswerError`` for what is no text or number."""
    if value is None or isinstance(value, str):
        return value or None
    number = exact(value) if isinstance(value, int | Decimal) else None
    if number is None:
        raise UnreadableAnswerError(f"{excerpt(value)} is no text or number")
    return plain(number)


def single_result(answer: httpx.Response, expression: Expression | None) -> Success:
    """The result of a successful call with one record; an id that cannot be read is a warning, for it is there."""
    status = answer.status_code
    if expression is None:
        return Success(response_code=status)
    try:
        return Success(external_id=id_text(found(expression, decoded(answer))), response_code=status)
    except UnreadableAnswerError as error:
        return Success(response_code=status, warning=f"no external id: {error}")


def ids_result(answer: httpx.Response, expression: Expression | None, count: int) -> Sequence[Success]:
    """The results of a successful batch whose answer lists the ids in the order of the records."""
    status = answer.status_code
    if expression is None:
        return [Success(response_code=status)] * count
    try:
        return [Success(external_id=each, response_code=status) for each in _ids(answer, expression, count)]
    except UnreadableAnswerError as error:
        return [Success(response_code=status, warning=f"no external ids: {error}")] * count


def measured(result: PushResult, answer: httpx.Response) -> PushResult:
    """The result with the milliseconds that its call was on the wire, without waits for the rate limit."""
    return _with_duration(result, answer.elapsed.total_seconds())


def timed(result: PushResult, started: float) -> PushResult:
    """The result with the milliseconds since ``started`` (of ``time.perf_counter``), unless it was measured."""
    return _with_duration(result, time.perf_counter() - started)


def _with_duration(result: PushResult, seconds: float) -> PushResult:
    if isinstance(result, Success | Skipped | Rejected | Retry) and result.duration_ms is None:
        return dataclasses.replace(result, duration_ms=round(seconds * 1000))
    return result


def _ids(answer: httpx.Response, expression: Expression, count: int) -> Sequence[str | None]:
    ids = found(expression, decoded(answer))
    if not isinstance(ids, list) or len(ids) != count:
        raise UnreadableAnswerError(f"{expression.text} is no list of {count} ids: {excerpt(ids)}")
    return [id_text(each) for each in ids]
