"""Parents before their children, within a page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.merchstack.lines import BadLine, GoodLine
from connectors.merchstack.metadata import Fault
from hub.excerpt import excerpt

#: So many members of a cycle are named.
_SHOWN = 5


def parents_first(lines: Sequence[GoodLine]) -> tuple[list[GoodLine], list[BadLine]]:
    """The lines in an order in which no category comes before its parent, and those that are their own ancestors.

    Lines of one key keep their order and stay together; the last of them says which parent counts.
    """
    by_key: dict[str, list[GoodLine]] = {}
    for line in lines:
        by_key.setdefault(line.key, []).append(line)
    parents = {
        key: of_key[-1].parent
        for key, of_key in by_key.items()
        if of_key[-1].parent is not None and of_key[-1].parent in by_key
    }
    cycles = _cycles(parents)
    good = [line for key in _order(by_key, parents, cycles) for line in by_key[key]]
    bad = [_bad(line, cycles[key]) for key in by_key if key in cycles for line in by_key[key]]
    return good, sorted(bad, key=lambda line: line.number)


def _cycles(parents: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Every key that is its own ancestor, with all members of its cycle."""
    cycles: dict[str, list[str]] = {}
    done: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        key: str | None = start
        while key is not None and key not in done and key not in path:
            path[key] = len(path)
            key = parents.get(key)
        if key is not None and key in path:
            members = list(path)[path[key] :]
            cycles |= dict.fromkeys(members, members)
        done.update(path)
    return cycles


def _order(
    keys: Mapping[str, object], parents: Mapping[str, str | None], without: Mapping[str, object]
) -> list[str]:
    """The keys by their first appearance, each with those of its ancestors before it that are not out yet."""
    ordered: dict[str, None] = {}
    for start in keys:
        climb: list[str] = []
        key: str | None = start
        while key is not None and key not in ordered and key not in without:
            climb.append(key)
            key = parents.get(key)
        ordered |= dict.fromkeys(reversed(climb))
    return list(ordered)


def _bad(line: GoodLine, members: Sequence[str]) -> BadLine:
    shown = " in ".join(excerpt(key) for key in [*members[:_SHOWN], members[0]])
    more = f" (and {len(members) - _SHOWN} more)" if len(members) > _SHOWN else ""
    reason = f"makes the category its own ancestor: {shown}{more}; give one of them another parent"
    fault = Fault(field="externalSystemParentId", reason=reason)
    return BadLine(number=line.number, faults=[fault], raw=line.raw, key=line.key, member=line.member)
