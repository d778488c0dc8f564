"""Verbs are run here as the tests of closes run them."""

from tests.close.conftest import run, without_notebooks  # noqa: F401  fixtures
