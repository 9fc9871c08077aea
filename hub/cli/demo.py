"""`hub demo`: what it shows of the demos in hub.demo."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hub import log
from hub.cli import exit_codes, output
from hub.cli.environment import read_settings
from hub.cli.output import Json
from hub.demo.evidence import Check
from hub.demo.marketplace.play import MarketplaceStage, MarketplaceStory
from hub.demo.play import Progress, Result, play
from hub.demo.seller.play import SellerStage, SellerStory
from hub.demo.stage import PriceStage, Stage
from hub.demo.story import Story
from hub.demo.story import play as tell
from hub.errors import ConfigurationError

#: What can be seen, the one without a name first.
DEMOS = (PRICES, SELLER, MARKETPLACE) = ("prices", "vtex-seller", "vtex-marketplace")
#: Of the demo of prices, where nothing else is said.
RECORDS = 1000

#: Seconds between two lines where nobody watches.
LINE_EVERY = 2.0

StageT = TypeVar("StageT", bound=Stage)

FAULTS = {
    "throttle": "turned away (429)",
    "error": "server errors",
    "lose": "answers lost",
    "stall": "stalls",
}


def demo(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(DEMOS)}.")] = PRICES,
    records: Annotated[
        int | None,
        typer.Option(min=1, help="Of prices: how many, the one of MerchantOps' guide first (1000)."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which it gives up.")] = 180.0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its folder, and say where it is.")] = False,
    as_json: Json = False,
) -> None:
    """Show the hub at work against simulators.

    prices: a thousand prices go from MerchantOps to a destination that refuses, stalls and fails, and their outcomes back.

    vtex-seller: goods of Merchstack's files are offered to a VTEX marketplace, and prices of MerchantOps reach it.

    vtex-marketplace: the goods of a VTEX account are put up for sale at a marketplace, and kept as VTEX has them.

    Everything runs for real on free ports of this machine, in a folder of its own that is removed at the end: both
    servers, scheduler, worker, web. Ends with 0 only if all of it was seen at every side.
    """
    if name not in DEMOS:
        raise ConfigurationError(f"{name!r} is no demo; it is one of {', '.join(DEMOS)}", field="name")
    if name != PRICES and records is not None:
        raise ConfigurationError(f"is for the demo {PRICES}; leave it out", field="--records")
    signal.signal(signal.SIGTERM, _interrupt)
    if name == PRICES:
        ended = _prices(records or RECORDS, timeout, keep=keep, quiet=as_json)
    elif name == SELLER:
        ended = _told(SellerStage(), SellerStory, timeout, keep=keep, quiet=as_json)
    else:
        ended = _told(MarketplaceStage(), MarketplaceStory, timeout, keep=keep, quiet=as_json)
    output.show(ended.document, as_json, ended.people)
    if not ended.ok:
        raise typer.Exit(exit_codes.TROUBLE)


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """How a demo ended: as JSON, and as people are told."""

    ok: bool
    document: dict[str, Any]
    people: Callable[[], None]


def _prices(records: int, timeout: float, *, keep: bool, quiet: bool) -> _Ended:
    with _up(PriceStage(records), keep=keep, quiet=quiet) as stage, _display(quiet=quiet) as show:
        result = play(stage, records=records, timeout=timeout, show=show)
        _warn(stage, result.ok)
    return _Ended(ok=result.ok, document=_document(result), people=lambda: _print(result))


def _told(stage: StageT, story: type[Story[StageT]], timeout: float, *, keep: bool, quiet: bool) -> _Ended:
    def say(seconds: float, text: str) -> None:
        _say(f"{seconds:5.1f} s  {text}", quiet=quiet)

    with _up(stage, keep=keep, quiet=quiet) as up:
        result = tell(story, up, timeout=timeout, say=say)
        _warn(up, result.ok)

    def people() -> None:
        output.say("")
        _print_checks(result.checks, in_time=result.in_time)

    return _Ended(ok=result.ok, document={"ok": result.ok, **asdict(result)}, people=people)


@contextmanager
def _up(stage: StageT, *, keep: bool, quiet: bool) -> Iterator[StageT]:
    """The stage, up and running."""
    _say("starting the simulators and the hub …", quiet=quiet)
    with stage:
        stage.kept = keep
        log.set_up(read_settings().model_copy(update={"log_level": "ERROR"}), process="demo")
        _say(f"web: {stage.web}/readyz", quiet=quiet)
        yield stage
    if keep:
        output.warn(f"kept: {stage.home}")


def _warn(stage: Stage, ok: bool) -> None:
    if not ok:
        output.warn("")
        sys.stderr.write(f"{stage.tail()}\n")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        output.say(text)


def _document(result: Result) -> dict[str, Any]:
    return {
        "ok": result.ok,
        "seconds": result.seconds,
        "in_time": result.in_time,
        **result.numbers,
        "faults": result.faults,
        "checks": [asdict(check) for check in result.checks],
    }


def _display(*, quiet: bool) -> AbstractContextManager[Callable[[Progress], None]]:
    if quiet:
        return nullcontext(lambda _: None)
    return _Bars() if sys.stdout.isatty() else nullcontext(_Lines())


class _Lines:
    """One line every now and then."""

    def __init__(self) -> None:
        self._said = -LINE_EVERY

    def __call__(self, progress: Progress) -> None:
        done = progress.reported >= progress.expected
        if not done and progress.seconds - self._said < LINE_EVERY:
            return
        self._said = progress.seconds
        output.say(
            f"{progress.seconds:5.1f} s  taken in {progress.admitted}, settled {progress.settled}, reported "
            f"{progress.reported} of {progress.expected}; refused {progress.failed}; {_trouble(progress.faults)}"
        )


class _Bars:
    """The same, drawn anew a few times a second."""

    def __init__(self) -> None:
        self._live = Live(console=Console(), refresh_per_second=8)

    def __enter__(self) -> Callable[[Progress], None]:
        self._live.start()
        return self._update

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _update(self, progress: Progress) -> None:
        bars = Table.grid(padding=(0, 2))
        for name, value in (
            ("taken in", progress.admitted),
            ("settled", progress.settled),
            ("reported", progress.reported),
        ):
            bar = ProgressBar(total=progress.expected, completed=value, width=40)
            bars.add_row(Text(name), bar, Text(f"{value} of {progress.expected}"))
        trouble = Text(f"{progress.seconds:.1f} s, refused {progress.failed}, {_trouble(progress.faults)}")
        self._live.update(Group(bars, trouble))


def _trouble(faults: dict[str, Any]) -> str:
    counts = {kind: sum(side.get(kind, 0) for side in faults.values()) for kind in FAULTS}
    return ", ".join(f"{name} {counts[kind]}" for kind, name in FAULTS.items())


def _print(result: Result) -> None:
    numbers = result.numbers
    destination = numbers["destination"]
    rows = {
        **{f"records: {state}": count for state, count in numbers["records"].items()},
        "reported": f"{numbers['reported']} of {numbers['admitted']}",
        "attempts": f"{numbers['attempts']['total']}, at most {numbers['attempts']['most']} for one record",
        "destination has": f"{destination['records']} records, and refused {destination['refused']}",
        "came again, same key": destination["repeated_with_the_same_key"],
        "came twice, two keys": destination["doubled"],
        "batches": ", ".join(f"{count} {status}" for status, count in sorted(numbers["batches"].items())),
        "trouble": _trouble(result.faults),
        "seconds": result.seconds,
    }
    output.say("")
    output.facts("the demo", rows)
    output.say("")
    _print_checks(result.checks, in_time=result.in_time)


def _print_checks(checks: Sequence[Check], *, in_time: bool) -> None:
    for check in checks:
        output.say(
            f"{'ok  ' if check.ok else 'FAIL'}  {check.name}{': ' + check.detail if check.detail else ''}"
        )
    if not in_time:
        output.say("FAIL  it did not end in time")
