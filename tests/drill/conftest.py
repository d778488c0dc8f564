"""A closed month that drills are done on."""

from tests.close.conftest import closed, month, run  # noqa: F401
