"""The two calls that MerchantOps offers to custom connectors, with its refusals put into words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from hub.connector import Bucket, Http
from hub.errors import ReauthorizationError
from hub.records import JSON

#: The scopes that an API key needs, as "Custom connectors: Create an API key" names them.
READ_SCOPE = "pricing.publish.outcome.read"
WRITE_SCOPE = "pricing.publish.outcome.write"

POLL_PATH = "/api/pricing/pending-publishes"
OUTCOME_PATH = "/api/pricing/records/{}/publish-outcome"


class MerchantOpsClient:
    """Knows paths, headers and buckets, and no more.

    Every call raises what ``Http.request`` does; a refused credential comes with the scope that it needs.
    """

    def __init__(
        self,
        http: Http,
        *,
        base_url: str,
        target_key: str,
        api_key: str,
        organization_id: str | None,
        polls: Bucket,
        outcomes: Bucket,
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._target_key = target_key
        self._organization_id = organization_id
        self._headers = {"Authorization": f"Bearer {api_key}"}
        if organization_id is not None:
            self._headers["X-Organization-ID"] = organization_id
        self._polls = polls
        self._outcomes = outcomes

    async def pending(self, limit: int) -> bytes:
        """The text of a page with up to ``limit`` records that are not reported yet."""
        with self._naming(READ_SCOPE):
            answer = await self._http.request(
                "GET",
                self._base_url + POLL_PATH,
                params={"target_key": self._target_key, "limit": limit},
                headers=self._headers,
                bucket=self._polls,
            )
        return answer.content

    async def publish_outcome(self, record_key: str, body: JSON) -> bytes:
        """Report one outcome; the text of the answer."""
        with self._naming(WRITE_SCOPE):
            answer = await self._http.request(
                "POST",
                self._base_url + OUTCOME_PATH.format(quote(record_key, safe="")),
                headers=self._headers,
                json=body,
                bucket=self._outcomes,
            )
        return answer.content

    @contextmanager
    def _naming(self, scope: str) -> Iterator[None]:
        try:
            yield
        except ReauthorizationError as error:
            raise ReauthorizationError(
                f"{error}; {self._remedy(scope, error.response_code)}", response_code=error.response_code
            ) from error

    def _remedy(self, scope: str, status: int | None) -> str:
        if status == 403:
            belongs = f", and that it belongs to {self._organization_id}" if self._organization_id else ""
            return f"see in Settings > API Keys that the key has the scope {scope}{belongs}"
        return (
            f"the API key is missing, wrong or revoked: create one in Settings > API Keys with the scopes "
            f"{READ_SCOPE} and {WRITE_SCOPE}, and set it as credentials.api_key"
        )
