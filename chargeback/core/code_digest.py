"""The code digest: one sha256 of the package's own modules, for what was made by code and is kept."""

from __future__ import annotations

import functools
import hashlib

from chargeback.core.paths import ROOT


@functools.cache
def code_digest() -> str:
    """sha256 of the package's own modules: work done by other code is done again."""
    hashed = hashlib.sha256()
    for path in sorted((ROOT / "chargeback").rglob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()
