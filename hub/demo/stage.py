"""The demo's processes and their folder: put up, looked at, and taken away without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from hub import codec, listening
from hub.demo import scene
from hub.embedded import remove_broker
from hub.errors import ServiceUnavailableError
from hub.fleet import up
from hub.records import JSON

#: Seconds that a simulator may take to answer, on a machine that has other things to do.
START_TIMEOUT = 60.0
#: Seconds after SIGTERM until whoever still runs is killed.
STOP_TIMEOUT = 20.0
#: Lines of the log that are shown when something went wrong.
TAIL = 15


class Stage:
    """Simulators, `hub up`, and a HUB_HOME of their own, all on free ports of this machine.

    This process's own HUB_ variables are replaced: nothing of the user's hub is touched.
    """

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="hub-demo-"))
        self.log = self.home / "demo.log"
        self.kept = False
        self.web = f"http://127.0.0.1:{listening.free()}"
        self._simulators: list[Simulator] = []
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        _replace_environment(self._environment())
        try:
            for simulator in self._simulators:
                self._start(simulator.command)
            self._start(up.command("up"))
            for simulator in self._simulators:
                simulator.wait(self.look)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        self._stop()
        for simulator in self._simulators:
            simulator.close()
        if not self.kept:
            remove_broker(self.home)
            shutil.rmtree(self.home, ignore_errors=True)

    def simulate(self, name: str, **options: Any) -> Simulator:
        """A simulator that is started with the stage."""
        self._simulators.append(Simulator(name, **options))
        return self._simulators[-1]

    def look(self) -> None:
        """Raises ``ServiceUnavailableError`` with the end of the log when a process has ended."""
        if any(child.poll() is not None for child in self._children):
            raise ServiceUnavailableError(f"a process of the demo has ended:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of all processes' log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-TAIL:])

    def _environment(self) -> Mapping[str, str]:
        return {
            "HUB_HOME": str(self.home),
            "HUB_ALLOW_PRIVATE_HOSTS": "true",
            "HUB_HTTP_TIMEOUT": str(scene.HTTP_TIMEOUT),
            "HUB_SWEEP_INTERVAL": "0.5",
            "HUB_SHUTDOWN_TIMEOUT": str(STOP_TIMEOUT / 2),
            "HUB_WEB_PORT": self.web.rpartition(":")[2],
            "HUB_WORKER_METRICS_PORT": str(listening.free()),
            "HUB_SCHEDULER_METRICS_PORT": str(listening.free()),
        }

    def _start(self, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        self._children.append(child)

    def _stop(self) -> None:
        for child in self._children:
            child.terminate()
        end = time.monotonic() + STOP_TIMEOUT
        for child in self._children:
            try:
                child.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


class PriceStage(Stage):
    """Of the demo of prices: they come from ``source`` and go to ``destination``."""

    def __init__(self, records: int) -> None:
        super().__init__()
        self.source = self.simulate(
            "merchantops", records=records, target_key=scene.TARGET, api_key=scene.API_KEY
        )
        self.destination = self.simulate("destination", identity="record", refuse_share=scene.REFUSED_SHARE)


class Simulator:
    """A simulator on a free port, and its control path."""

    def __init__(self, name: str, **options: Any) -> None:
        port = listening.free()
        self.url = f"http://127.0.0.1:{port}"
        flags = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
        self.command = up.command("simulate", name, f"--port={port}", *flags)
        self._client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def wait(self, look: Any) -> None:
        """Until it answers. Raises ``ServiceUnavailableError``."""
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            look()
            try:
                self._client.get("/_simulator/summary").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise ServiceUnavailableError(f"the simulator at {self.url} does not answer")

    def summary(self) -> JSON:
        """Counters."""
        return self._get("summary")

    def state(self) -> JSON:
        """Every record."""
        return self._get("state")

    def set_faults(self, faults: JSON) -> None:
        """What goes wrong from now on."""
        self._client.put("/_simulator/faults", json=faults).raise_for_status()

    def tell(self, command: str, **arguments: Any) -> JSON:
        """A command of its own; what it answers."""
        told = self._client.post(f"/_simulator/{command}", content=codec.dumps(arguments))
        answer: JSON = codec.loads(told.raise_for_status().content)
        return answer

    def ask(self, path: str, told: JSON | None = None, *, headers: Mapping[str, str]) -> JSON:
        """What the platform itself answers: to a GET, or to a POST of what it is ``told``."""
        body = None if told is None else codec.dumps(told)
        kind = {"content-type": "application/json"}
        answer = self._client.request(
            "GET" if told is None else "POST", path, content=body, headers={**kind, **headers}
        )
        found: JSON = codec.loads(answer.raise_for_status().content)
        return found

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    def _get(self, name: str) -> JSON:
        answer: JSON = codec.loads(self._client.get(f"/_simulator/{name}").raise_for_status().content)
        return answer


def _replace_environment(own: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        del os.environ[name]
    os.environ.update(own)
