"""Slow tests of a part of the repository are run where that part changed, and all of them otherwise.

CHARGEBACK_TEST_SINCE names the commit that a change is compared with, as a workflow does for a pull request.
Without it nothing is left out: on a developer's machine, on the main branch, and on a schedule.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT

VARIABLE = "CHARGEBACK_TEST_SINCE"


def where_changed(*paths: str) -> pytest.MarkDecorator:
    """Leaves tests out where none of some files or folders of the repository changed."""
    reason = f"nothing changed in {', '.join(paths)} since {os.environ.get(VARIABLE)}"
    return pytest.mark.skipif(not is_changed(paths), reason=reason)


def is_changed(
    paths: tuple[str, ...], environment: Mapping[str, str] = os.environ, root: Path = ROOT
) -> bool:
    """Whether something changed in some places; also when nobody says since when, or git does not know."""
    since = environment.get(VARIABLE)
    if not since:
        return True
    command = ["git", "diff", "--quiet", f"{since}...HEAD", "--", *paths]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode != 0
