"""A worker that cannot begin does not begin: it ends, so that whoever looks after it starts it anew."""

from __future__ import annotations

import pytest
from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import MiddlewareError

from hub.errors import ServiceUnavailableError
from hub.fleet.broker import EventLoop, Process
from hub.runtime import Runtime
from tests.loop.hub_of_a_test import Hub


async def away() -> Runtime:
    raise ServiceUnavailableError("the store cannot be reached")


def test_a_worker_without_a_store_does_not_take_messages() -> None:
    """Dramatiq would go on after any other error, and every message would come to nothing."""
    event_loop = EventLoop()
    broker = StubBroker(middleware=[event_loop, Process(away)])
    worker = Worker(broker, worker_timeout=10, worker_threads=1)

    with pytest.raises(MiddlewareError, match="the store cannot be reached"):
        worker.start()

    thread = get_event_loop_thread()
    assert thread is not None
    assert thread.daemon, "it would keep the process alive"
    event_loop.after_worker_shutdown(broker, worker)


async def test_a_worker_opens_its_runtime_before_and_closes_it_after_it_works(hub: Hub) -> None:
    """And there is none before or after."""
    made = hub.make_runtime()
    hub.runtimes.remove(made)

    async def open_runtime() -> Runtime:
        return made

    process = Process(open_runtime)
    broker = StubBroker(middleware=[EventLoop(), process])
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()
    assert process.runtime is made
    worker.stop(timeout=5000)

    assert made.stopping
    with pytest.raises(RuntimeError, match="has not booted"):
        assert process.runtime
