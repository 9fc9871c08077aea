"""An ERP-like destination that remembers every write: proves that no record came twice under two idempotency keys.

It takes ``POST`` (and ``PUT``) on any path with one JSON record or a list of them, and answers ``{"id": "erp-…"}`` or
``{"results": [{"id": …} | {"error": …}, …]}``. The same idempotency key gets the same id again and writes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from hub import codec
from hub.records import JSON
from hub.testing.asgi import Receive, Scope, Send, header, read_body, respond_json
from hub.testing.faults import Faults, Share
from hub.testing.simulator import Command, Simulator

#: In a batch each record may carry its own key in this field; it is no part of its content.
KEY_FIELD = "idempotency_key"


class Options(Faults):
    """What the destination does with what it gets; the fields of ``Faults`` say what goes wrong."""

    key_header: str = Field("idempotency-key", description="The header that carries the idempotency key.")
    identity: str | None = Field(
        None, description="The field that says which thing a record is about; without it, its whole content."
    )
    refuse: list[str] = Field(
        [], description="Records with one of these texts in any field are refused with 422."
    )
    refuse_share: Share = Field(
        0, description="Share of things that are refused with 422, the same ones each time."
    )


@dataclass(kw_only=True, slots=True)
class Written:
    """What came under one idempotency key. ``contents`` are the different ones, in order; one is right."""

    id: str
    identity: str
    seen: int = 0
    contents: list[Any] = field(default_factory=list)


class Destination:
    """The ledger of what was written.

    Its rule: equal identity and equal content is one record, and one record has one idempotency key.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._key_header = options.key_header.lower().encode()
        self._refused_texts = frozenset(options.refuse)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.counters: Counter[str] = Counter()
        self.written: dict[str, Written] = {}
        self.refused: Counter[str] = Counter()
        self._keys_of: dict[str, list[str]] = {}

    def doubled(self) -> dict[str, list[str]]:
        """The records that came under more than one idempotency key, with those keys."""
        return {content: keys for content, keys in self._keys_of.items() if len(keys) > 1}

    def changed(self) -> list[str]:
        """The idempotency keys under which different contents came."""
        return [key for key, written in self.written.items() if len(written.contents) > 1]

    def summary(self) -> JSON:
        """Calls, records, repeats under the same key, and the breaches: doubled, changed and without a key."""
        names = ("calls", "accepted", "repeated", "refused", "malformed", "without_key")
        counts = {name: self.counters[name] for name in names}
        return counts | {
            "records": len(self.written),
            "doubled": len(self.doubled()),
            "changed": len(self.changed()),
        }

    def state(self) -> JSON:
        """The summary, and what came under each idempotency key and how often."""
        return self.summary() | {
            "doubled": self.doubled(),
            "changed": self.changed(),
            "refused_keys": dict(self.refused),
            "keys": {
                key: {"id": one.id, "identity": one.identity, "seen": one.seen, "contents": one.contents}
                for key, one in self.written.items()
            },
        }

    def commands(self) -> Mapping[str, Command]:
        """``refuse`` replaces the texts and the share that are refused."""
        return {"refuse": self._set_refused}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one record or a batch."""
        body = await read_body(receive)
        self.counters["calls"] += 1
        if scope["method"] not in {"POST", "PUT"}:
            await respond_json(send, 405, {"error": "only POST and PUT write"})
            return
        try:
            sent = codec.loads(body)
        except (ValueError, ArithmeticError, RecursionError) as error:
            await self._malformed(send, str(error))
            return
        key = header(scope, self._key_header)
        match sent:
            case dict():
                answer = self._take(sent, key)
                await respond_json(send, 422 if "error" in answer else 200, answer)
            case list() if all(isinstance(one, dict) for one in sent):
                await respond_json(send, 200, {"results": self._take_batch(sent, key)})
            case _:
                await self._malformed(send, "send a JSON object or a list of them")

    async def _malformed(self, send: Send, why: str) -> None:
        self.counters["malformed"] += 1
        await respond_json(send, 400, {"error": why})

    def _take_batch(self, records: list[JSON], key: str | None) -> list[JSON]:
        keys = (f"{key}#{index}" if key else None for index in range(len(records)))
        return [self._take(record, own) for record, own in zip(records, keys, strict=True)]

    def _take(self, record: JSON, key: str | None) -> JSON:
        content = {name: value for name, value in record.items() if name != KEY_FIELD}
        key = str(record.get(KEY_FIELD) or key or "")
        identity = self._identity(content)
        if self._refuses(identity, content):
            self.counters["refused"] += 1
            self.refused[key] += 1
            return {"error": f"{identity} is refused"}
        self.counters["accepted"] += 1
        if not key:
            self.counters["without_key"] += 1
            key = f"without-key-{self.counters['without_key']}"
        return {"id": self._write(key, identity, content).id}

    def _write(self, key: str, identity: str, content: JSON) -> Written:
        written = self.written.get(key)
        if written is None:
            written = self.written[key] = Written(id=f"erp-{len(self.written) + 1}", identity=identity)
            self._keys_of.setdefault(f"{identity} {codec.fingerprint(content)}", []).append(key)
        else:
            self.counters["repeated"] += 1
        written.seen += 1
        if content not in written.contents:
            written.contents.append(content)
        return written

    def _identity(self, content: JSON) -> str:
        if self.options.identity is None:
            return codec.fingerprint(content)
        return str(content.get(self.options.identity))

    def _refuses(self, identity: str, content: JSON) -> bool:
        if self._refused_texts and not self._refused_texts.isdisjoint(_texts(content)):
            return True
        return self.options.refuse_share > 0 and _position(identity) < self.options.refuse_share

    def _set_refused(self, arguments: JSON) -> JSON:
        told = self.options.model_dump() | {"refuse": [], "refuse_share": 0} | arguments
        self.options = Options.model_validate(told)
        self._refused_texts = frozenset(self.options.refuse)
        return {"refuse": self.options.refuse, "refuse_share": self.options.refuse_share}


def _build(options: Any) -> Destination:
    return Destination(options)


#: Found under the name ``destination`` as any other simulator.
SIMULATOR = Simulator(
    name="destination", title="An ERP-like destination that remembers", Options=Options, build=_build
)


def _texts(content: JSON) -> set[str]:
    return {value for value in content.values() if isinstance(value, str)}


def _position(identity: str) -> float:
    """Where a thing stands between 0 and 1: evenly spread, the same each time."""
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


if __name__ == "__main__":
    SIMULATOR.main()
