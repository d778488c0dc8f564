"""STL: statsmodels' decomposition of a series into trend, pattern of the week and remainder, and no more.

Importing it as statsmodels has it loads scipy, formulas and filters first, which takes about as long as the
search for anomalies itself; the decomposition, one compiled module, uses none of them. It is loaded alone, with
stand-ins for the few names that it imports. What always holds: the numbers are those of statsmodels' own
module, because they are computed by it. Where it cannot be loaded alone, it is imported as usual.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

#: The compiled module, and what it imports by name from others.
STL_MODULE = "statsmodels.tsa.stl._stl"

_lock = threading.Lock()


class Decomposed(SimpleNamespace):
    """A decomposition, with the names that statsmodels gives its parts."""

    def __init__(self, observed: Any, seasonal: Any, trend: Any, resid: Any, weights: Any) -> None:
        super().__init__(
            observed=observed, seasonal=seasonal, trend=trend, resid=resid, weights=weights
        )


def doubles(values: Any, *_: Any, **__: Any) -> np.ndarray:
    """A series as the compiled module takes it."""
    return np.require(values, np.double, ["C", "W"])


def no_pandas(*_: Any, **__: Any) -> Any:
    """What only series with an index of dates need, which are not given here."""
    raise ValueError("a series of plain numbers has no frequency")


#: In the place of the modules that it imports.
STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "statsmodels": {},
    "statsmodels.compat": {},
    "statsmodels.compat.pandas": {"_infer_freq_returns_offset": no_pandas},
    "statsmodels.tools": {},
    "statsmodels.tools.validation": {"array_like": doubles},
    "statsmodels.tsa": {},
    "statsmodels.tsa.seasonal": {},
    "statsmodels.tsa.seasonal._seasonal": {"DecomposeResult": Decomposed},
    "statsmodels.tsa.tsatools": {"freq_to_period": no_pandas},
    "statsmodels.tsa.stl": {},
}


@cache
def stl() -> Any:
    """statsmodels' class STL."""
    with _lock:
        loaded = sys.modules.get(STL_MODULE)
        if loaded is None and "statsmodels" not in sys.modules:
            loaded = load_alone()
    if loaded is None:
        from statsmodels.tsa.seasonal import STL

        return STL
    return loaded.STL


def load_alone() -> ModuleType | None:
    """The compiled module without what is around it; None where that is not possible."""
    package = importlib.util.find_spec("statsmodels")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "tsa" / "stl"
    endings = importlib.machinery.EXTENSION_SUFFIXES
    found = [one for ending in endings if (one := folder / f"_stl{ending}").is_file()]
    if not found:
        return None
    for name, names in STAND_INS.items():
        module = ModuleType(name)
        module.__path__ = []
        module.__dict__.update(names)
        sys.modules[name] = module
    try:
        loader = importlib.machinery.ExtensionFileLoader(STL_MODULE, str(found[0]))
        spec = importlib.util.spec_from_file_location(STL_MODULE, found[0], loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        return module
    except Exception:  # another version, which imports something else
        return None
    finally:
        for name in (*STAND_INS, STL_MODULE):
            sys.modules.pop(name, None)
