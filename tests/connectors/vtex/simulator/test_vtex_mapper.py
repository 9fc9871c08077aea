"""Connectors at the category mapper, their trees and mappings."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.simulator.category_tree import count, read_tree
from hub import codec
from tests.connectors.vtex.simulator.conftest import Account, Listener, Serve

REGISTER = "/api/mkp-category-mapper/connector/register?an=simulated"
SPECIFICATION = {"attributeName": "Size", "required": True, "attributeValues": [{"valueName": "S"}]}


def category(name: str, *children: Any, **fields: Any) -> dict[str, Any]:
    """With a specification."""
    return {"id": name, "name": name, "children": list(children), "specifications": [SPECIFICATION], **fields}


def packed(content: bytes) -> bytes:
    """The same bytes at any time: they are part of a test's name, which all processes of a run have to agree on."""
    return gzip.compress(content, mtime=0)


TREE = {
    "categories": [category("Home", category("Lamps", category("Desk", children=None)), category("Rugs"))]
}


async def register(vtex: Account, url: str = "http://127.0.0.1:1/") -> Any:
    """A connector that is told everything at one address."""
    body = {
        "displayName": "Marketplace",
        "categoryTreeEndPoint": url,
        "mappingEndPoint": f"{url}/mapping",
        "properties": {"allowsRemap": True},
        "CategoryTreeProcessingNotificationEndpoint": f"{url}/processed",
    }
    return await vtex.ask("POST", REGISTER, body)


async def send(vtex: Account, key: str, body: bytes, an: str = "?an=simulated") -> int:
    """The status of the answer to a tree."""
    path = f"/api/mkp-category-mapper/categories/marketplace/{key}{an}"
    return (await vtex.client.post(path, content=body, headers={"Content-Encoding": "gzip"})).status_code


async def test_a_tree_is_taken_and_processed_later(account: Serve, listener: Listener) -> None:
    """The connector is told when it is."""
    async with account() as vtex:
        key = (await register(vtex, listener.url)).json()["id"]
        statuses = [
            await send(vtex, key, gzip.compress(codec.dumps(TREE)), an) for an in ("?an=simulated", "")
        ]
        state = await vtex.state()
        await vtex.platform.idle()

    assert statuses == [204, 204]
    assert (state["mapper"][key]["categories"], state["mapper"][key]["trees"]) == (4, 2)
    target, _, body = listener.requests[0]
    assert target == "/processed?"
    assert (body["id"], body["status"], body["categories"]) == (key, "processed", 4)


async def test_a_name_keeps_its_id(account: Serve) -> None:
    """The id may come as text."""
    async with account(register_reply="text") as vtex:
        first, second = await register(vtex), await register(vtex)
        summary = await vtex.summary()

    assert first.text == second.text
    assert len(first.text) == 36
    assert summary["mapper_connectors"] == 1


async def test_a_mapping_is_sent_by_command(account: Serve, listener: Listener) -> None:
    """As pairs, or whatever is told."""
    async with account() as vtex:
        key = (await register(vtex, listener.url)).json()["id"]
        await vtex.tell("map", categories={"100": "Lamps"})
        await vtex.tell("map", connector=key, payload={"anything": 1})
        await vtex.platform.idle()
        refused = await vtex.ask("POST", "/_simulator/map", {"connector": "nobody"})

    assert [target for target, _, _ in listener.requests] == ["/mapping?"] * 2
    mapped, anything = (body for _, _, body in listener.requests)
    assert mapped["mappings"] == [{"categoryId": "100", "marketplaceCategoryId": "Lamps"}]
    assert anything == {"anything": 1}
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "wrong",
    (
        b"{}",
        packed(b"{"),
        packed(b"{}"),
        packed(codec.dumps(TREE))[:-9],
        packed(codec.dumps({"categories": [{"id": "1", "name": ""}]})),
        packed(codec.dumps({"categories": [category("a", {"id": "1", "name": "b", "children": []})]})),
        packed(codec.dumps({"categories": [category("a", category("b", specifications=[{}]))]})),
        packed(codec.dumps({"categories": [category("a", children="none")]})),
    ),
)
async def test_a_tree_that_is_wrong_is_refused(account: Serve, wrong: bytes) -> None:
    """Not compressed, no JSON, or not what is asked for."""
    async with account() as vtex:
        key = (await register(vtex)).json()["id"]
        status = await send(vtex, key, wrong)

    assert status == 400


async def test_the_mapper_asks_for_account_and_connector(account: Serve) -> None:
    """And for all fields of a registration."""
    async with account() as vtex:
        key = (await register(vtex)).json()["id"]
        tree = gzip.compress(codec.dumps(TREE))
        statuses = [
            (await vtex.ask("POST", REGISTER.replace("simulated", "other"), {})).status_code,
            (await vtex.ask("POST", REGISTER.partition("?")[0], {})).status_code,
            (await vtex.ask("POST", REGISTER, {"displayName": "a"})).status_code,
            (await vtex.ask("POST", REGISTER, [])).status_code,
            await send(vtex, "nobody", tree),
            await send(vtex, key, tree, "?an=other"),
        ]

    assert statuses == [404, 400, 400, 400, 404, 404]


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["categories", "id", "name", "children", "specifications", "attributeValues"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_tree_is_read_or_refused(tree: Any) -> None:
    """With a ``ValueError`` and nothing else; what is read can be counted."""
    try:
        read = read_tree(gzip.compress(codec.dumps(tree)))
    except ValueError:
        return

    assert count(read["categories"]) >= 0
