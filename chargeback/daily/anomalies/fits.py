"""Fits: decompositions of series that an earlier day has made already, kept for the next day.

Most days that are judged today were judged yesterday, from the same days before them. A decomposition depends
on these numbers alone, so it is kept by their digest, under BOOKS/daily/used. What always holds: what is taken
is what `expected.fit` gives for the very same numbers, by the same code and the same libraries; a file of
others, or one that was damaged, is left aside. Only what a run has asked for is kept by it, so that the
file does not grow. It can be deleted.
"""

from __future__ import annotations

import hashlib
import io
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from chargeback.core.code_digest import code_digest
from chargeback.daily.anomalies.expected import Fit, fit
from chargeback.daily.anomalies.kept import digest_of, find_kept, keep
from chargeback.daily.anomalies.series import Floats

WHAT, ENDING = "decompositions", "npz"

#: What a decomposition is made by, besides our own code.
LIBRARIES = ("numpy", "statsmodels")


@cache
def made_by() -> str:
    """A digest of the code and the libraries that decompose."""
    return digest_of(
        [code_digest(), platform.machine(), *(f"{one} {version(one)}" for one in LIBRARIES)]
    )


class Fits:
    """Decompositions that are known; others are made when they are asked for.

    Args:
        known: by the digest of their series.
    """

    def __init__(self, known: dict[bytes, Fit]) -> None:
        self.known = known
        self.asked: dict[bytes, Fit] = {}

    def __call__(self, seen: Floats) -> Fit:
        """As `expected.fit`."""
        name = hashlib.sha256(np.ascontiguousarray(seen).tobytes()).digest()
        found = self.known.get(name)
        if found is None:
            found = self.known[name] = fit(seen)
        self.asked[name] = found
        return found


def read_fits(folder: Path) -> Fits:
    """What was kept in a folder; nothing where that is of other code, or not whole."""
    content = find_kept(folder, f"{WHAT}-{made_by()}", ENDING)
    if content is None:
        return Fits({})
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        names, lengths, values = (file[one] for one in ("names", "lengths", "values"))
    known = {}
    start = 0
    for name, length in zip(names, lengths.tolist(), strict=True):
        trend, week, left = values[start : start + 3 * length].reshape(3, length)
        known[name.tobytes()] = (trend, week, left)
        start += 3 * length
    return Fits(known)


def keep_fits(folder: Path, fits: Fits) -> None:
    """Keep what was asked for, in the place of what was kept before."""
    asked = sorted(fits.asked.items())
    written = io.BytesIO()
    np.savez(
        written,
        names=np.array([np.frombuffer(name, np.uint8) for name, _ in asked], np.uint8).reshape(-1, 32),
        lengths=np.array([len(found[0]) for _, found in asked], np.int64),
        values=np.concatenate([part for _, found in asked for part in found] or [np.zeros(0)]),
    )  # fmt: skip
    keep(folder, f"{WHAT}-{made_by()}", written.getvalue(), ENDING, WHAT)
