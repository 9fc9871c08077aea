"""MerchantOps: approved prices leave it for a destination of the user's choice, and each outcome goes back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.merchantops import mapping
from connectors.merchantops.client import READ_SCOPE, WRITE_SCOPE, MerchantOpsClient
from hub.connector import Bucket, CheckResult, Connector, Ports, Stream, each
from hub.errors import (
    BadPageError,
    ConfigurationError,
    ConnectionFailedError,
    HubError,
    RejectedError,
    RetryableError,
)
from hub.records import Acknowledged, Outcome, Page, PollRequest, ReportResult, Retry

#: "Rate-limit yourself to roughly two polls per second per connector" (Custom connectors: What you get).
POLLS_PER_SECOND = 2.0

#: The platform's own page size.
DEFAULT_LIMIT = 50

#: A poll is refused so when one of its parameters is wrong.
_WRONG_PARAMETERS = frozenset({400, 422})


def _base_url(text: str) -> str:
    """Scheme, host, port and path as they are compared: lower case, no default port, no slash at the end."""
    try:
        # Twice, because a default port is only dropped behind a scheme in lower case.
        url = httpx.URL(str(httpx.URL(text.strip())))
    except httpx.InvalidURL as error:
        raise ValueError(f"is no URL ({error})") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(
            "has to begin with https:// (or http://) and a host, such as https://merchantops.example"
        )
    if url.userinfo or url.query or url.fragment:
        raise ValueError(
            "is the address alone: no user, no password, no ? and no #; the key goes into credentials"
        )
    return str(url).rstrip("/")


def _header_safe(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("is empty or holds a blank or a character that no HTTP header takes")
    return text


class MerchantOpsSettings(BaseModel):
    """Where the records are and how they are polled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        description="Address of MerchantOps, without /api: the host of your organisation's API."
    )
    target_key: str = Field(
        min_length=1,
        description="The target key under Settings > Publish Targets; its delivery mode is poll.",
    )
    organization_id: Annotated[str, AfterValidator(_header_safe)] | None = Field(
        None, description="Sent as X-Organization-ID; without it the API key decides."
    )
    limit: int = Field(DEFAULT_LIMIT, ge=1, description="Records that one poll asks for.")
    max_limit: int = Field(
        500,
        ge=1,
        description="Up to here the limit is raised while records that wait fill the whole page.",
    )
    polls_per_second: float = Field(
        POLLS_PER_SECOND, gt=0, description="Polls a second at most; MerchantOps asks for about two."
    )


class MerchantOpsCredentials(BaseModel):
    """What MerchantOps knows us by."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr = Field(
        description="From Settings > API Keys, with pricing.publish.outcome.read and pricing.publish.outcome.write."
    )

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        _header_safe(value.get_secret_value())
        return value


class MerchantOps(Connector[MerchantOpsSettings, MerchantOpsCredentials]):
    """One target of one organisation: its approved price records, and their outcomes.

    A record's ``key`` is its ``record_key``; what it changes is the price of one product, variant, price type and
    currency; a later ``effective_from`` replaces an earlier one that waits. There is no offset in the API: a page is
    records without an outcome, so records that wait here come back on every page (see ``_limit``).
    """

    name = "merchantops"
    title = "MerchantOps: publishes approved prices and reports each outcome"
    Settings = MerchantOpsSettings
    Credentials = MerchantOpsCredentials
    streams: ClassVar[Sequence[Stream]] = (Stream(name=mapping.STREAM, title="Prices"),)
    reports = True
    uses_destination = True
    poll_target_title = "organisation's target"
    poll_target_field = "settings.target_key"

    def __init__(
        self, settings: MerchantOpsSettings, credentials: MerchantOpsCredentials, ports: Ports
    ) -> None:
        super().__init__(settings, credentials, ports)
        target = self.poll_target()
        self._client = MerchantOpsClient(
            ports.http,
            base_url=settings.base_url,
            target_key=settings.target_key,
            api_key=credentials.api_key.get_secret_value(),
            organization_id=settings.organization_id,
            polls=Bucket(key=f"{target} polls", rate=settings.polls_per_second),
            outcomes=Bucket(key=f"{target} outcomes"),
        )

    def circuit_key(self) -> str:
        """The host, with its port where that is not the scheme's own."""
        return httpx.URL(self.settings.base_url).netloc.decode("ascii")

    def poll_target(self) -> str:
        """Base URL, organisation and target, as one text.

        Without ``organization_id`` the API key decides which organisation it is, and MerchantOps does not tell. A
        fingerprint of the key then stands for it, so that one key cannot poll one target twice; two keys of one
        organisation look like two, which naming ``organization_id`` on both connections mends. A new key is then
        a new poll target of the same connection.
        """
        organization = self.settings.organization_id
        if organization is None:
            secret = self.credentials.api_key.get_secret_value().encode()
            organization = f"key:{hashlib.blake2b(secret, digest_size=8, person=b'poll-target').hexdigest()}"
        # Only the last part may hold a blank, so no two targets look alike.
        return f"{self.name} {self.settings.base_url} {organization} {self.settings.target_key}"

    async def check(self) -> CheckResult:
        """One poll of one record.

        Raises ``ConfigurationError`` naming the setting when MerchantOps is not reached or does not know what is asked,
        and ``ReauthorizationError`` naming the scope when the key is refused.
        """
        try:
            page = mapping.parse_page(await self._client.pending(1))
        except BadPageError as error:
            raise self._wrong_address(f"something answers that is not MerchantOps ({error})") from error
        except RejectedError as error:
            if error.response_code in _WRONG_PARAMETERS:
                raise ConfigurationError(f"it is refused ({error})", field="settings.target_key") from error
            raise self._wrong_address(f"there is no MerchantOps ({error})") from error
        except RetryableError as error:
            down = "MerchantOps is down" if error.response_code else "MerchantOps cannot be reached"
            raise self._wrong_address(f"{down} ({error})") from error
        return CheckResult(facts=self._facts(page), warnings=list(self._warnings(page)))

    async def poll(self, request: PollRequest) -> Page:
        """One page of what is pending; the cursor holds what was learnt about its size, and no place in a list."""
        base, limit = self.settings.limit, self._limit(request)
        most = _learnt(request, "most")
        try:
            page = await self._page(limit)
        except ConnectionFailedError:
            if limit == base:
                raise
            # The limit was raised beyond what the platform takes: half as far the next time.
            limit, most = base, (base + limit) // 2
            page = await self._page(limit)
        full = page.count >= limit
        learnt = {"limit": limit if full and limit > base else None, "most": most}
        cursor = {name: value for name, value in learnt.items() if value is not None}
        return Page(records=page.records, bad=page.bad, cursor=cursor, full=full)

    async def report(self, outcomes: Sequence[Outcome]) -> Sequence[ReportResult]:
        """Post every outcome. MerchantOps takes a repeated one and does not count it twice."""
        return await each(outcomes, self._report)

    async def _page(self, limit: int) -> mapping.ParsedPage:
        try:
            # In a thread: a page of megabytes takes seconds, and heartbeats must go on.
            return await asyncio.to_thread(mapping.parse_page, await self._client.pending(limit))
        except RejectedError as error:
            raise _poll_error(error) from error

    async def _report(self, outcome: Outcome) -> ReportResult:
        body = mapping.outcome_body(outcome, self.settings.target_key)
        try:
            answer = await self._client.publish_outcome(outcome.key, body)
        except RejectedError as error:
            if error.response_code != 404:
                raise
            return Acknowledged(
                warning=f"MerchantOps has no such record any more, it was withdrawn ({error})"
            )
        try:
            status = mapping.final_status(answer)
        except mapping.UnfitError as error:
            # Something else may have answered in its place; reporting again is harmless.
            return Retry(error=f"whether MerchantOps took the outcome is not known: {error}")
        if status is None:
            return Acknowledged()
        batch = str(outcome.payload.get("batch_key") or "without a batch key")
        return Acknowledged(facts={"batch_final_status": {batch: status}})

    def _limit(self, request: PollRequest) -> int:
        """How many records to ask for.

        Records that wait here come back on every page. When they fill one, those behind them are seen by asking
        for as many more; a record in quarantine is not open but takes a place as well, hence at least a page more.
        """
        base = self.settings.limit
        limit = max(base, _learnt(request, "limit") or base) if request.previous_full else base
        if not request.previous_full or request.previous_new > 0:
            return limit
        most = min(_learnt(request, "most") or self.settings.max_limit, self.settings.max_limit)
        raised = max(limit, min(limit + max(request.open_records, base), most))
        if raised == limit:
            self.ports.log.warning(
                "page_full_of_known_records", limit=limit, remedy="raise settings.max_limit"
            )
        return raised

    def _facts(self, page: mapping.ParsedPage) -> dict[str, Any]:
        return {
            "base_url": self.settings.base_url,
            "target_key": self.settings.target_key,
            "pending": "at least one record" if page.count else "no record",
            "scopes": f"{READ_SCOPE} is granted; {WRITE_SCOPE} shows with the first report",
        }

    def _warnings(self, page: mapping.ParsedPage) -> Iterator[str]:
        if page.count == 0:
            yield (
                f"nothing is pending for {self.settings.target_key!r}; a target key that does not exist may look the "
                "same, so compare it with Settings > Publish Targets"
            )
        yield from (f"a pending record cannot be read: {bad.reason}" for bad in page.bad)
        if self.settings.polls_per_second > POLLS_PER_SECOND:
            yield f"polls_per_second is {self.settings.polls_per_second:g}; MerchantOps asks for about two"

    def _wrong_address(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"at {self.settings.base_url} {what}", field="settings.base_url")


def _learnt(request: PollRequest, name: str) -> int | None:
    """A number in the cursor, which people may edit."""
    value = request.cursor.get(name)
    return value if isinstance(value, int) else None


def _poll_error(error: RejectedError) -> HubError:
    """What a refused poll means: parameters are ours to mend; anything else may be a proxy's and pass."""
    if error.response_code in _WRONG_PARAMETERS:
        return ConnectionFailedError(f"MerchantOps refuses the poll; look at target_key and limit ({error})")
    return RetryableError(
        f"there is no MerchantOps at base_url for now ({error})", response_code=error.response_code
    )
