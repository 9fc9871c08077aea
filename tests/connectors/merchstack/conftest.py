"""An S3 service on loopback, for tests of what is exchanged through a bucket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.merchstack.s3 import Service


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    """The run's service; each test makes its own bucket."""
    service = Service()
    yield service
    service.stop()
