"""Credentials at rest: encrypted with the newest key, read with any, re-encrypted by rotation."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hub import codec
from hub.errors import ConfigurationError
from hub.records import JSON
from hub.settings import Settings

FIELD = "HUB_SECRET_KEYS"
DEVELOPMENT_KEY = "development.key"

HOW_TO_MAKE_ONE = "`hub secrets new-key` makes one"

_log = structlog.get_logger(__name__)


class SecretBox:
    """Encrypts and decrypts JSON documents. Neither keys nor content ever show in its repr or its errors."""

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys`` are Fernet keys, newest first. Raises ``ConfigurationError`` naming the one that is none."""
        if not keys:
            raise ConfigurationError(f"it holds no key; {HOW_TO_MAKE_ONE}", field=FIELD)
        self._size = len(keys)
        self._fernet = MultiFernet([_fernet(key, at) for at, key in enumerate(keys, start=1)])

    def encrypt(self, document: JSON) -> str:
        """A token to store. Raises ``ConfigurationError`` for what JSON cannot hold."""
        try:
            content = codec.dumps(document)
        except (TypeError, ValueError, OverflowError):
            # The cause would show a part of the content.
            raise ConfigurationError(
                "the credentials hold something that JSON cannot", field="credentials"
            ) from None
        return self._fernet.encrypt(content).decode("ascii")

    def decrypt(self, token: str) -> JSON:
        """What was encrypted. Raises ``ConfigurationError`` where no key opens the token."""
        content: Any = codec.loads(self._opened(self._fernet.decrypt, token))
        if not isinstance(content, dict):
            raise ConfigurationError("the stored credentials are no JSON object", field="credentials")
        return content

    def rotate(self, token: str) -> str:
        """The same content under the newest key. Raises ``ConfigurationError`` where no key opens the token."""
        return self._opened(self._fernet.rotate, token).decode("ascii")

    def _opened(self, call: Any, token: str) -> bytes:
        try:
            opened: bytes = call(token.encode("ascii", "replace"))
        except InvalidToken:
            raise ConfigurationError(
                f"none of its {self._size} keys opens the stored credentials: add the key that they were encrypted "
                "with, after the newest one",
                field=FIELD,
            ) from None
        return opened

    def __repr__(self) -> str:
        return f"SecretBox({self._size} keys)"


def new_key() -> str:
    """A key for HUB_SECRET_KEYS."""
    return Fernet.generate_key().decode("ascii")


def secret_box(settings: Settings) -> SecretBox:
    """With the keys of HUB_SECRET_KEYS, or else with a development key that is made under HUB_HOME on first use.

    Raises ``ConfigurationError``.
    """
    if settings.secret_keys is not None:
        return SecretBox(_split(settings.secret_keys.get_secret_value()))
    path = settings.home.resolve() / DEVELOPMENT_KEY
    try:
        if not path.exists() and _make_key(path):
            _log.warning(
                "made a development key: whoever reads it can read all credentials; set HUB_SECRET_KEYS in production",
                path=str(path),
            )
        return SecretBox(_split(_read_private(path)))
    except OSError as error:
        raise ConfigurationError(
            f"is not set, and the development key {path} cannot be used ({error.strerror}): set it; {HOW_TO_MAKE_ONE}",
            field=FIELD,
        ) from error


def _fernet(key: str, at: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise ConfigurationError(
            f"key {at} is no Fernet key (32 bytes in URL-safe base64); {HOW_TO_MAKE_ONE}", field=FIELD
        ) from None


def _split(keys: str) -> Sequence[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _make_key(path: Path) -> bool:
    """Write a new key, whole or not at all; False where another process was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}-"
    )  # readable by this user alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new_key().encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
            return True
        return False
    finally:
        Path(draft).unlink()


def _read_private(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(
            f"is not set, and the development key {path} can be read by others: chmod 600 it if nobody has, or set "
            f"{FIELD}",
            field=FIELD,
        )
    return path.read_text("ascii", errors="replace")
