"""Fixtures of other folders that audits are tested with."""

from tests.statements.conftest import rendered  # noqa: F401
