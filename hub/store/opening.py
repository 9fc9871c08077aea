"""Opens the store that the settings name."""

from __future__ import annotations

from hub.settings import Settings
from hub.store import migrate
from hub.store.database import Database, default_url


def open_store(settings: Settings) -> Database:
    """The store, brought up to date first where it is the embedded one.

    A store that an operator named is upgraded on purpose (``hub db upgrade``). Raises ``ServiceUnavailableError``.
    """
    if settings.database_url is not None:
        db = Database(settings.database_url.get_secret_value())
        migrate.require_current(db)
        return db
    home = settings.home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = Database(default_url(str(home)))
    migrate.upgrade(db)
    return db
