"""What the commands of the benchmarks have in common: sizes that may be given, and a folder that is gone afterwards."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path


def options(doc: str | None, **defaults: float | Sequence[int]) -> argparse.Namespace:
    """What was given on the command line; ``defaults`` name each option, its type and its value otherwise."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        if isinstance(default, Sequence):
            parser.add_argument(f"--{name}", type=int, nargs="*", default=default)
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is removed on the way out."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        yield folder
