"""Arrow without pandas, in a process that shows no table.

Arrow imports pandas when it is first given a list, only to ask whether that is a Series, and when it first
reads a file; to import it takes longer than all else that a verb imports. What always holds: whoever asks Arrow
for a DataFrame later still gets one, because it tries to import pandas again then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class NoPandas(MetaPathFinder):
    """Says that there is no pandas."""

    def find_spec(self, name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> None:
        """Nothing for any module but pandas, which cannot be found."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def without_pandas() -> None:
    """Let Arrow find no pandas when it looks for it, once; nothing where pandas is there already."""
    if "pandas" in sys.modules:
        return
    finder = NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa
        import pyarrow.dataset  # which looks for it as well, when the first Parquet file is read

        pa.array([], pa.null())
    finally:
        sys.meta_path.remove(finder)
