"""An S3 service on loopback, for tests of what is exchanged through a bucket."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.merchstack.s3 import Service


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    """The run's service; each test makes its own bucket."""
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def plain_users_folder() -> Iterator[Path]:
    """A folder of a user to whom rights apply, as whom the test runs: root may do everything."""
    root, nobody = os.geteuid() == 0, 65534
    folder = Path(tempfile.mkdtemp(prefix="rights-", dir="/tmp"))
    if root:
        os.chown(folder, nobody, nobody)
        os.seteuid(nobody)
    yield folder
    if root:
        os.seteuid(0)
    for path in [folder, *folder.iterdir()]:
        path.chmod(0o700)
    shutil.rmtree(folder)
