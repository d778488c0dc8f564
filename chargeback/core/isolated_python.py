"""Processes of our own: a Python that reads no settings of the user, and runs the package that started it.

Isolated (`-I`), Python looks for modules neither in PYTHONPATH nor in the working folder, so it would find the
package that is installed. Where another checkout runs, that one started the process and computes the rest, and
what a close says of its code must be true of its kernels.
"""

from __future__ import annotations

import sys

from chargeback.core.paths import ROOT

ISOLATED = "-I"


def isolated_python(statements: str, *arguments: str) -> list[str]:
    """The command line of an isolated Python that runs statements of this very package.

    Args:
        statements: Python, on one line.
        arguments: what they find in `sys.argv` from 1 on.
    """
    found = f"import sys; {str(ROOT)!r} in sys.path or sys.path.insert(0, {str(ROOT)!r}); "
    return [sys.executable, ISOLATED, "-c", found + statements, *arguments]
