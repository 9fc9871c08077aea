"""Two real processes share one real Valkey: limits and circuits are the fleet's, not a process's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MEMBER = Path(__file__).with_name("policy_member.py")


class Member:
    """A process of the fleet, ready to do one thing."""

    def __init__(self, redis_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, MEMBER, redis_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def start(self, do: str, **order: Any) -> Member:
        """Give the word."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        return self

    def answer(self) -> Any:
        """What it saw."""
        out, _ = self._process.communicate(timeout=30)
        assert self._process.returncode == 0
        return json.loads(out)


def test_two_processes_together_keep_to_the_rate(redis_url: str) -> None:
    """Never more than the burst and what dripped in, and not much less either, so that the rate is used."""
    rate, burst = 200.0, 20
    members = [Member(redis_url), Member(redis_url)]
    for member in members:
        member.start("take", rate=rate, burst=burst, wanted=7, seconds=1.5)
    seen = [member.answer() for member in members]

    elapsed = max(one["end"] for one in seen) - min(one["begin"] for one in seen)
    granted = sum(one["granted"] for one in seen)
    assert granted <= burst + rate * elapsed
    assert granted >= 0.5 * rate * elapsed
    assert all(one["granted"] for one in seen)


def test_failures_in_one_process_open_the_circuit_in_the_other(redis_url: str) -> None:
    """Three here and two there are five in a row."""
    assert Member(redis_url).start("fail", times=3).answer() == {"states": ["closed"] * 3}
    assert Member(redis_url).start("allow", wanted=8).answer() == {"allowed": 8, "state": "closed", "wait": 0}
    assert Member(redis_url).start("fail", times=2).answer() == {"states": ["closed", "open"]}

    seen = Member(redis_url).start("allow", wanted=8).answer()

    assert seen["allowed"] == 0
    assert seen["state"] == "open"
    assert 25 < seen["wait"] <= 30
