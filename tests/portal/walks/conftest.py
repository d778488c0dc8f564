"""Identity providers that are running, one of each for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.portal.providers import certified


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[certified.Certified]:
    """The certified provider."""
    with certified.running(tmp_path_factory.mktemp("provider")) as one:
        yield one
