"""What a process without a web server of its own answers: its metrics, whether it lives, whether it can work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from hub.errors import ConfigurationError

_PLAIN = "text/plain; charset=utf-8"


def _always() -> bool:
    return True


class Exposition(ThreadingHTTPServer):
    """``/metrics``, ``/healthz`` (``alive``) and ``/readyz`` (``ready``), the last two 200 or 503.

    ``registry`` is asked for each scrape. Raises ``ConfigurationError`` naming ``field`` where the port is taken.
    """

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        *,
        field: str,
        registry: Callable[[], CollectorRegistry],
        alive: Callable[[], bool] = _always,
        ready: Callable[[], bool] = _always,
    ) -> None:
        self.registry, self.alive, self.ready = registry, alive, ready
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); set another port", field=field
            ) from error

    def start(self) -> None:
        """Serve from a thread of its own until ``stop``."""
        threading.Thread(target=self.serve_forever, name="exposition", daemon=True).start()

    def stop(self) -> None:
        """End the thread and let go of the port."""
        self.shutdown()
        self.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path."""
        match path.partition("?")[0]:
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(self.registry())
            case "/healthz":
                return _verdict(self.alive())
            case "/readyz":
                return _verdict(self.ready())
        return 404, _PLAIN, b"there are /metrics, /healthz and /readyz\n"


class _Handler(BaseHTTPRequestHandler):
    server: Exposition

    def do_GET(self) -> None:
        status, kind, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """A scrape is no news."""


def _verdict(good: bool) -> tuple[int, str, bytes]:
    return (200, _PLAIN, b"ok\n") if good else (503, _PLAIN, b"not now\n")
