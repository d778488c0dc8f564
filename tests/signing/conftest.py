"""One loopback infrastructure for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.signing.loopback import Loopback, serving, write_loopback


@pytest.fixture(scope="session")
def loopback(tmp_path_factory) -> Loopback:
    """Keys and certificates; nobody answers."""
    return write_loopback(tmp_path_factory.mktemp("loopback"))


@pytest.fixture(scope="module")
def served(loopback) -> Loopback:
    """The infrastructure, which answers."""
    with serving(loopback):
        yield loopback
