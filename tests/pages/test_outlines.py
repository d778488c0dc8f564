"""Charts are the same bytes whether matplotlib was imported whole or without what no chart needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chargeback.core.paths import ROOT

#: Prints a drawing; what stands in the first line is imported before ours is.
DRAWN = """
{first}
import sys
sys.path.insert(0, {root!r})
from chargeback.pages.outlines import mark
sys.stdout.write(mark("PROVISIONAL"))
print(file=sys.stderr)
print("mpl_toolkits.mplot3d" in sys.modules, file=sys.stderr)
"""


def drawn(first: str) -> tuple[str, str]:
    """A drawing of a process of its own, and whether it imported axes in three dimensions."""
    program = DRAWN.format(first=first, root=str(ROOT))
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return ran.stdout, ran.stderr.split()[-1]


@pytest.mark.slow
def test_a_drawing_is_the_same_with_all_of_matplotlib():
    ours, has_dimensions = drawn("")
    whole, has_all = drawn("import matplotlib.figure, mpl_toolkits.mplot3d")
    assert (has_dimensions, has_all) == ("False", "True"), "or one of the two is not what it says"
    assert ours == whole
    assert "<svg" in ours
