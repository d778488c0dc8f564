"""Programs that are not ours, which tests hand our files to: pdfsig, openssl, hledger, chromium, node.

Where one is not installed a test is skipped with that reason; where CHARGEBACK_TEST_PROGRAMS=required,
as in CI, it fails instead, so that nothing is left unchecked in silence.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str) -> str:
    """The path of a program; skips the test that asks for one that is not installed."""
    return shutil.which(name) or missing(f"{name} is not installed")


def missing(reason: str) -> NoReturn:
    """Skip the test that needs what is not here, or fail it where everything must be."""
    if os.environ.get("CHARGEBACK_TEST_PROGRAMS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def program_beside_python(name: str) -> str:
    """The path of a program that a package of this environment brings along."""
    return str(Path(sys.executable).with_name(name))
