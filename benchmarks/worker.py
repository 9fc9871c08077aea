"""One worker process and one scheduler under one command; prints "ready" when messages are taken."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

from redis.asyncio import Redis

from hub.boot import open_runtime
from hub.fleet import actors
from hub.fleet.broker import make_broker
from hub.fleet.scheduler import Scheduler
from hub.settings import Settings


async def schedule(settings: Settings, redis_url: str) -> None:
    """The scheduler, until SIGTERM."""
    runtime = open_runtime(settings, redis_url=redis_url)
    declared = actors.declare(make_broker(redis_url), lambda: runtime)
    runtime.ring = declared.ring
    redis = Redis.from_url(redis_url)
    scheduler = Scheduler(runtime=runtime, actors=declared, redis=redis)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, scheduler.stop)
    await _until_taken(redis, declared)
    print("ready", flush=True)
    await scheduler.run()
    await runtime.close()
    await redis.aclose()


async def _until_taken(redis: Redis, declared: actors.Actors) -> None:
    """A message that comes to nothing has left the queue: the worker is there."""
    declared.poll.send(0)
    while await redis.llen("hub:poll"):  # noqa: ASYNC110  # the broker tells nobody
        await asyncio.sleep(0.05)


def main() -> None:
    """Run both; the worker is a child in the same process group."""
    settings = Settings()
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url is not None else ""
    code = "import sys; from hub.settings import Settings; from hub.fleet.worker import run; sys.exit(run(Settings()))"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=sys.stderr)
    try:
        asyncio.run(schedule(settings, redis_url))
    finally:
        child.terminate()
        child.wait(20)


if __name__ == "__main__":
    main()
