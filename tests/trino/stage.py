"""Whether CI asks Trino: says why not and ends with 1, or ends with 0. It needs nothing but Python and git.

python3 -m tests.trino.stage
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.trino.java import NEEDED_JAVA, find_java

#: What decides what Athena is sent, and what the judge compares.
JUDGED = ("sql/", "chargeback/engine/", "chargeback/sources/", "tests/trino/")


def changed() -> list[str] | None:
    """The names of files that differ from the commit before; None where git does not tell."""
    since = os.environ.get("CHARGEBACK_TEST_SINCE") or "HEAD^1"
    ended = subprocess.run(
        ["git", "diff", "--name-only", "-z", since], cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return None if ended.returncode else ended.stdout.split("\0")


def why_left_out() -> str | None:
    """Why Trino is not asked; None where it is."""
    if find_java() is None:
        return f"no Java {NEEDED_JAVA} or newer is installed"
    if os.environ.get("CHARGEBACK_TEST_ALL"):
        return None
    names = changed()
    if names is None:
        return "nobody knows what has changed: no history here"
    if not any(one.startswith(JUDGED) for one in names):
        return f"nothing changed in {', '.join(JUDGED)}"
    return None


if __name__ == "__main__":
    reason = why_left_out()
    if reason is not None:
        print(reason)
        sys.exit(1)
