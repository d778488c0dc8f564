"""Write the locks of tests/linters again, from what is wanted: `python -m tests.linters.lock`."""

from __future__ import annotations

import subprocess
import sys

from chargeback.development import LOCK_OPTIONS, uv_command
from tests.linters.install import FOLDER


def main() -> int:
    """Resolve each; the exit code of the first that uv cannot resolve, or 0."""
    for wanted in sorted(FOLDER.glob("*.in")):
        made = wanted.with_suffix(".lock")
        command = [
            *uv_command(),
            "pip",
            "compile",
            "-q",
            *LOCK_OPTIONS,
            str(wanted),
            "-o",
            str(made),
        ]
        code = subprocess.run(command, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
