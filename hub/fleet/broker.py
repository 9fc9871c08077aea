"""The Dramatiq broker and its middleware: one event loop, one client pool and one engine in each worker process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import dramatiq
import structlog
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread, set_event_loop_thread
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, MiddlewareError

from hub.event_loop import new_event_loop
from hub.runtime import Runtime

#: Part of every key, so that a Redis can be shared.
NAMESPACE = "hub"
#: A share of the shutdown's time is for what is in flight; the rest settles and hands back.
GRACE_SHARE = 0.6

_log = structlog.get_logger(__name__)


def make_broker(url: str, *middleware: Middleware) -> RedisBroker:
    """A broker for the hub's messages. No retries: a message is a bell, and the sweeper rings again."""
    return _Broker(  # type: ignore[no-untyped-call]  # Dramatiq does not type it
        url=url, namespace=NAMESPACE, middleware=list(middleware)
    )


class _Broker(RedisBroker):
    """Without the queues of delayed messages: nobody sends one, and every process would ask for them all the time."""

    def declare_queue(self, queue_name: str) -> None:
        """As Dramatiq has it."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class EventLoop(Middleware):
    """The event loop on which all actors of a process run; the fast one where there is one."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Start the loop's thread."""
        thread = EventLoopThread(_log)
        # It must not keep a process alive whose worker did not begin.
        thread.daemon = True
        thread.loop.close()
        thread.loop = new_event_loop()
        thread.start(timeout=5.0)
        set_event_loop_thread(thread)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Stop it."""
        thread = get_event_loop_thread()
        if thread is not None:
            thread.stop()  # type: ignore[no-untyped-call]  # Dramatiq does not type it
            set_event_loop_thread(None)


class Process(Middleware):
    """Opens the runtime when a worker boots and closes it, in order, when it stops."""

    def __init__(self, open_runtime: Callable[[], Awaitable[Runtime]]) -> None:
        self._open = open_runtime
        self._runtime: Runtime | None = None

    @property
    def runtime(self) -> Runtime:
        """The process's runtime; actors run only while there is one."""
        if self._runtime is None:
            raise RuntimeError("the worker has not booted")
        return self._runtime

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Open store, pool and policies on the event loop.

        Raises ``MiddlewareError``, the only thing that keeps Dramatiq from going on without them: messages would be
        taken and come to nothing.
        """
        try:
            self._runtime = self._on_loop(self._open())
        except Exception as error:
            raise MiddlewareError(f"the worker cannot begin: {error}") from error

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Slices in flight have their grace; what is not done by then is handed back."""
        grace = self.runtime.settings.shutdown_timeout.total_seconds() * GRACE_SHARE
        self._on_loop(_stop(self.runtime, grace))

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Close everything; nothing works any more."""
        self._on_loop(self.runtime.close())
        self._runtime = None

    @staticmethod
    def _on_loop(work: Awaitable[Any]) -> Any:
        thread = get_event_loop_thread()
        if thread is None:
            raise RuntimeError("the event loop does not run: the EventLoop middleware must come first")
        return thread.run_coroutine(work)


async def _stop(runtime: Runtime, grace: float) -> None:
    runtime.stop(grace=grace)
    await asyncio.sleep(0)
