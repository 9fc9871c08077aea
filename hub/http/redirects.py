"""Where a redirect leads, and what may go there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import yarl

from hub.errors import RejectedError

if TYPE_CHECKING:
    from hub.http.transport import Answer

#: Only what reads is sent somewhere else.
FOLLOWED_METHODS = frozenset({"GET", "HEAD"})
STATUSES = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3

#: The headers that may go to another host. Any other one may be a credential, whatever its name.
HARMLESS = frozenset(
    {"accept", "accept-language", "if-modified-since", "if-none-match", "range", "user-agent", "x-request-id"}
)


def is_redirect(method: str, answer: Answer) -> bool:
    """Whether an answer sends us on, and we go."""
    return answer.status_code in STATUSES and method in FOLLOWED_METHODS and "Location" in answer.received


def next_hop(
    answer: Answer,
    url: yarl.URL,
    headers: Mapping[str, str],
    *,
    target: str,
    is_secret: Callable[[str], bool],
) -> tuple[yarl.URL, Mapping[str, str]]:
    """The next URL, and the headers that may go there: all to the same host, none that may be a credential to another.

    Raises ``RejectedError`` for what is no URL, and for a step from https down to http.
    """
    try:
        following = url.join(yarl.URL(answer.received["Location"]))
    except ValueError as error:
        raise RejectedError(
            f"{target}: it redirects to what is no URL", response_code=answer.status_code
        ) from error
    if url.scheme == "https" and following.scheme != "https":
        raise RejectedError(
            f"{target}: it redirects from https to {following.scheme}, which would be readable on the way",
            response_code=answer.status_code,
        )
    if _same_host(url, following):
        return following, headers
    kept = {
        name: value for name, value in headers.items() if name.lower() in HARMLESS and not is_secret(value)
    }
    return following, kept


def _same_host(url: yarl.URL, following: yarl.URL) -> bool:
    upgraded = (url.scheme, url.port, following.scheme, following.port) == ("http", 80, "https", 443)
    return url.raw_host == following.raw_host and (url.port == following.port or upgraded)
