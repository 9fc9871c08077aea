"""The folder in which all processes of one `hub worker` keep their metrics, removed with the last of them.

A worker that is killed cannot remove its own; the next one on this machine does. A lock that all its processes hold
says whose folder is still in use.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub import keeper

PREFIX = "hub-metrics-"
LOCK = "in-use.lock"


@contextmanager
def metrics_folder() -> Iterator[Path]:
    """A new one, for the time of the block; abandoned ones are removed."""
    _remove_abandoned()
    draft = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    with keeper.open_lock(draft, LOCK) as lock:
        keeper.lock(lock)
        # It gets its name once it is locked, so that nobody takes it for abandoned.
        folder = draft.rename(draft.with_name(draft.name.removeprefix(".")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), lock.open("ab") as file:  # another user's, or just removed
            if keeper.lock(file, wait=False):
                shutil.rmtree(lock.parent, ignore_errors=True)
