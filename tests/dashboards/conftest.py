"""A cloud on this machine, for books in S3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.athena.cloud import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud on this machine."""
    made = Cloud(tmp_path_factory.mktemp("objects"))
    yield made
    made.close()
