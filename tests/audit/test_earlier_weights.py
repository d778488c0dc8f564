"""Lines of an earlier version are compared with its own total weights, which counted cost centers alone."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from chargeback.review.audit import pages as audit_pages
from chargeback.review.audit.pages import differing_lines
from tests.ledger.test_splits import ROWS

NOW = ("pool_id", "pool_total", "total_weight", "amount", "reference")
THEN = ("pool_id", "total_weight", "amount")
NAME = "shop/statement.csv"


def write(path: Path, columns: tuple[str, ...], *rows: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


@pytest.fixture
def differences(tmp_path, monkeypatch):
    """What is found of one line of the pool support (5 of its 6 weights are cost centers') and one without."""
    monkeypatch.setattr(audit_pages, "checked_postings", lambda *_: pa.Table.from_pylist(ROWS))
    write(
        tmp_path / "now" / NAME,
        NOW,
        ("support", "60", "6", "30.00", "K7M2QX"),
        ("", "", "", "1.00", "A1B2C3"),
    )

    def found(columns: tuple[str, ...], *rows: tuple[str, ...]) -> list[tuple[str, ...]]:
        write(tmp_path / "then" / NAME, columns, *rows)
        pages = SimpleNamespace(
            rendered=tmp_path / "now",
            closed=lambda name: tmp_path / "then" / name,
            books=None,
            period="2026-05",
        )
        return list(differing_lines(NAME, pages))

    return found


def test_the_weights_of_cost_centers_alone_are_no_difference(differences):
    assert differences(THEN, ("support", "5", "30.00"), ("", "", "1.00")) == []


def test_weights_that_were_kept_then_are_no_difference(differences):
    assert differences(THEN, ("support", "", "30.00"), ("", "", "1.00")) == []


@pytest.mark.parametrize("weight", ["6", "4", "5.01"])
def test_another_weight_is_found(differences, weight):
    [found] = differences(THEN, ("support", weight, "30.00"), ("", "", "1.00"))
    assert found == (NAME, "line 2, total_weight", "5", weight)


def test_another_amount_is_found_and_so_is_a_line_too_few(differences):
    found = differences(THEN, ("support", "5", "30.01"))
    assert (NAME, "lines", "2", "1") in found
    assert (NAME, "line 2, amount", "30.00", "30.01") in found


def test_of_this_version_all_weights_are_compared(differences):
    [found] = differences(
        NOW, ("support", "60", "5", "30.00", "K7M2QX"), ("", "", "", "1.00", "A1B2C3")
    )
    assert found[1:] == ("line 2, total_weight", "6", "5")
