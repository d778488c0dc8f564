"""What was applied is what the modules say, read back by boto3; a second plan finds nothing to do."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_second_plan_is_empty(platform):
    said = platform.terraform.run("plan", "-detailed-exitcode", "-input=false")
    assert "No changes." in said
