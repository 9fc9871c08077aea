"""The answer to a batch that says of each record what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from connectors.destinations.answers import (
    ExpressionText,
    Statuses,
    UnreadableAnswerError,
    decoded,
    found,
    id_text,
)
from hub.excerpt import excerpt
from hub.expression import Expression
from hub.records import PushResult, Rejected, Retry, Skipped, Success

#: Statuses of a single record that may change; every other 4xx is for good.
PASSING = frozenset({408, 423, 425, 429})

#: So much of an error text is kept.
ERROR_CHARACTERS = 500


class BatchResults(BaseModel):
    """Where the answer to a batch says what became of each record: JMESPath expressions, but for ``success``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: ExpressionText = Field(description="In the answer: the list with one result for each record.")
    match: ExpressionText | None = Field(
        None,
        description="In a result: what names its record. Without it, results stand in the records' order.",
    )
    match_sent: ExpressionText | None = Field(
        None, description="In the record as sent: what `match` has to equal; by default the same expression."
    )
    status: ExpressionText | None = Field(
        None,
        description="In a result: an HTTP status, true or false, or a text. Without it, `error` decides.",
    )
    success: tuple[str, ...] = Field(
        ("ok", "success", "succeeded", "created", "updated", "accepted"),
        description="Texts of `status` that mean success, in any case; every other text is a rejection.",
    )
    error: ExpressionText | None = Field(None, description="In a result: why the record was refused.")
    external_id: ExpressionText | None = Field(None, description="In a result: the record's id over there.")


class ResultReader:
    """Reads what became of each record. A record of which nothing is said is tried again."""

    def __init__(self, settings: BatchResults, statuses: Statuses) -> None:
        self._statuses = statuses
        self._items = Expression(settings.items)
        self._match = _optional(settings.match)
        self._match_sent = _optional(settings.match_sent or settings.match)
        self._status = _optional(settings.status)
        self._error = _optional(settings.error)
        self._external_id = _optional(settings.external_id)
        self._success = frozenset(text.casefold() for text in settings.success)

    def read(self, answer: httpx.Response, sent: Sequence[Any]) -> Sequence[PushResult]:
        """One result for each record of a successful call, in the order in which they were ``sent``."""
        code = answer.status_code
        try:
            rows = self._rows(answer, sent)
        except UnreadableAnswerError as error:
            return [Retry(error=f"nothing can be read of the results: {error}", response_code=code)] * len(
                sent
            )
        return [self._result(row, code) for row in rows]

    def _rows(self, answer: httpx.Response, sent: Sequence[Any]) -> Sequence[Any]:
        rows = found(self._items, decoded(answer))
        if not isinstance(rows, list):
            raise UnreadableAnswerError(f"{self._items.text} is no list: {excerpt(rows)}")
        if self._match is None or self._match_sent is None:
            if len(rows) != len(sent):
                raise UnreadableAnswerError(
                    f"{self._items.text} has {len(rows)} results for {len(sent)} records"
                )
            return rows
        by_name = {id_text(found(self._match, row)): row for row in rows}
        by_name.pop(None, None)
        return [by_name.get(id_text(found(self._match_sent, record))) for record in sent]

    def _result(self, row: Any, code: int) -> PushResult:
        if row is None:
            return Retry(error="the answer says nothing about this record", response_code=code)
        try:
            return self._judged(row, code)
        except UnreadableAnswerError as error:
            return Retry(error=f"the result cannot be read: {error}", response_code=code)

    def _judged(self, row: Any, code: int) -> PushResult:
        error = found(self._error, row) if self._error else None
        if self._status is None:
            return self._rejected(error, code) if error else self._succeeded(row, code)
        match found(self._status, row):
            case bool(fine):
                return self._succeeded(row, code) if fine else self._rejected(error, code)
            case int(status):
                return self._by_status(status, row, error)
            case str(text) if text.isdecimal():
                return self._by_status(int(text), row, error)
            case str(text) if text.casefold() in self._success:
                return self._succeeded(row, code)
            case str(text):
                return self._rejected(error or text, code)
            case other:
                raise UnreadableAnswerError(f"its status is {excerpt(other)}")

    def _by_status(self, status: int, row: Any, error: Any) -> PushResult:
        if status in self._statuses.skip:
            return Skipped(
                reason=f"status {status}, one of skip_codes: it is already there", response_code=status
            )
        if self._statuses.is_success(status):
            return self._succeeded(row, status)
        if status // 100 == 4 and status not in PASSING:
            return self._rejected(error or f"status {status}", status)
        return Retry(error=_text(error or f"status {status}"), response_code=status)

    def _succeeded(self, row: Any, code: int) -> Success:
        if self._external_id is None:
            return Success(response_code=code)
        try:
            return Success(external_id=id_text(found(self._external_id, row)), response_code=code)
        except UnreadableAnswerError as error:
            return Success(response_code=code, warning=f"no external id: {error}")

    def _rejected(self, error: Any, code: int) -> Rejected:
        errors = error if isinstance(error, list) else [error or "refused without a reason"]
        return Rejected(errors=[_text(each) for each in errors], response_code=code)


def _optional(text: str | None) -> Expression | None:
    return None if text is None else Expression(text)


def _text(error: Any) -> str:
    return error[:ERROR_CHARACTERS] if isinstance(error, str) else excerpt(error, ERROR_CHARACTERS)
