"""`hub web` as a process of its own, to be stopped and killed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.forked import Forked
from tests.web.driver import FERNET_KEY


class WebProcess:
    """One web process; ``log`` are its log lines so far, as they were written."""

    def __init__(self, process: Forked) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.url = ""

    def wait_until_it_listens(self) -> None:
        """Read the log until it says where. Raises ``AssertionError`` when it ends before."""
        for line in self._lines():
            if line.get("event") == "the web process listens":
                self.url = f"http://127.0.0.1:{line['port']}"
                return
        raise AssertionError(f"it ended with {self.process.wait()}: {self.log}")

    def kill(self) -> None:
        """SIGKILL, at once."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        self._drain()
        return self.process.wait(30)

    def _drain(self) -> None:
        for _ in self._lines():
            pass

    def _lines(self) -> Iterator[dict[str, Any]]:
        output = self.process.output
        for text in output:
            self.log.append(json.loads(text) if text.startswith("{") else {"event": text})
            yield self.log[-1]


@contextlib.contextmanager
def web_process(database_url: str, redis_url: str, home: Path, **settings: Any) -> Iterator[WebProcess]:
    """Start one on a free port; killed at the end, if it still runs."""
    told = {
        "HUB_HOME": str(home),
        "HUB_DATABASE_URL": database_url,
        "HUB_REDIS_URL": redis_url,
        "HUB_SECRET_KEYS": FERNET_KEY,
        "HUB_WEB_PORT": "0",
        "HUB_LOG_FORMAT": "json",
        "HUB_ALLOW_PRIVATE_HOSTS": "true",
        **{f"HUB_{name.upper()}": str(value) for name, value in settings.items()},
    }
    with Forked(["web"], {**os.environ, **told}) as process:
        web = WebProcess(process)
        try:
            web.wait_until_it_listens()
            yield web
        finally:
            web.kill()
