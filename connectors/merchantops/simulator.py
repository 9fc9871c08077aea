"""A local MerchantOps with the two endpoints of its custom connectors, behind the faults of every simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from connectors.merchantops.client import POLL_PATH, READ_SCOPE, WRITE_SCOPE
from connectors.merchantops.simulator_state import ApiKey, PricingState
from hub import codec
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond, respond_json
from hub.testing.faults import Faults
from hub.testing.simulator import Command, Simulator, SimulatorApp

RECORDS_PATH = "/api/pricing/records/"
OUTCOME_SUFFIX = "/publish-outcome"


class Options(Faults):
    """What the simulator holds at its start; the fields of ``Faults`` say what goes wrong."""

    records: int = Field(50, ge=0, description="Records pending at the start, the guide's example first.")
    batch_size: int = Field(25, ge=1, description="Records in one batch.")
    organization_id: str = Field("org-1", description="The organisation of those records.")
    target_key: str = Field("custom", description="The target that they are routed to.")
    api_key: str = Field("simulator-key", description="A key of the organisation with both scopes.")
    seed: int = Field(0, description="Of the generated record and batch keys.")
    default_limit: int = Field(50, ge=1, description="Page size of a poll that names none.")
    limit_cap: int = Field(1000, ge=1, description="The largest page.")
    limit_over_cap: Literal["cut", "refuse"] = Field(
        "cut", description="A larger limit is cut to the cap, or refused with 422."
    )


class MerchantOpsSimulator:
    """The platform: authenticates, validates in the shapes of the OpenAPI document, and keeps the outcomes."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._query = _query_model(options)
        self.reset()

    def reset(self) -> None:
        """Back to the records and the key of the options."""
        options = self.options
        self.pricing = PricingState()
        self.pricing.keys[options.api_key] = ApiKey(
            organization=options.organization_id, scopes=frozenset({READ_SCOPE, WRITE_SCOPE})
        )
        self._add(AddRecords(count=options.records))

    def summary(self) -> JSON:
        """Polls, outcomes, repeated outcomes, refused requests, pending records, most polls in any second."""
        return self.pricing.summary()

    def state(self) -> JSON:
        """The summary and every record and batch of every target."""
        return self.pricing.snapshot()

    def commands(self) -> Mapping[str, Command]:
        """``records`` adds some, ``withdraw`` takes some back, ``keys`` makes, changes or revokes an API key."""
        return {
            "records": lambda arguments: self._add(AddRecords.model_validate(arguments)),
            "withdraw": lambda arguments: self._withdraw(Withdraw.model_validate(arguments)),
            "keys": lambda arguments: self._set_key(SetKey.model_validate(arguments)),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        self.pricing.counters["requests"] += 1
        try:
            answer = self._answer(scope, body)
        except _RefusedError as refused:
            self.pricing.counters["refused"] += 1
            await respond_json(send, refused.status, {"detail": refused.detail})
        else:
            await respond(send, 200, answer)

    def _answer(self, scope: Scope, body: bytes) -> bytes:
        method, path = scope["method"], scope["path"]
        if path == POLL_PATH:
            return self._poll(scope) if method == "GET" else _method_not_allowed()
        if path.startswith(RECORDS_PATH) and path.endswith(OUTCOME_SUFFIX):
            key = path[len(RECORDS_PATH) : -len(OUTCOME_SUFFIX)]
            return self._take_outcome(scope, key, body) if method == "POST" else _method_not_allowed()
        raise _RefusedError(404, "Not Found")

    def _poll(self, scope: Scope) -> bytes:
        organization = self._authorize(scope, READ_SCOPE)
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        query: Any = _validated(self._query, given, "query")
        return self.pricing.poll(organization, query.target_key, min(query.limit, self.options.limit_cap))

    def _take_outcome(self, scope: Scope, record_key: str, body: bytes) -> bytes:
        organization = self._authorize(scope, WRITE_SCOPE)
        outcome = _validated(OutcomeBody, body, "body").model_dump(exclude_unset=True)
        answer = self.pricing.report(organization, outcome["target_key"], record_key, outcome)
        if answer is None:
            raise _RefusedError(404, f"Price record {record_key} not found")
        return codec.dumps(answer)

    def _authorize(self, scope: Scope, wanted: str) -> str:
        """The organisation of the request's key."""
        scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
        key = self.pricing.keys.get(token) if scheme.lower() == "bearer" else None
        if key is None:
            raise _RefusedError(401, "Invalid or revoked API key")
        if wanted not in key.scopes:
            raise _RefusedError(403, f"API key lacks the scope {wanted}")
        named = header(scope, b"x-organization-id")
        if named is not None and named != key.organization:
            raise _RefusedError(403, "API key does not belong to this organization")
        return key.organization

    def _add(self, told: AddRecords) -> JSON:
        organization, target_key = self._address(told)
        options = self.options
        keys = [
            *self.pricing.add_generated(
                organization, target_key, told.count, batch_size=options.batch_size, seed=options.seed
            ),
            *(self.pricing.add(organization, target_key, codec.dumps(item)) for item in told.items),
            *(self.pricing.add(organization, target_key, text.encode()) for text in told.texts),
        ]
        return {"record_keys": keys}

    def _withdraw(self, told: Withdraw) -> JSON:
        return {"withdrawn": self.pricing.withdraw(*self._address(told), told.record_keys)}

    def _set_key(self, told: SetKey) -> JSON:
        if told.revoked:
            self.pricing.keys.pop(told.api_key, None)
        else:
            organization = told.organization_id or self.options.organization_id
            self.pricing.keys[told.api_key] = ApiKey(organization=organization, scopes=frozenset(told.scopes))
        return {"api_keys": len(self.pricing.keys)}

    def _address(self, told: _Addressed) -> tuple[str, str]:
        return (
            told.organization_id or self.options.organization_id,
            told.target_key or self.options.target_key,
        )


class OutcomeBody(BaseModel):
    """What a worker reports, as the OpenAPI document types it; unknown fields are ignored."""

    target_key: str
    status: Literal["success", "failed", "skipped"]
    response_code: int | None = None
    error: str | None = None
    duration_ms: int | None = None
    attempts: int | None = None
    external_id: str | None = None


class _Addressed(BaseModel):
    """Which target a command means; the one of the options unless named."""

    model_config = ConfigDict(extra="forbid")

    organization_id: str | None = None
    target_key: str | None = None


class AddRecords(_Addressed):
    """``count`` generated ones, ``items`` as JSON, ``texts`` that a page shows as they are, valid or not."""

    count: int = Field(0, ge=0)
    items: list[Any] = []
    texts: list[str] = []


class Withdraw(_Addressed):
    """Records that an operator takes back."""

    record_keys: list[str]


class SetKey(BaseModel):
    """A key with its scopes, or one that is ``revoked``."""

    model_config = ConfigDict(extra="forbid")

    api_key: str
    organization_id: str | None = None
    scopes: list[str] = [READ_SCOPE, WRITE_SCOPE]
    revoked: bool = False


class _RefusedError(Exception):
    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def simulator_app(options: Options) -> SimulatorApp:
    """The ASGI application for ``options``, faults and control path included."""
    return SIMULATOR.app(**options.model_dump())


def _build(options: Any) -> MerchantOpsSimulator:
    return MerchantOpsSimulator(options)


SIMULATOR = Simulator(
    name="merchantops",
    title="MerchantOps: pending publishes and their outcomes",
    Options=Options,
    build=_build,
)


def _query_model(options: Options) -> type[BaseModel]:
    most = options.limit_cap if options.limit_over_cap == "refuse" else None
    limit = Annotated[int, Field(ge=1, le=most)]
    return create_model("Query", target_key=(str, ...), limit=(limit, options.default_limit))


def _validated(model: type[BaseModel], given: bytes | Mapping[str, str], where: str) -> BaseModel:
    try:
        if isinstance(given, bytes):
            return model.model_validate_json(given)
        return model.model_validate(given)
    except ValidationError as error:
        detail = [
            {**one, "loc": [where, *one["loc"]]}
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise _RefusedError(422, detail) from None


def _method_not_allowed() -> bytes:
    raise _RefusedError(405, "Method Not Allowed")


if __name__ == "__main__":
    SIMULATOR.main()
