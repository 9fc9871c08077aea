"""Takes secrets out of text, in whatever spelling they may have got in."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
#: Characters. A shorter value is no secret (a sandbox's "x"), and masking it would mask every text.
SHORTEST_SECRET = 4


class Redactor:
    """Masks the secrets of a connection: as they are, quoted for a URL, escaped for JSON or HTML, and in base64.

    Base64 is found wherever in the encoded text the secret stands, so ``user:password`` of a Basic header is too.
    """

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Collection[str]) -> None:
        """Mask these as well from now on."""
        self._secrets |= {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        spellings = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        ordered = sorted(spellings, key=len, reverse=True)
        pattern = "|".join(map(re.escape, ordered))
        # A look-ahead finds overlapping ones as well; case does not matter in %2F, and masking too much is no harm.
        self._pattern = re.compile(f"(?=({pattern}))", re.IGNORECASE) if ordered else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        parts, end = [], 0
        for begin, stop in _merged(match.span(1) for match in self._pattern.finditer(text)):
            parts += [text[end:begin], MASK]
            end = stop
        return "".join([*parts, text[end:]])

    def finds(self, text: str) -> bool:
        """Whether there is a secret in it."""
        return self._pattern is not None and self._pattern.search(text) is not None


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    for fragment in _base64(secret.encode("utf-8", "surrogatepass")):
        yield fragment
        yield quote(fragment, safe="")
        yield fragment.translate({ord("+"): "-", ord("/"): "_"})


def _base64(secret: bytes) -> Iterator[str]:
    """The characters that depend on the secret alone, for each of the three places where it can begin in a group."""
    yield base64.b64encode(secret).decode()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode()
        begin, end = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        yield encoded[begin:end]


def _merged(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order of their begin, overlapping ones as one."""
    begin, end = 0, 0
    for start, stop in spans:
        if start > end:
            if end > begin:
                yield begin, end
            begin, end = start, stop
        elif end == begin:
            begin, end = start, stop
        else:
            end = max(end, stop)
    if end > begin:
        yield begin, end
