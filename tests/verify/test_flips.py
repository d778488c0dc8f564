"""One byte of any file of a closed period cannot change without verify naming the file."""

from __future__ import annotations

import functools
import random

import pytest

from chargeback.books.manifest import period_folders
from chargeback.books.verify import contents, ledger, verify_period
from tests.close.months import JUNE

#: In each file: its first and last byte, and as many in between.
PLACES_BETWEEN = 7
LEAST_FLIPS = 500


def places(size: int, chance: random.Random) -> set[int]:
    """Where to flip a file of a size."""
    return (
        {0, size - 1, *(chance.randrange(size) for _ in range(PLACES_BETWEEN))} if size else set()
    )


@pytest.mark.slow
def test_every_flipped_byte_is_found_and_its_file_named(books, monkeypatch):
    # A signature over the same bytes has the same answer, and most files have not changed.
    for module, name in ((contents, "check_pdf"), (ledger, "check_detached")):
        monkeypatch.setattr(module, name, functools.lru_cache(getattr(module, name)))
    chance = random.Random(20260630)
    assert verify_period(books, JUNE) == []
    flips = 0
    files = [
        path
        for folder in period_folders(books, JUNE).values()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    for path in files:
        content = path.read_bytes()
        name = path.relative_to(books.root).as_posix()
        with path.open("r+b") as stream:
            for place in places(len(content), chance):
                stream.seek(place)
                stream.write(bytes([content[place] ^ 1 << chance.randrange(8)]))
                stream.flush()
                found = {finding.path for finding in verify_period(books, JUNE)}
                assert found == {name}, (name, place, found)
                stream.seek(place)
                stream.write(content[place : place + 1])
                stream.flush()
                flips += 1
    assert {path.suffix for path in files} >= {
        ".parquet", ".json", ".p7s", ".pdf", ".html", ".csv", ".pdf-signature", ".pem", ".sql",
        ".toml", ".ipynb",
    }  # fmt: skip
    assert flips >= LEAST_FLIPS
    assert verify_period(books, JUNE) == []
