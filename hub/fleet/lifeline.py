"""For a process that must not outlive the one that started it, however that one ends.

It looks whether its parent is still the one that it was told: a signal would not tell of a SIGKILL, and what the kernel
offers instead differs from platform to platform.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

#: Seconds between two looks.
PAUSE = 0.5


def end_with(parent: int, *, patience: float) -> None:
    """End this process when ``parent``, a process id, is not its parent any more.

    It gets SIGTERM first and has ``patience`` seconds to heed it. A leader takes its process group along.
    """
    threading.Thread(target=_watch, args=(parent, patience), name="lifeline", daemon=True).start()


def end_with_main_process(*, patience: float) -> None:
    """The same for a process that ``multiprocessing`` started."""
    main = multiprocessing.parent_process()
    if main is None or main.pid is None:
        return
    # A fork server stands in between, and ends with the main process.
    forked = multiprocessing.get_start_method() == "fork"
    end_with(main.pid if forked else os.getppid(), patience=patience)


def _watch(parent: int, patience: float) -> None:
    while os.getppid() == parent:
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
