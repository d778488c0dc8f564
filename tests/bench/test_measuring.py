"""What the bench counts of a verb."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chargeback.core.paths import ROOT


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux hands on what a process leaves behind"
)
def test_the_time_of_what_a_verb_leaves_behind_is_counted():
    """A verb ends at once and leaves a process that works for a fifth of a second of CPU time."""
    works = "import time\nwhile time.process_time() < 0.2: pass"
    leaves = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {works!r}])"
    program = (
        "import subprocess, sys\n"
        "from chargeback.bench.measuring import adopt_left, children_seconds, wait_for_left\n"
        "adopt_left()\n"
        f"subprocess.run([sys.executable, '-c', {leaves!r}], check=True)\n"
        "at_once = children_seconds()\n"
        "wait_for_left()\n"
        "print(children_seconds() - at_once)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert float(ended.stdout) >= 0.19
