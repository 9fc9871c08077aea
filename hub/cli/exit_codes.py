"""How a command ends."""

from __future__ import annotations

#: It did what was asked.
OK = 0
#: It ran, and something is wrong: records that are dead or unreported, a check that failed.
TROUBLE = 1
#: The command line, a file or a setting is wrong; nothing was done.
USAGE = 2
#: The store or the broker cannot be reached.
UNAVAILABLE = 3
#: A fault of the hub; HUB_LOG_LEVEL=DEBUG shows where.
FAULT = 4
#: Stopped by SIGINT or SIGTERM; its work was handed back.
STOPPED = 130

HELP = (
    "**Exit codes:** 0 done · 1 it ran, but something is wrong (dead or unreported records, a check that failed) · "
    "2 the command line, a file or a setting is wrong · 3 the store or the broker cannot be reached · "
    "4 a fault of the hub (HUB_LOG_LEVEL=DEBUG shows where) · 130 stopped by a signal"
)
