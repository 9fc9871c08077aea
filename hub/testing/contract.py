"""The contract suite: what every connector has to satisfy, in one line.

    class TestContract(ContractSuite):
        world = MyWorld()

``MyWorld`` is the same ``hub.testing.world.World`` that the fault suite takes; the simulator and the destination run
in processes of their own. Needs pytest. Every verb goes through the hub's own pipeline (its HTTP client, its limits,
its redaction), so what holds here holds in a fleet:

- it declares its name, streams, settings and credentials, each with a word about it, and a typing error in any is
  refused; credentials are secrets, and neither a ``repr`` nor an error shows one,
- it sees the protocol of ``hub.connector`` and not the machinery behind it,
- ``check`` finds a good connection good without writing anything, and says what to mend of a bad one,
- the pages of ``poll`` can be admitted as they are, and a poll takes nothing away,
- ``transform`` and ``merge`` are pure, and what they give can be written,
- ``push`` and ``report`` answer one result for each record, in order, and may be repeated,
- whatever the platform answers, a verb raises a ``HubError`` or nothing.
"""

from __future__ import annotations

import ast
import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import pytest
from pydantic import BaseModel, ValidationError

from hub import codec, connection_file, connection_save, registry
from hub.boot import open_runtime
from hub.connection_file import secrets_of
from hub.connector import CheckResult, Connector, Stream
from hub.errors import HubError, RejectedError, SkippedError
from hub.loop.admission import sort_out
from hub.pipeline import Pipeline
from hub.records import (
    JSON,
    Acknowledged,
    GroupTally,
    Item,
    Outcome,
    Page,
    PollRequest,
    PushResult,
    Record,
    ReportResult,
    Skipped,
    Status,
    Success,
)
from hub.runtime import Runtime
from hub.settings import Settings
from hub.store import connections
from hub.testing.simulator_process import SimulatorProcess, simulator
from hub.testing.world import World

T = TypeVar("T")

#: What plugins never import.
MACHINERY = (
    "hub.boot",
    "hub.cli",
    "hub.embedded",
    "hub.fleet",
    "hub.loop",
    "hub.pipeline",
    "hub.policy",
    "hub.runtime",
    "hub.secrets",
    "hub.settings",
    "hub.store",
    "hub.web",
)
#: Nobody listens there.
NOWHERE = "http://127.0.0.1:1"
#: What a platform may do instead of answering.
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "fails": {"error": 1, "error_status": 503},
    "refuses": {"error": 1, "error_status": 400},
    "throttles": {"throttle": 1, "retry_after": 30},
    "talks nonsense": {"garbage": 1},
    "hangs up": {"drop": 1},
    "hangs up after the work": {"lose": 1},
    "knows no such page": {"error": 1, "error_status": 404},
    "wants another key": {"error": 1, "error_status": 401},
    "wants another permission": {"error": 1, "error_status": 403},
}

_TENANT, _NAME = "acme", "contract"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A platform, a destination and a hub with one saved connection between them."""

    world: World
    source: SimulatorProcess
    destination: SimulatorProcess
    settings: Settings

    @property
    def written(self) -> JSON:
        """The connection file."""
        return self.world.connection(self.source.url, self.destination.url)

    def open_connection(self, runtime: Runtime) -> Pipeline:
        """The saved connection, put together."""
        return runtime.assemble(connections.get_connection(runtime.db, _NAME))

    def ask(
        self,
        call: Callable[[Pipeline], Awaitable[T]],
        opened: Callable[[Runtime], Pipeline] | None = None,
    ) -> T:
        """Ask something of the connection, on an event loop and with connections of its own."""

        async def asked() -> T:
            runtime = open_runtime(self.settings, redis_url=None)
            pipeline = (opened or self.open_connection)(runtime)
            try:
                return await call(pipeline)
            finally:
                await pipeline.close()
                await runtime.close()

        return asyncio.run(asked())

    def ask_unsaved(self, written: JSON, call: Callable[[Pipeline], Awaitable[T]]) -> T:
        """The same of a connection that is only written down."""
        file = connection_file.parse(written)
        return self.ask(call, lambda runtime: runtime.assemble_file(_NAME, _TENANT, file))

    def save(self) -> None:
        """Store the connection, unchecked."""

        async def save() -> None:
            runtime = open_runtime(self.settings, redis_url=None)
            connections.add_tenant(runtime.db, _TENANT)
            file = connection_file.parse(self.written)
            await connection_save.save(runtime, tenant=_TENANT, name=_NAME, file=file, check=False)
            await runtime.close()

        asyncio.run(save())


class ContractSuite:
    """Inherit and name a ``world``."""

    world: ClassVar[World]

    @pytest.fixture(scope="class")
    @classmethod
    def shared_bench(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
        """The servers of this class in this process of pytest."""
        folder: Path = tmp_path_factory.mktemp("contract")
        world = cls.world
        with ExitStack() as stack:
            source = simulator(world.simulator, world.simulator_options, folder=folder)
            destination = simulator("destination", world.destination_options, folder=folder)
            bench = Bench(
                world=world,
                source=stack.enter_context(source),
                destination=stack.enter_context(destination),
                settings=Settings(home=folder, allow_private_hosts=True),
            )
            bench.save()
            yield bench

    @pytest.fixture
    def bench(self, shared_bench: Bench) -> Bench:
        """Everything as at the start."""
        shared_bench.source.reset()
        shared_bench.destination.reset()
        return shared_bench

    @pytest.fixture
    def connector(self, bench: Bench) -> type[Connector[Any, Any]]:
        """The class, as it is found."""
        return registry.load().connector(bench.written["connector"])

    # What it declares

    def test_it_is_found_and_nothing_of_it_is_broken(self, bench: Bench) -> None:
        """Connector and simulator, through their entry points."""
        found, name = registry.load(), bench.written["connector"]

        assert name in found.connectors
        assert self.world.simulator in found.simulators
        broken = [entry for entry in found.broken if entry.endswith((f":{name}", f":{self.world.simulator}"))]
        assert not broken, broken

    def test_it_says_what_it_is(self, connector: type[Connector[Any, Any]]) -> None:
        """A name for files, a line for people, and streams with names of their own."""
        assert connector.name == connector.name.lower()
        assert connector.name.isidentifier(), "the name stands in files and metrics: letters, digits and _"
        assert connector.title.strip()
        assert "\n" not in connector.title
        names = [stream.name for stream in connector.streams]
        assert all(isinstance(stream, Stream) for stream in connector.streams)
        assert names, "it has no streams"
        assert len(set(names)) == len(names)
        assert all(name and name == name.strip() for name in names)

    @pytest.mark.parametrize("part", ("Settings", "Credentials"))
    def test_every_setting_is_described_and_a_typing_error_is_refused(
        self, connector: type[Connector[Any, Any]], part: str
    ) -> None:
        """`hub connectors show` prints the descriptions."""
        model: type[BaseModel] = getattr(connector, part)

        for name, field in model.model_fields.items():
            assert field.description, f"{part}.{name} has no description"
        with pytest.raises(ValidationError) as refused:
            model.model_validate({"no_such_setting": 1})
        types = {fault["type"]: fault["loc"] for fault in refused.value.errors()}
        assert types.get("extra_forbidden") == ("no_such_setting",), (
            f"{part} takes any setting: forbid extra ones"
        )

    def test_credentials_are_secrets(self, connector: type[Connector[Any, Any]]) -> None:
        """A field that holds a text is a ``SecretStr``, so that nobody prints it by chance."""
        for model in _models(connector.Credentials):
            for name, field in model.model_fields.items():
                assert str not in _types(field.annotation), f"{name} is plain text: make it a SecretStr"

    def test_it_sees_the_protocol_and_not_the_machinery(self, connector: type[Connector[Any, Any]]) -> None:
        """Whatever it needs it is handed; only its simulator and its tests may know more."""
        for module, imported in _imports(connector.__module__.rpartition(".")[0] or connector.__module__):
            seen = [name for name in imported if name.startswith(MACHINERY)]
            assert not seen, f"{module} imports {', '.join(seen)}"

    def test_no_secret_is_shown(self, bench: Bench) -> None:
        """Neither by what holds it nor by what stands in keys and logs."""

        async def show(pipeline: Pipeline) -> list[str]:
            connector = pipeline.connector
            held = (connector, connector.settings, connector.credentials, pipeline, connector.ports)
            names = (connector.circuit_key(), connector.poll_target() if connector.polls else "")
            return [*map(repr, held), *map(str, held), *names]

        secrets = _secrets(bench)
        assert all(secret not in text for text in bench.ask(show) for secret in secrets)

    def test_its_keys_are_the_same_each_time(self, bench: Bench) -> None:
        """The circuit and the target that may be polled once."""

        async def keys(pipeline: Pipeline) -> list[str]:
            return [pipeline.connector.circuit_key(), pipeline.connector.poll_target()]

        assert bench.ask(keys) == bench.ask(keys)
        assert all(bench.ask(keys))

    # check

    def test_a_good_connection_is_found_good_and_nothing_is_written(self, bench: Bench) -> None:
        """What it found can be shown as JSON."""
        before = self.world.reported(bench.source.state())

        async def check(pipeline: Pipeline) -> CheckResult:
            return await pipeline.connector.check()

        found = bench.ask(check)

        assert isinstance(found, CheckResult)
        codec.dumps([dict(found.facts), list(found.warnings)])
        assert self.world.reported(bench.source.state()) == before
        assert bench.destination.summary()["calls"] == 0

    def test_a_bad_connection_is_refused_with_a_remedy(self, bench: Bench) -> None:
        """One that leads nowhere, and one whose credentials are wrong; neither text shows them."""
        wrong = {
            "nowhere": self.world.connection(NOWHERE, bench.destination.url),
            "credentials": {**bench.written, "credentials": _spoilt(bench.written["credentials"])},
        }
        if not bench.written["credentials"]:
            del wrong["credentials"]
        for what, written in wrong.items():

            async def check(pipeline: Pipeline) -> CheckResult:
                return await pipeline.connector.check()

            with pytest.raises(HubError) as refused:
                bench.ask_unsaved(written, check)
            text = str(refused.value)
            assert len(text.split()) > 3, f"{what}: {text!r} does not say what to do"
            assert not any(secret in text for secret in _texts(written["credentials"])), "a secret is shown"

    # poll

    def test_a_page_can_be_admitted_as_it_is(self, bench: Bench) -> None:
        """Streams that are declared, keys that can be kept, payloads and a cursor that can be written."""

        async def poll(pipeline: Pipeline) -> tuple[Page, Sequence[Any]]:
            page = await pipeline.poll(PollRequest())
            return page, sort_out(page.records, pipeline)[1]

        page, bad = bench.ask(poll)

        assert isinstance(page, Page)
        assert page.records, "the simulator of a world offers records"
        assert not page.bad, page.bad
        assert not bad, bad
        assert all(isinstance(record, Record) for record in page.records)
        codec.dumps(page.cursor)

    def test_a_poll_takes_nothing_away(self, bench: Bench) -> None:
        """Whoever polls and dies has lost nothing: the same cursor shows the same records."""

        async def poll(pipeline: Pipeline) -> Page:
            return await pipeline.poll(PollRequest())

        first, second = bench.ask(poll), bench.ask(poll)

        assert [record.key for record in first.records] == [record.key for record in second.records]
        assert [record.payload for record in first.records] == [record.payload for record in second.records]

    def test_a_cursor_that_was_stored_is_taken_back(self, bench: Bench) -> None:
        """It comes back as JSON, with what is known of the previous page."""

        async def poll(pipeline: Pipeline) -> Page:
            page = await pipeline.poll(PollRequest())
            cursor = codec.loads(codec.dumps(page.cursor or {}))
            request = PollRequest(
                cursor=cursor,
                open_records=len(page.records),
                previous_new=len(page.records),
                previous_full=page.full,
            )
            return await pipeline.poll(request)

        assert isinstance(bench.ask(poll), Page)

    # transform and merge

    def test_transform_is_pure_and_its_result_can_be_written(self, bench: Bench) -> None:
        """The same twice, with the payload untouched; what does not fit is rejected or skipped."""

        async def transform(pipeline: Pipeline) -> None:
            for item in await _items(pipeline):
                before = copy.deepcopy(item.payload)
                first, second = (_transformed(pipeline.connector, item) for _ in range(2))
                assert first == second
                assert item.payload == before, "transform changed the payload"
                codec.dumps(first)

        bench.ask(transform)

    def test_merge_is_pure_and_its_result_can_be_written(self, bench: Bench) -> None:
        """Of any two records of a stream."""

        async def merge(pipeline: Pipeline) -> None:
            items = (await _items(pipeline))[:5]
            for waiting in items:
                for newer in (one for one in items if one.stream == waiting.stream):
                    given = (copy.deepcopy(waiting.payload), copy.deepcopy(newer.payload))
                    merged = pipeline.connector.merge(*given)
                    assert merged == pipeline.connector.merge(*given)
                    assert given == (waiting.payload, newer.payload), "merge changed what it was given"
                    assert isinstance(merged, dict)
                    codec.dumps(merged)

        bench.ask(merge)

    # push and report

    def test_push_answers_for_each_record_in_order_and_may_be_repeated(self, bench: Bench) -> None:
        """The other way round under the same idempotency keys, it finds the same things."""

        async def push(pipeline: Pipeline) -> list[dict[int, Any]]:
            items = [item for item in await _items(pipeline) if item.body is not None][:5]
            found = []
            for batch in (items, items[::-1], items[:1], []):
                results = await pipeline.push(batch)
                assert len(results) == len(batch)
                assert all(isinstance(result, get_args(PushResult)) for result in results)
                found.append({item.id: _essence(result) for item, result in zip(batch, results, strict=True)})
            return found

        first, again, alone, nothing = bench.ask(push)
        assert again == first
        assert all(first[one] == result for one, result in alone.items())
        assert nothing == {}

    def test_every_status_can_be_reported_and_repeated(self, bench: Bench) -> None:
        """One acknowledgement for each, in order; a repeated one does no harm."""

        async def report(pipeline: Pipeline) -> Sequence[Outcome]:
            records = (await pipeline.poll(PollRequest())).records[:6]
            outcomes = [
                _outcome(number, record, status)
                for number, (record, status) in enumerate(zip(records, get_args(Status) * 2, strict=False))
            ]
            for batch in (outcomes, outcomes[::-1], []):
                results = await pipeline.report(batch)
                assert len(results) == len(batch)
                assert all(isinstance(result, Acknowledged | Skipped) for result in results), results
            return outcomes

        outcomes = bench.ask(report)
        if registry.load().connector(bench.written["connector"]).reports:
            reported = self.world.reported(bench.source.state())
            assert {key: set(told) for key, told in reported.items()} == {
                one.key: {one.status} for one in outcomes
            }

    def test_a_group_may_be_closed_twice(self, bench: Bench) -> None:
        """The hub may die in between."""

        async def close(pipeline: Pipeline) -> None:
            stream = pipeline.connector.streams[0].name
            tally = GroupTally(
                name="group",
                stream=stream,
                admitted=0,
                success=0,
                skipped=0,
                rejected=0,
                dead=0,
                superseded=0,
                discarded=0,
            )
            for _ in range(2):
                await pipeline.connector.close_group(tally)

        bench.ask(close)

    # What may go wrong

    @pytest.mark.parametrize("fault", FAULTS)
    def test_whatever_the_platform_does_a_check_raises_what_the_hub_knows(
        self, bench: Bench, fault: str
    ) -> None:
        """It does not take an answer for a good one that is none."""

        async def check(pipeline: Pipeline) -> None:
            await pipeline.connector.check()

        bench.source.set_faults(FAULTS[fault])
        with pytest.raises(HubError) as raised:
            bench.ask(check)
        assert not any(secret in str(raised.value) for secret in _secrets(bench))

    @pytest.mark.parametrize("fault", FAULTS)
    def test_whatever_the_platform_does_a_poll_raises_what_the_hub_knows(
        self, bench: Bench, fault: str
    ) -> None:
        """And shows no secret."""

        async def poll(pipeline: Pipeline) -> None:
            await pipeline.poll(PollRequest())

        bench.source.set_faults({**FAULTS[fault], "match": self.world.poll})
        with pytest.raises(HubError) as raised:
            bench.ask(poll)
        assert not any(secret in str(raised.value) for secret in _secrets(bench))

    @pytest.mark.parametrize("fault", FAULTS)
    def test_whatever_the_platform_does_each_outcome_gets_a_result(self, bench: Bench, fault: str) -> None:
        """Or the whole batch one error that the hub knows."""

        async def report(pipeline: Pipeline) -> Sequence[ReportResult]:
            records = (await pipeline.poll(PollRequest())).records[:3]
            bench.source.set_faults({**FAULTS[fault], "match": self.world.report or "nothing is reported"})
            outcomes = [_outcome(number, record, "success") for number, record in enumerate(records)]
            try:
                return await pipeline.report(outcomes)
            except HubError:
                return [Acknowledged() for _ in outcomes]

        results = bench.ask(report)
        assert len(results) == 3
        assert all(isinstance(result, get_args(ReportResult)) for result in results)
        assert not any(secret in repr(results) for secret in _secrets(bench))


async def _items(pipeline: Pipeline) -> list[Item]:
    """What a poll brings, on its way out; the body is None where the record is not fit to be pushed."""
    page = await pipeline.poll(PollRequest())
    items = [
        Item(
            id=number,
            stream=record.stream,
            key=record.key,
            payload=dict(record.payload),
            idempotency_key=pipeline.idempotency_key(record.stream, record.key, 1),
            group=record.group,
        )
        for number, record in enumerate(page.records)
    ]
    fetched = await pipeline.connector.fetch(items)
    return [_with_body(item, _transformed(pipeline, item)) for item in fetched]


def _with_body(item: Item, body: Any) -> Item:
    return Item(**{name: getattr(item, name) for name in Item.__slots__} | {"body": body})


def _transformed(transformer: Pipeline | Connector[Any, Any], item: Item) -> Any:
    try:
        return transformer.transform(item)
    except (RejectedError, SkippedError):
        return None


def _outcome(number: int, record: Record, status: Status) -> Outcome:
    return Outcome(
        record_id=number,
        stream=record.stream,
        key=record.key,
        payload=record.payload,
        status=status,
        attempts=1,
        response_code=422 if status == "failed" else 200,
        duration_ms=7,
        error=None if status == "success" else "it was refused: ü",
        external_id=f"erp-{number}" if status == "success" else None,
        group=record.group,
    )


def _essence(result: PushResult) -> tuple[str, Any]:
    """What has to be the same when a push is repeated."""
    return type(result).__name__, result.external_id if isinstance(result, Success) else None


def _secrets(bench: Bench) -> list[str]:
    connector = registry.load().connector(bench.written["connector"])
    file = connection_file.parse(bench.written)
    return secrets_of(connector.Credentials.model_validate(file.credentials))


def _texts(value: Any) -> Iterator[str]:
    """Every text in it, however deep it stands."""
    match value:
        case str():
            yield value
        case Mapping():
            for one in value.values():
                yield from _texts(one)
        case list():
            for one in value:
                yield from _texts(one)


def _spoilt(value: Any) -> Any:
    """With every text changed so that it still looks like one of its kind."""
    match value:
        case str():
            return value[::-1] + "x"
        case Mapping():
            return {name: _spoilt(one) for name, one in value.items()}
        case list():
            return [_spoilt(one) for one in value]
    return value


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those within it."""
    yield model
    for field in model.model_fields.values():
        for one in _types(field.annotation):
            if inspect.isclass(one) and issubclass(one, BaseModel):
                yield from _models(one)


def _types(annotation: Any) -> set[Any]:
    """The plain types that an annotation is made of."""
    inner = [one for one in get_args(annotation) if inspect.isclass(one) or get_args(one)]
    return {annotation}.union(*map(_types, inner)) if inner else {annotation}


def _imports(package: str) -> Iterator[tuple[str, Sequence[str]]]:
    """What each module of a package imports, but for its simulators: they belong to the tests."""
    folder = Path(str(import_module(package).__file__)).parent
    for path in sorted(folder.glob("*.py")):
        if path.stem.startswith("simulator"):
            continue
        found = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield path.name, found
