"""Questions that a thread asks beside the event loop, for those who cannot wait for their turn of a busy one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine

from hub.store.kept import detached, spelled


class Aside:
    """One value each, read outside of any transaction; one question at a time, over a connection that is kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._kept: Any = None

    def ask(self, sql: str, parameters: dict[str, Any], tell: Callable[[Any], None]) -> None:
        """Returns at once. ``tell`` gets the value, in the thread; None where there is no answer."""
        self._thread.submit(self._answer, sql, parameters, tell)

    def close(self) -> None:
        """Ask nothing more."""
        self._thread.shutdown(wait=True)
        self._leave()

    def _answer(self, sql: str, parameters: dict[str, Any], tell: Callable[[Any], None]) -> None:
        value = None
        try:
            if self._kept is None:
                self._kept = detached(self._engine)
            value = self._kept.execute(spelled(sql, self._engine), parameters).fetchone()[0]
        except Exception:  # noqa: BLE001 - whoever asks in the usual way is told what it is
            self._leave()
        finally:
            tell(value)

    def _leave(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()
