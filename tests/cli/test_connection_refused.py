"""What bad input gets: refused when it is saved, with field and remedy, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub import listening
from tests.cli.conftest import SECRET, Hub, Served

ADD = ("connection", "add", "prices", "--tenant", "acme", "--config")


pytestmark = pytest.mark.usefixtures("acme")


@pytest.mark.parametrize(
    ("replaced", "by", "field", "remedy"),
    (
        ('connector = "merchantops"', 'connector = "merchantop"', "connector", "merchantops, merchstack"),
        ("[settings]", "[settings]\nlimits = 5", "settings.limits", "there are: base_url, target_key"),
        ('target_key = "custom"', "target_key = 5", "settings.target_key", "write it in quotes"),
        ('target_key = "custom"', 'target_key = ""', "settings.target_key", "must not be empty"),
        ('target_key = "custom"', "", "settings.target_key", "is required"),
        ("[settings]", "[settings]\nlimit = 0", "settings.limit", "greater than or equal to 1"),
        (f'api_key = "{SECRET}"', "", "credentials.api_key", "is required"),
        (f'"{SECRET}"', '"env:NOT_SET"', "credentials.api_key", "environment variable NOT_SET is not set"),
        (f'"{SECRET}"', f'"{SECRET} x"', "credentials.api_key", "no HTTP header takes"),
        (
            'name = "http"',
            'name = "htpp"',
            "destination.name",
            "catalog, catalog-marketplace, http, jsonl, marketplace, sql",
        ),
        ('method = "POST"', 'method = "GET"', "destination.settings.method", "'POST', 'PUT'"),
        ('"amount"', '"amount ||"', "destination.mapping.price", "amount ||"),
        ('"amount"', '{ path = "amount", cast = "money" }', "destination.mapping.price", "there is no cast"),
        ("[destination]", "[delivery]\nattempts = 0\n[destination]", "delivery.attempts", "greater than"),
        ("[destination]", "[destinatoin]", "destinatoin", "is not a setting"),
        ('name = "http"', 'name = "http"\nnam = "x"', "destination.nam", "there are: name, settings"),
    ),
)
def test_a_wrong_field_is_named_with_its_remedy(
    hub: Hub, connection_file: Callable[..., str], replaced: str, by: str, field: str, remedy: str
) -> None:
    """Unknown plugin or setting, wrong type, missing credential, bad expression."""
    line = hub.refused(*ADD, connection_file(replaced, by))

    assert line.startswith(f"{field}: ")
    assert remedy in line
    assert hub.json("connection", "list") == []


def test_all_wrong_fields_are_named_at_once(hub: Hub, connection_file: Callable[..., str]) -> None:
    """Nobody wants to be sent back for each of them."""
    line = hub.refused(*ADD, connection_file('target_key = "custom"', "limit = 0\nlimits = 1"))

    assert all(f"settings.{field}: " in line for field in ("target_key", "limit", "limits"))


def test_a_missing_credential_is_named_beside_a_wrong_setting(
    hub: Hub, connection_file: Callable[..., str]
) -> None:
    """The two stand in one file."""
    path = connection_file('target_key = "custom"', "limit = 0")
    written = Path(path).read_text().replace(f'api_key = "{SECRET}"', "")
    line = hub.refused(*ADD, hub.write(written))

    fields = ("settings.target_key", "settings.limit", "credentials.api_key")
    assert all(f"{field}: " in line for field in fields)


def test_a_syntax_error_names_its_line(hub: Hub) -> None:
    """In TOML and in JSON."""
    toml = hub.refused(*ADD, hub.write('connector = "merchantops"\n[settings\n'))
    written = hub.refused(*ADD, hub.write('{"connector":\n  merchantops}', "connection.json"))

    assert "no valid TOML" in toml
    assert "line 2" in toml
    assert "no valid JSON" in written
    assert "line 2" in written


def test_a_file_that_is_no_text_is_refused(hub: Hub) -> None:
    """UTF-8 is what is read."""
    path = Path(hub.folder) / "connection.toml"
    path.write_bytes(b'connector = "merch\xff"')

    assert "must be UTF-8" in hub.refused(*ADD, str(path))


@pytest.mark.parametrize(
    ("name", "remedy"), (("missing.toml", "there is no file"), ("a.yaml", "must end in"))
)
def test_a_file_that_cannot_be_one_is_refused(hub: Hub, name: str, remedy: str) -> None:
    """Missing, or of another kind."""
    path = Path(hub.folder) / name
    if path.suffix == ".yaml":
        path.write_text("connector: merchantops")

    assert remedy in hub.refused(*ADD, str(path))


@pytest.mark.parametrize("side", ("source", "destination"))
def test_an_unreachable_host_is_refused_when_it_is_saved(
    hub: Hub, connection_file: Callable[..., str], request: pytest.FixtureRequest, side: str
) -> None:
    """On either side, unless somebody insists."""
    served: Served = request.getfixturevalue(side)
    path = connection_file(served.url, f"http://127.0.0.1:{listening.free()}")
    field = {"source": "settings.base_url", "destination": "destination.settings"}[side]

    said = hub.refused(*ADD, path)
    assert said.startswith(f"{field}: ")
    assert side == "source" or "compare the addresses" in said
    assert hub.json("connection", "list") == []
    assert hub.json(*ADD, path, "--no-check")["checks"] == {}


def test_both_unreachable_sides_are_named(
    hub: Hub, connection_file: Callable[..., str], source: Served, destination: Served
) -> None:
    """They are asked at the same time."""
    text = Path(connection_file()).read_text()
    for served in (source, destination):
        text = text.replace(served.url, f"http://127.0.0.1:{listening.free()}")
    line = hub.refused(*ADD, hub.write(text))

    assert "settings.base_url: " in line
    assert "; destination.settings: " in line


def test_a_refused_credential_is_refused_when_it_is_saved(
    hub: Hub, connection_file: Callable[..., str], source: Served
) -> None:
    """Its field is named, and it is not repeated."""
    source.platform.pricing.keys.clear()

    assert hub.refused(*ADD, connection_file()).startswith("credentials: ")
    assert hub.json("connection", "list") == []


@pytest.mark.parametrize("side", ("source", "destination"))
@pytest.mark.parametrize("check", ("--check", "--no-check"))
def test_a_private_host_needs_the_operators_permission(
    hub: Hub,
    connection_file: Callable[..., str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    side: str,
    check: str,
) -> None:
    """Whether or not anybody is called, and whatever stands behind the host."""
    monkeypatch.setenv("HUB_ALLOW_PRIVATE_HOSTS", "false")
    served: Served = request.getfixturevalue(side)
    other = {"source": "destination", "destination": "source"}[side]
    path = connection_file(request.getfixturevalue(other).url, "https://erp.example.com")
    field = {"source": "settings.base_url", "destination": "destination.settings.url"}[side]
    line = hub.refused(*ADD, path, check)

    assert served.url.split(":")[1].strip("/") in line
    assert line.startswith(f"{field}: ")
    assert "HUB_ALLOW_PRIVATE_HOSTS" in line


def test_a_second_connection_to_the_same_target_is_refused(
    hub: Hub, connection_file: Callable[..., str], prices: str
) -> None:
    """Also another tenant's, whose name is not told."""
    hub.ok("tenant", "add", "globex")
    add = ("connection", "add", "others", "--tenant", "globex", "--config", connection_file())
    line = hub.refused(*add)

    assert line.startswith("settings.target_key: another connection uses this organisation's target already")
    assert prices not in line


def merchstack(hub: Hub, folder: Path, settings: str = "", *, imports: bool = False) -> str:
    """A connection file from or to this folder; gives its path."""
    folder.mkdir(exist_ok=True)
    rest = '[destination]\nname = "catalog"' if imports else f'store_id = "S"\n{settings}'
    connector = "merchstack" if imports else "merchstack-export"
    text = f'connector = "{connector}"\n[settings]\nurl = "{folder}"\ntenant_id = "T"\n{rest}\n'
    return hub.write(text, f"{connector}.toml")


def test_a_counterpart_is_a_connection_of_the_same_tenant(hub: Hub, tmp_path: Path) -> None:
    """Nobody's and another tenant's are refused alike, before the first poll fails for it."""
    hub.ok("tenant", "add", "globex")
    file = merchstack(hub, tmp_path / "in", imports=True)
    hub.ok("connection", "add", "shop-in", "--tenant", "globex", "--config", file)
    export = merchstack(hub, tmp_path / "out", 'counterpart = "shop-in"')
    add = ("connection", "add", "shop-out", "--config", export, "--tenant")

    line = hub.refused(*add, "acme")

    assert line.startswith(
        'settings.counterpart: there is no connection "shop-in" of this tenant; add it first'
    )
    hub.ok(*add, "globex")
    add = ("connection", "add", "other", "--tenant", "acme", "--config")
    unknown = hub.refused(*add, merchstack(hub, tmp_path / "other", 'counterpart = "nobody"'))
    assert unknown == line.replace("shop-in", "nobody")


def test_a_counterpart_is_no_export(hub: Hub, tmp_path: Path) -> None:
    """It brings nothing, so nothing could be left out, and what Merchstack said itself would be sent back."""
    add = ("connection", "add", "--tenant", "acme", "--config")
    hub.ok(*add, merchstack(hub, tmp_path / "out"), "shop-out")

    line = hub.refused(*add, merchstack(hub, tmp_path / "more", 'counterpart = "shop-out"'), "more-out")

    assert line.startswith('settings.counterpart: "shop-out" has no [destination]')
    assert line.endswith("name the connection that imports, or leave the setting out")


def test_an_export_to_where_an_import_reads_is_refused(hub: Hub, tmp_path: Path) -> None:
    """Its files would be taken for Merchstack's own; so would those of a second export, by the other one."""
    file = merchstack(hub, tmp_path / "in", imports=True)
    hub.ok("connection", "add", "shop-in", "--tenant", "acme", "--config", file)
    add = ("connection", "add", "--tenant", "acme", "--config")

    line = hub.refused(*add, merchstack(hub, tmp_path / "in"), "shop-out")

    assert line.startswith("settings.url: another connection uses this folder or bucket already")
    assert line.endswith("Remove that one first, or name another")
    hub.ok(*add, merchstack(hub, tmp_path / "out"), "shop-out")
    assert line == hub.refused(*add, merchstack(hub, tmp_path / "out", 'location = "x"'), "second-out")


def test_a_name_that_is_taken_is_refused(hub: Hub, connection_file: Callable[..., str], prices: str) -> None:
    """The way to change a connection is named."""
    assert "--replace" in hub.refused(*ADD, connection_file())


@pytest.mark.parametrize("name", ("with blank", "-dash", "a/b", "ä", "x" * 101))
def test_a_name_that_would_not_fit_into_a_url_is_refused(
    hub: Hub, connection_file: Callable[..., str], name: str
) -> None:
    """It is part of the addresses of webhooks."""
    line = hub.refused("connection", "add", "--tenant", "acme", "--config", connection_file(), "--", name)

    assert line.startswith("name: ")


def test_an_unknown_tenant_is_refused_with_the_command_that_adds_it(
    hub: Hub, connection_file: Callable[..., str]
) -> None:
    """Before anybody is called."""
    line = hub.refused("connection", "add", "prices", "--tenant", "nobody", "--config", connection_file())

    assert "hub tenant add nobody" in line


def test_a_wrong_setting_of_the_hub_is_named_as_the_variable(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once."""
    monkeypatch.setenv("HUB_PROCESSES", "many")
    monkeypatch.setenv("HUB_LOG_FORMAT", "xml")
    line = hub.refused("tenant", "list")

    assert "HUB_PROCESSES: " in line
    assert "HUB_LOG_FORMAT: " in line


def test_a_store_that_cannot_be_reached_ends_with_3(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its password is not shown."""
    hub.secrets.append("pa55word")
    url = f"postgresql://hub:pa55word@127.0.0.1:{listening.free()}/hub"
    monkeypatch.setenv("HUB_DATABASE_URL", url)

    assert "HUB_DATABASE_URL" in hub.refused("tenant", "list", code=3)


def test_a_key_that_is_none_is_refused_without_showing_it(
    hub: Hub, connection_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that makes one is named."""
    hub.secrets.append("not-a-fernet-key")
    monkeypatch.setenv("HUB_SECRET_KEYS", "not-a-fernet-key")
    line = hub.refused(*ADD, connection_file())

    assert line.startswith("HUB_SECRET_KEYS: ")
    assert "hub secrets new-key" in line


def test_a_connection_may_be_written_as_json(hub: Hub, connection_file: Callable[..., str]) -> None:
    """The same shape, for programs."""
    import tomllib

    written = tomllib.loads(Path(connection_file()).read_text())

    assert hub.json(*ADD, hub.write(json.dumps(written), "connection.json"))["name"] == "prices"


def test_a_second_import_of_a_tenant_is_told_how_to_leave_the_categories_to_the_first(
    hub: Hub, tmp_path: Path
) -> None:
    """What it says is what can be written."""
    add = ("connection", "add", "--tenant", "acme", "--config")
    hub.ok(*add, merchstack(hub, tmp_path / "one", imports=True), "one")
    second = merchstack(hub, tmp_path / "two", imports=True)

    line = hub.refused(*add, second, "two")

    assert line == (
        "destination.settings.owns: categories.managed belongs to the connection one already; a part has one system of "
        "record. Write owns = [] under [destination.settings] to leave it to that one"
    )
    Path(second).write_text(Path(second).read_text() + "[destination.settings]\nowns = []\n")
    hub.ok(*add, second, "two")
