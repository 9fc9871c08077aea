"""The endpoints of a connection, asked over HTTP: paths, methods, the secret, bodies, and a store that is away."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from connectors.vtex.marketplace import endpoint, log_answer
from connectors.vtex.marketplace.category_map import KIND
from hub import codec
from hub.errors import RetryableError, ServiceUnavailableError
from hub.records import Success
from tests.connectors.vtex.marketplace.conftest import MakeWorld
from tests.connectors.vtex.marketplace.logs_world import World

SECRET = "a-secret-of-the-endpoint"
MAPPING = {"mappings": [{"categoryId": 9, "marketplaceCategoryId": "lamps"}]}


async def ask(world: World, method: str, path: str, **given: Any) -> tuple[int, Any]:
    answer = await world.client.request(method, f"{world.base}{path}", **given)
    return answer.status_code, answer.json() if answer.content else None


@pytest.mark.parametrize(
    "path",
    (
        "/logs",
        "/logs/",
        "/simulated/logs/",
        "/simulated/logs",
        "/Simulated/LOGS/",
        "//logs//",
        "/simulated.myvtex/logs",
    ),
)
async def test_logs_are_found_with_and_without_account_and_slash(make_world: MakeWorld, path: str) -> None:
    """The guide has both."""
    world = await make_world()
    await world.work({"1": Success()})

    assert len(await world.logs(path=path)) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    (
        (
            "GET",
            "/other/logs/",
            404,
            'the account "other" is not the one of this connection, which is simulated',
        ),
        ("GET", "/nothing", 404, "there are: logs, api/categories, api/mapping"),
        ("GET", "", 404, "there are: logs"),
        ("POST", "/logs/", 405, "only GET and HEAD"),
        ("GET", "/api/mapping", 405, "only POST"),
        ("DELETE", "/simulated/api/categories", 405, "only GET and HEAD"),
        ("GET", "/logs/?DateAt=1.3.2026", 400, 'DateAt: "1.3.2026" is no day; write it as yyyy-mm-dd'),
        (
            "GET",
            "/logs/?status=broken",
            400,
            "it is one of all, success, sucess, error, warning, alert, pending",
        ),
        ("GET", "/logs/?after=nonsense", 400, "no cursor"),
        ("POST", "/api/mapping", 400, "expected is a mapping of categories"),
    ),
)
async def test_what_is_wrong_is_answered_as_json(
    make_world: MakeWorld, method: str, path: str, status: int, text: str
) -> None:
    """With what would be right."""
    world = await make_world()

    code, body = await ask(world, method, path)

    assert code == status
    assert text in body["error"]["message"]


async def test_head_is_answered_without_a_body(make_world: MakeWorld) -> None:
    """Also where it is refused."""
    world = await make_world()
    await world.work({"1": Success()})

    answers = [await world.client.head(f"{world.base}{path}") for path in ("/logs/", "/api/categories", "/x")]

    assert [(answer.status_code, answer.content) for answer in answers] == [
        (200, b""),
        (200, b""),
        (404, b""),
    ]


async def test_a_secret_has_to_be_shown(make_world: MakeWorld) -> None:
    """First in the path, or in a header; a wrong one learns nothing of the account."""
    world = await make_world(secret=SECRET)
    header = {"X-Hub-Secret": SECRET}

    shown = [
        await ask(world, "GET", f"/{SECRET}/logs/"),
        await ask(world, "GET", f"/{SECRET}/simulated/logs"),
        await ask(world, "GET", "/logs", headers=header),
        await ask(world, "POST", f"/{SECRET}/api/mapping", json=MAPPING),
    ]
    hidden = [
        await ask(world, "GET", path)
        for path in ("/logs/", f"/{SECRET[:-1]}/logs", "/other/logs", "/simulated/logs", f"/logs/{SECRET}")
    ]

    assert [status for status, _ in shown] == [200] * 4
    assert [status for status, _ in hidden] == [401] * 5
    assert SECRET not in str(hidden)


async def test_the_category_tree_is_told_as_the_mapper_wants_it(make_world: MakeWorld) -> None:
    """Compressed where that is asked for; a tree with children, attributes and values."""
    world = await make_world()

    answer = await world.client.get(f"{world.base}/api/categories", headers={"Accept-Encoding": "gzip"})
    plain = await world.client.get(f"{world.base}/api/categories", headers={"Accept-Encoding": "identity"})

    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert answer.json() == plain.json()
    home, garden = plain.json()["categories"]
    assert garden == {"id": "garden", "name": "Garden", "children": []}
    (lamps,) = home["children"]
    assert lamps["specifications"] == [
        {
            "attributeName": "Colour",
            "required": True,
            "attributeValues": [{"valueName": "Red"}, {"valueName": "Blue"}],
        }
    ]
    assert lamps["children"] == [{"id": "desk", "name": "Desk lamps", "children": None, "specifications": []}]


async def test_a_marketplace_that_tells_no_tree_is_said_to(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now, or never; what it told a moment ago is told again."""
    world = await make_world()
    bazaar: Any = world.bazaar
    kept = bazaar.tree
    bazaar.tree = RetryableError("HTTP 503")
    away = await ask(world, "GET", "/api/categories")
    bazaar.tree = None
    never = await ask(world, "GET", "/api/categories")
    bazaar.tree = kept
    told = await ask(world, "GET", "/api/categories")
    bazaar.tree = None

    assert (away[0], never[0], told[0]) == (503, 404, 200)
    assert "no category has to be mapped" in never[1]["error"]["message"]
    assert await ask(world, "GET", "/api/categories") == told
    monkeypatch.setattr(endpoint, "TREE_SECONDS", -1)
    assert (await ask(world, "GET", "/api/categories"))[0] == 404


async def test_a_mapping_is_taken_compressed_or_not(make_world: MakeWorld) -> None:
    """And said to be, with what it changed."""
    world = await make_world()

    first = await ask(world, "POST", "/api/mapping", json=MAPPING)
    body = gzip.compress(codec.dumps(MAPPING))
    again = await ask(
        world, "POST", "/simulated/api/mapping/", content=body, headers={"Content-Encoding": "gzip"}
    )

    assert first == (200, {"mapped": 1, "changed": 1, "unread": 0})
    assert again == (200, {"mapped": 1, "changed": 0, "unread": 0})
    assert await world.ids.get(KIND, ["9"]) == {"9": "lamps"}


@pytest.mark.parametrize(
    ("body", "status"),
    (
        (b"no gzip", 400),
        (gzip.compress(b"{}")[:-4], 400),
        (gzip.compress(b"[" + b" " * endpoint.MOST_MAPPING + b"]"), 413),
        (gzip.compress(b" " * (endpoint.MOST_MAPPING + 1)), 413),
    ),
    ids=["no gzip", "cut short", "far too large", "too large by one"],
)
async def test_a_compressed_body_is_bounded_and_whole(
    make_world: MakeWorld, body: bytes, status: int
) -> None:
    """A small one may become a large one."""
    world = await make_world()

    assert (await ask(world, "POST", "/api/mapping", content=body, headers={"Content-Encoding": "gzip"}))[
        0
    ] == status


async def test_a_body_is_bounded(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr(endpoint, "MOST_MAPPING", 100)
    world = await make_world()

    status, body = await ask(world, "POST", "/api/mapping", content=b"[" + b" " * 200)

    assert (status, body["error"]["message"]) == (413, "the body has more than 100 bytes")


async def test_a_mapping_that_is_not_understood_is_kept_as_it_came(make_world: MakeWorld) -> None:
    """The last one, cut where it is long; half a pair is kept beside those that are whole."""
    world = await make_world()

    await ask(world, "POST", "/api/mapping", content=b'{"what": "is this"}')
    strange = await world.documents.get(endpoint.UNREAD)
    await ask(world, "POST", "/api/mapping", content=b'{"what": "is this"}')
    repeated = await world.documents.get(endpoint.UNREAD)
    await ask(world, "POST", "/api/mapping", content=b"x" * (endpoint.MOST_KEPT + 1))
    long = await world.documents.get(endpoint.UNREAD)
    half = [*MAPPING["mappings"], {"marketplaceCategoryId": "rugs"}]
    told = await ask(world, "POST", "/api/mapping", json=half)
    partly = await world.documents.get(endpoint.UNREAD)

    assert strange is not None
    assert repeated == strange
    assert (strange["raw"], strange["bytes"]) == ('{"what": "is this"}', 19)
    assert long is not None
    assert (len(long["raw"]), long["bytes"]) == (endpoint.MOST_KEPT, endpoint.MOST_KEPT + 1)
    assert told == (200, {"mapped": 1, "changed": 1, "unread": 1})
    assert partly is not None
    assert "half a pair" in partly["why"]


async def test_what_the_mapper_says_of_a_tree_is_kept(make_world: MakeWorld) -> None:
    """Whatever it is."""
    world = await make_world()

    for body in (b'{"status": "processed"}', b"done", b""):
        assert (await ask(world, "POST", "/api/categories/processed", content=body))[0] == 200

    document = await world.documents.get("mapper")
    assert document is not None
    assert document["processed"]["said"] == "null"


async def test_without_the_store_all_is_put_off(make_world: MakeWorld) -> None:
    """Nothing is said to be stored that is not."""
    world = await make_world()
    await world.logs()
    world.hub.db.execute = unreachable  # type: ignore[method-assign]

    found = [
        await ask(world, "GET", "/logs/"),
        await ask(world, "POST", "/api/mapping", json=MAPPING),
        await ask(world, "POST", "/api/categories/processed", json={}),
    ]
    answer = await world.client.get(f"{world.base}/logs")

    assert [status for status, _ in found] == [503] * 3
    assert answer.headers["retry-after"] == "5"


def unreachable(*_: Any, **__: Any) -> Any:
    raise ServiceUnavailableError("the store cannot be reached")


async def test_only_so_many_logs_are_read_at_once(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are asked to come again."""
    world = await make_world()
    monkeypatch.setattr(log_answer, "MOST_LOGS", 0)
    logs = await ask(world, "GET", "/logs/")
    monkeypatch.setattr(endpoint, "MOST_AT_ONCE", 0)

    assert logs[0] == 503
    assert (await ask(world, "POST", "/api/mapping", json=MAPPING))[0] == 503
