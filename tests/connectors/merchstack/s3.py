"""Services that speak S3 over real HTTP: one that works, and one that always gives the same answer."""

from __future__ import annotations

import logging
import threading
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.server import ThreadedMotoServer

from connectors.merchstack.location import Location, S3Credentials


class Service:
    """A server of moto's on a port of its own, with buckets in memory."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"

    def stop(self) -> None:
        """Let go of the port, too, which moto forgets."""
        self._server.stop()
        if self._server._server is not None:
            self._server._server.server_close()

    def make_bucket(self) -> str:
        """A new one; gives its URL."""
        name = f"exchange-{uuid.uuid4().hex}"
        self._ask("PUT", f"/{name}")
        return f"s3://{name}"

    def put(self, url: str, key: str, content: bytes = b"") -> None:
        """An object under any key, also one that the hub would never write; ``key`` is as in a URL."""
        self._ask("PUT", f"/{url.removeprefix('s3://')}/{key}", content)

    def credentials(self, **more: Any) -> S3Credentials:
        """What opens any bucket of this service."""
        told = {"endpoint": self.endpoint, "access_key_id": "key", "secret_access_key": "secret"}
        return S3Credentials.model_validate({**told, "allow_http": True, **more})

    def location(self, url: str, **more: Any) -> Location:
        """A bucket, or a prefix of one."""
        return Location.open(url, self.credentials(**more))

    @contextmanager
    def strict(self) -> Iterator[None]:
        """Keys are looked at: there are none."""
        self._ask("POST", "/moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self._ask("POST", "/moto-api/reset-auth", b"inf")

    def _ask(self, method: str, path: str, content: bytes | None = None) -> None:
        request = urllib.request.Request(self.endpoint + path, data=content, method=method)
        request.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(request, timeout=10):
            pass


class Stubborn(ThreadingHTTPServer):
    """Answers everything alike, and remembers the headers of what it was asked."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = status, body, headers
        self.asked: list[dict[str, str]] = []

    @property
    def endpoint(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[Stubborn]:
    """A service that answers so."""
    server = Stubborn(status, body, headers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Stubborn

    def do_GET(self) -> None:
        status, body, headers = self.server.answer
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""
