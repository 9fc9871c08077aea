"""Under which messages a record is logged: by the codes in its text, otherwise by how it stands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from connectors.vtex.marketplace import sellable
from connectors.vtex.marketplace.messages import MESSAGES, Status, parts
from hub.connector import PastRecord
from hub.records import JSON

#: The operations of VTEX's guide that this integration has.
Operation = Literal["Catalog change", "Offer creation", "Price update", "Inventory update"]

#: What a parked record waits for whose category is not mapped, up to the id.
CATEGORY: Final = "category:"
#: Why an SKU was taken off sale, beside what ``sellable`` says.
REMOVED: Final = "VTEX has taken the SKU out of the affiliate's trade policy"
UNKNOWN: Final = "VTEX has no SKU of this id"
#: What a destination says of a listing that holds already.
UNCHANGED: Final = "unchanged"

#: The states of records from which messages of a status can come.
STATES: Final = {
    Status.SUCCESS: frozenset({"success", "skipped", "superseded"}),
    Status.WARNING: frozenset({"success", "skipped", "discarded", "rejected", "parked"}),
    Status.ERROR: frozenset({"success", "rejected", "dead", "waiting", "parked", "skipped"}),
    Status.PENDING: frozenset({"waiting", "working", "awaiting", "parked"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One message; ``items`` are what it lists."""

    code: str
    items: Sequence[str] = ()


def told(record: PastRecord, *, gone: bool = False) -> Sequence[Told]:
    """What is to be said of a record, the main thing first. ``gone``: nothing is known of the SKU at the marketplace."""
    if record.state == "success":
        return [Told(code=_succeeded(record, gone=gone)), *_coded(record.error, "H13")]
    return _BY_STATE.get(record.state, _waiting)(record)


def operation(record: PastRecord) -> Operation:
    """What VTEX calls what was done, by what had changed."""
    changed = _changed(record.payload)
    if record.created or "load" in changed:
        return "Offer creation"
    if changed & {"content", "activity", "off"} or record.payload.get("removed"):
        return "Catalog change"
    if changed & {"price", "check"}:
        return "Price update"
    return "Inventory update" if "stock" in changed else "Catalog change"


def _succeeded(record: PastRecord, *, gone: bool) -> str:
    payload = record.payload
    if record.created:
        return "S1"
    changed = _changed(payload)
    if "off" in changed or any(_is_off_sale(code, said) for code, said in parts(record.error)):
        return "H5" if gone else "H4"
    if changed == {"price"}:
        return "H2"
    return "H3" if changed == {"stock"} else "H1"


def _is_off_sale(code: str | None, said: str) -> bool:
    """What was notified says nothing: it may have been old, so that the SKU was left on sale."""
    return code == "A2" or (code is None and said.startswith((REMOVED, UNKNOWN, *sellable.OFF_SALE)))


def _waiting(record: PastRecord) -> Sequence[Told]:
    """A text of an earlier content, or of what it waited for, says nothing of what is to come."""
    texts = _texts(record)
    if record.state == "waiting" and record.response_code in (401, 403):
        by_vtex = next((code for code, _ in parts(record.error)), None) == "H15"
        return [Told(code="H15" if by_vtex else "H12", items=texts)]
    mapper = [one for one in _coded(record.error, "E2") if one.code == "E5"]
    if record.state == "waiting" and mapper:
        return mapper
    if record.state == "waiting" and record.attempts and record.error:
        return [Told(code="E2", items=texts)]
    return [Told(code="H7")]


def _skipped(record: PastRecord) -> Sequence[Told]:
    if (record.error or "").strip() == UNCHANGED:
        return [Told(code="H6")]
    return _coded(record.error, "H9") or [Told(code="H9")]


def _parked(record: PastRecord) -> Sequence[Told]:
    if (record.wake_key or "").startswith(CATEGORY):
        return [Told(code="E4")]
    return _coded(record.error, "H7") or [Told(code="H7")]


def _coded(text: str | None, otherwise: str) -> Sequence[Told]:
    """What a text says, by code in the order of their first appearance; ``otherwise`` for what has none."""
    found: dict[str, list[str]] = {}
    for code, said in parts(text):
        found.setdefault(code or otherwise, []).append(said)
    return [Told(code=code, items=items) for code, items in found.items()]


def _texts(record: PastRecord) -> Sequence[str]:
    return [said for _, said in parts(record.error)]


def _changed(payload: JSON) -> frozenset[str]:
    found = payload.get("changed")
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else frozenset()


#: What is said of a record in each state; of the others it is that they wait.
_BY_STATE: Final[Mapping[str, Callable[[PastRecord], Sequence[Told]]]] = {
    "skipped": _skipped,
    "rejected": lambda record: _coded(record.error, "E3") or [Told(code="E3")],
    "dead": lambda record: _coded(record.error, "E2") or [Told(code="E2")],
    "superseded": lambda _: [Told(code="H10")],
    "discarded": lambda record: [Told(code="H11", items=_texts(record))],
    "parked": _parked,
    "awaiting": lambda record: [Told(code="H8", items=_texts(record))],
}


def status_of(code: str) -> Status:
    """That of its message."""
    return MESSAGES[code].status
