"""A simulator in a process of its own, as a test talks to it over its control path."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from hub import codec
from hub.records import JSON
from hub.testing.simulator import CONTROL_PATH

#: Seconds that a simulator may take to start, to answer or to end.
PATIENCE = 20.0

#: Simulators are found by their entry point, as everywhere.
_RUN = "import sys; from hub.registry import load; load().simulators[sys.argv[1]].main(sys.argv[2:])"
#: The destination that remembers has none: it belongs to the kit.
_DESTINATION = "destination"


class SimulatorProcess:
    """A running simulator. Made by ``simulator``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)

    def summary(self) -> JSON:
        """Its counters."""
        return self._tell("GET", "summary")

    def state(self) -> JSON:
        """All it knows."""
        return self._tell("GET", "state")

    def reset(self) -> None:
        """Back to its start."""
        self._tell("POST", "reset")

    def set_faults(self, *faults: Mapping[str, Any]) -> None:
        """Replace its faults; none without arguments. What they stalled goes on."""
        self._tell("PUT", "faults", list(faults))

    def watch(self, match: str) -> None:
        """Count requests whose "METHOD /path" contains ``match``, from now on."""
        self._tell("PUT", "watch", {"match": match})

    def seen(self) -> JSON:
        """What ``watch`` has counted."""
        return self._tell("GET", "watch")

    def command(self, name: str, **arguments: Any) -> JSON:
        """What this simulator can be told besides."""
        return self._tell("POST", name, arguments)

    def close(self) -> None:
        """Let the connection go; the process is not ended."""
        self._client.close()

    def _tell(self, method: str, name: str, arguments: Any = None) -> JSON:
        content = None if arguments is None else codec.dumps(arguments)
        answer = self._client.request(method, CONTROL_PATH + name, content=content)
        if answer.is_error:
            raise AssertionError(f"the simulator refuses {method} {name}: {answer.text}")
        told: JSON = codec.loads(answer.content)
        return told


@contextmanager
def simulator(name: str, options: Mapping[str, Any], *, folder: Path) -> Iterator[SimulatorProcess]:
    """Run the simulator ``name`` on a free port; what it says goes into ``folder``."""
    run = ["-m", "hub.testing.destination"] if name == _DESTINATION else ["-c", _RUN, name]
    flags = [text for option, value in options.items() for text in _flags(option, value)]
    said = folder / f"{name}.log"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *run, *flags], stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        try:
            running = SimulatorProcess(_address(process, said))
            yield running
            running.close()
        finally:
            process.kill()
            process.wait(PATIENCE)
            assert process.stdout
            process.stdout.close()


def _flags(option: str, value: Any) -> Iterator[str]:
    """A list is given by repeating its flag."""
    for one in value if isinstance(value, list | tuple) else [value]:
        yield f"--{option.replace('_', '-')}"
        yield str(one)


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """The last word of its first line, which it prints once it answers."""
    assert process.stdout
    line = process.stdout.readline().decode().split()
    if not line:
        raise AssertionError(f"the simulator did not start: {said.read_text()}")
    return line[-1]
