"""Credentials at rest."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from hub.errors import ConfigurationError
from hub.secrets import DEVELOPMENT_KEY, SecretBox, secret_box
from hub.settings import Settings

#: Always the same, so that every process of the run names its tests alike.
OLD, NEW, OTHER = (base64.urlsafe_b64encode(bytes([at]) * 32).decode() for at in range(3))

FIRST_RUN = """
from hub.secrets import secret_box
from hub.settings import Settings

def run():
    print(secret_box(Settings()).encrypt({"made by": "one of them"}))
"""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | texts
    | st.decimals(-1000, 1000, places=3, allow_nan=False).filter(lambda number: number % 1 != 0)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
documents = st.dictionaries(texts, values, max_size=5)


def settings(home: Path, keys: str | None = None) -> Settings:
    return Settings(home=home, secret_keys=SecretStr(keys) if keys is not None else None)


@given(documents)
def test_what_was_encrypted_comes_back(document: dict[str, object]) -> None:
    """Every JSON document, digits of its numbers included."""
    box = SecretBox([NEW])

    assert box.decrypt(box.encrypt(document)) == document


@given(documents)
def test_rotation_moves_a_token_to_the_newest_key(document: dict[str, object]) -> None:
    """After it the old key can be dropped."""
    token = SecretBox([OLD]).encrypt(document)
    rotated = SecretBox([NEW, OLD]).rotate(token)

    assert SecretBox([NEW]).decrypt(rotated) == document


@given(st.text(max_size=200) | st.binary(max_size=120).map(lambda raw: Fernet(OTHER).encrypt(raw).decode()))
def test_whatever_is_no_token_of_ours_is_refused_by_name(token: str) -> None:
    """Garbage and tokens of a foreign key alike."""
    with pytest.raises(ConfigurationError, match=r"HUB_SECRET_KEYS: none of its 2 keys opens"):
        SecretBox([NEW, OLD]).decrypt(token)


def test_a_token_shows_nothing_of_its_content() -> None:
    """Not even in base64."""
    token = SecretBox([NEW]).encrypt({"api_key": "correct horse"})

    assert "correct horse" not in token
    assert "api_key" not in token


def test_the_same_content_gives_another_token_each_time() -> None:
    """So that nobody can tell which tenants share a password."""
    box = SecretBox([NEW])

    assert box.encrypt({"a": 1}) != box.encrypt({"a": 1})


def test_neither_keys_nor_content_show_in_a_repr() -> None:
    """Whatever a debugger or a log prints."""
    assert repr(SecretBox([NEW, OLD])) == "SecretBox(2 keys)"


@pytest.mark.parametrize(
    ("keys", "message"),
    (
        ("", "HUB_SECRET_KEYS: it holds no key"),
        (" , ,", "HUB_SECRET_KEYS: it holds no key"),
        (f"{NEW},hunter2", "HUB_SECRET_KEYS: key 2 is no Fernet key"),
        ("ключ", "HUB_SECRET_KEYS: key 1 is no Fernet key"),
    ),
)
def test_a_wrong_key_is_named_by_its_place_alone(hub_home: Path, keys: str, message: str) -> None:
    """The key itself is a secret, even a wrong one."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        secret_box(settings(hub_home, keys))

    assert "hunter2" not in str(caught.value)
    assert "makes one" in str(caught.value)


def test_keys_may_be_spread_with_blanks(hub_home: Path) -> None:
    """As people write lists."""
    token = SecretBox([OLD]).encrypt({"a": 1})

    assert secret_box(settings(hub_home, f" {NEW} , {OLD} ")).decrypt(token) == {"a": 1}
    assert not (hub_home / DEVELOPMENT_KEY).exists()


@pytest.mark.parametrize("value", (object(), "\udc80 secret"))
def test_what_json_cannot_hold_is_refused_without_showing_it(value: object) -> None:
    """An error ends up in a log."""
    with pytest.raises(ConfigurationError) as caught:
        SecretBox([NEW]).encrypt({"password": value, "other": Decimal("1.5")})

    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


def test_a_token_that_holds_no_object_is_refused() -> None:
    """Something else was stored in the place of credentials."""
    token = Fernet(NEW).encrypt(b"[1]").decode()

    with pytest.raises(ConfigurationError, match="no JSON object"):
        SecretBox([NEW]).decrypt(token)


def test_the_first_run_makes_a_development_key_and_says_so(hub_home: Path) -> None:
    """It is this user's alone, and the warning names the file and the setting."""
    with structlog.testing.capture_logs() as logs:
        token = secret_box(settings(hub_home / "new")).encrypt({"a": 1})
    path = hub_home / "new" / DEVELOPMENT_KEY

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert logs[0]["path"] == str(path)
    assert "HUB_SECRET_KEYS" in logs[0]["event"]
    assert path.read_text() not in str(logs)
    assert secret_box(settings(hub_home / "new")).decrypt(token) == {"a": 1}


def test_the_second_run_is_silent(hub_home: Path) -> None:
    """Said once, when the file came into being."""
    secret_box(settings(hub_home))
    with structlog.testing.capture_logs() as logs:
        secret_box(settings(hub_home))

    assert logs == []


def test_first_runs_at_once_agree_on_one_key(hub_home: Path, at_once: Callable[..., list[str]]) -> None:
    """None reads half a key, and no draft is left behind."""
    printed = at_once(FIRST_RUN, processes=4, environment={"HUB_HOME": str(hub_home)})
    box = secret_box(settings(hub_home))

    # Before its token, the one that made the key warns.
    assert [box.decrypt(lines.splitlines()[-1]) for lines in printed] == [{"made by": "one of them"}] * 4
    assert [path.name for path in hub_home.iterdir()] == [DEVELOPMENT_KEY]


def test_a_development_key_that_others_can_read_is_refused(hub_home: Path) -> None:
    """Somebody may have read it already."""
    secret_box(settings(hub_home))
    (hub_home / DEVELOPMENT_KEY).chmod(0o644)

    with pytest.raises(ConfigurationError, match=r"HUB_SECRET_KEYS.*development\.key can be read by others"):
        secret_box(settings(hub_home))


def test_a_home_that_holds_no_files_is_named(tmp_path: Path) -> None:
    """With what to set instead."""
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(ConfigurationError, match=r"HUB_SECRET_KEYS.*file/development\.key"):
        secret_box(settings(tmp_path / "file"))
