"""One server for all tests of a process that ask a judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.trino.server import Server, running


@pytest.fixture(scope="session")
def trino(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running Trino."""
    with running(tmp_path_factory.mktemp("trino")) as server:
        yield server
