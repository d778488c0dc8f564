"""The statements that the tests of this folder look at; not to be changed, tests alter copies."""

from __future__ import annotations

import pytest

from tests.statements.estate import UNITS, business, estate
from tests.statements.hostile import hostile_estate
from tests.statements.rendered import Rendered, rendered_once


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Rendered:
    """A closed month of three business units, and one that has no cost center."""
    units = {name: UNITS[name] for name in ("claims", "pharmacy", "corporate")}
    units |= {"innovation": ("Innovation Lab", [])}
    return rendered_once(tmp_path_factory, "rendered", lambda: estate(business(units)))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> Rendered:
    """An open month, the first on record, of hostile names and tag values."""
    return rendered_once(tmp_path_factory, "hostile", hostile_estate)


@pytest.fixture
def altered(rendered, tmp_path) -> Rendered:
    """A copy of the closed month that a test may change."""
    return rendered.copy(tmp_path / "altered")
