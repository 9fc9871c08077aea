"""Keeps the embedded Valkey running for as long as anyone uses it, then stops it.

``hub.embedded`` runs this file as a process of its own, so it takes nothing but the standard library. Three locks in
the server's folder, which the kernel lets go of however their holders end, say all that has to be known:

- ``users.lock`` is shared by every process that uses the server; once the keeper gets it alone, nobody is left,
- ``keeper.lock`` is held by the keeper,
- ``server.lock`` is held by the keeper and inherited by the server, so it also tells of a server without a keeper.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

READY, TAKEN = "ready", "taken"
USERS, KEEPER, SERVER, LOG = "users.lock", "keeper.lock", "server.lock", "valkey.log"

#: Seconds that a server may take to read its data and to answer, or to write it and to end.
PATIENCE = 30.0
#: Seconds between two looks while waiting.
PAUSE = 0.01
#: A server that dies younger than this, in seconds, is not started again.
YOUNG = 1.0
#: A log larger than this, in bytes, is begun anew.
MAX_LOG = 1024 * 1024

#: Everything in memory and on disk (an append-only file, synced each second), nothing on the network.
OPTIONS = (
    *("--port", "0", "--unixsocketperm", "700", "--logfile", LOG),
    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
)


def lock(file: IO[bytes], *, shared: bool = False, wait: bool = True) -> bool:
    """Take a file's lock; False where another one has it and ``wait`` is off. It goes when the file is closed."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(folder: Path, name: str) -> IO[bytes]:
    """Open a lock file, for this user alone."""
    return open(folder / name, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))


def ask(path: Path, command: bytes) -> bytes:
    """Send one command to the server behind a unix socket; its first bytes, or none where nobody answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
            client.sendall(command + b"\r\n")
            return client.recv(64)
        except OSError:
            return b""


def answers(path: Path) -> bool:
    """Whether a server is there and has read its data."""
    return ask(path, b"PING").startswith(b"+PONG")


def say(what: str) -> None:
    """Tell the starter, who may have ended meanwhile: that must not end the keeper, who would leave a server behind."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{what}\n".encode())


class Keeper:
    """One server over its life, with its restarts."""

    def __init__(self, folder: Path, path: Path, binary: Path) -> None:
        self._folder = folder
        self._path = path
        self._command = [str(binary), *OPTIONS, "--unixsocket", str(path)]
        self._done = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Serve until nobody is left. Raises ``RuntimeError`` where there is nothing to keep."""
        with open_lock(self._folder, KEEPER) as keeper, open_lock(self._folder, SERVER) as server:
            if not lock(keeper, wait=False):
                raise RuntimeError(TAKEN)
            self._take_over(server)
            self._start(server)
            self._wait_until_ready()
            self._announce()
            self._keep(server)

    def stop(self, *_: object) -> None:
        """Ask the server to end; the keeper ends after it. Also a signal's handler."""
        self._done.set()
        if self._process is not None:
            self._process.terminate()

    def _take_over(self, server: IO[bytes]) -> None:
        """A server whose keeper was killed is asked to end: only the one who started it can watch it."""
        end = time.monotonic() + PATIENCE
        while not lock(server, wait=False):
            if time.monotonic() > end:
                raise RuntimeError("the server of a keeper that was killed does not end")
            ask(self._path, b"SHUTDOWN")
            time.sleep(PAUSE)

    def _start(self, server: IO[bytes]) -> None:
        if (log := self._folder / LOG).exists() and log.stat().st_size > MAX_LOG:
            log.unlink()
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            pass_fds=(server.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if self._done.is_set():  # by now nobody may be left
            self._process.terminate()

    def _wait_until_ready(self) -> None:
        assert self._process  # noqa: S101 - for the type checker
        end = time.monotonic() + PATIENCE
        while not answers(self._path):
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise RuntimeError(f"it ended at once, or does not answer; see {self._folder / LOG}")
            time.sleep(PAUSE)

    def _announce(self) -> None:
        """Tell the starter, and let go of its terminal."""
        say(READY)
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
            for stream in (0, 1, 2):
                os.dup2(nothing.fileno(), stream)

    def _keep(self, server: IO[bytes]) -> None:
        threading.Thread(target=self._stop_when_unused, daemon=True).start()
        while True:
            assert self._process  # noqa: S101 - for the type checker
            started = time.monotonic()
            asked_to_end = self._process.wait() == 0
            if asked_to_end or self._done.is_set() or time.monotonic() - started < YOUNG:
                return
            self._start(server)

    def _stop_when_unused(self) -> None:
        #: Kept to the end, so that a process which comes now waits for it and then starts a keeper of its own.
        self._users = open_lock(self._folder, USERS)
        lock(self._users)
        self.stop()
        time.sleep(PATIENCE)
        if self._process is not None:
            self._process.kill()


def main(folder: str, path: str, binary: str) -> int:
    """Leave a keeper behind; what it prints is ``READY`` or what went wrong."""
    if os.fork():
        return 0
    keeper = Keeper(Path(folder), Path(path), Path(binary))
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, keeper.stop)
    try:
        keeper.run()
    except (OSError, RuntimeError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
