"""What a daily run keeps for the next: as made anew, for whatever changed, and never what is damaged."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from chargeback.core.books_folders import Books
from chargeback.daily.anomalies import fits as fits_module
from chargeback.daily.anomalies import used as used_module
from chargeback.daily.anomalies.detect import Thresholds, find_anomalies, middle
from chargeback.daily.anomalies.expected import fit
from chargeback.daily.anomalies.fits import Fits, keep_fits, read_fits
from chargeback.daily.anomalies.kept import digest_of, find_kept, keep
from chargeback.daily.anomalies.series import history
from chargeback.daily.anomalies.used import month_used, used_history
from chargeback.daily.costs import daily_costs
from chargeback.params import read_params
from tests.daily.anomalies.estate import write_estate
from tests.params_folder import write_params

DAY = date(2026, 5, 12)


@pytest.fixture
def report(tmp_path):
    return write_estate(tmp_path / "cur")


@pytest.fixture
def params(tmp_path):
    return read_params(write_params(tmp_path / "params"), "2026-05")


def april(params, report, books):
    return month_used(replace(params, period="2026-04"), "2026-05", report, books)


def is_read(monkeypatch):
    """Count how often a month is read from its report."""
    read = []
    original = daily_costs

    def counting(report, params, day=None):
        read.append(params.period)
        return original(report, params, day)

    monkeypatch.setattr(used_module, "daily_costs", counting)
    return read


def test_a_kept_file_is_found_whole_or_not_at_all(tmp_path):
    keep(tmp_path, "sums-a", b"first", "bin", "sums")
    assert find_kept(tmp_path, "sums-a", "bin") == b"first"
    assert find_kept(tmp_path, "sums-b", "bin") is None
    [path] = tmp_path.iterdir()
    path.write_bytes(b"firs")
    assert find_kept(tmp_path, "sums-a", "bin") is None
    keep(tmp_path, "sums-b", b"second", "bin", "sums")
    assert len(list(tmp_path.iterdir())) == 1
    assert find_kept(tmp_path, "sums-b", "bin") == b"second"


def test_parts_of_a_digest_are_kept_apart():
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])
    assert digest_of(["a", b"b"]) == digest_of([b"a", "b"])


def test_a_month_is_kept_while_nothing_that_decides_it_has_changed(
    report, params, tmp_path, monkeypatch
):
    books, read = Books(tmp_path / "books"), is_read(monkeypatch)
    first = april(params, report, books)
    assert april(params, report, books) == first
    assert read == ["2026-04"]


@pytest.mark.parametrize("change", ["code", "SQL", "params", "manifest", "size", "rules of"])
def test_a_month_is_read_again_once_something_that_decides_it_has_changed(
    change, report, params, tmp_path, monkeypatch
):
    books, read = Books(tmp_path / "books"), is_read(monkeypatch)
    april(params, report, books)
    seen_from = "2026-05"
    if change == "code":
        monkeypatch.setattr(used_module, "code_digest", lambda: "of other code")
    if change == "SQL":
        monkeypatch.setattr(used_module, "sql_digest", lambda: "of other SQL")
    if change == "params":
        params = replace(params, digests={**params.digests, "policy.toml": "another"})
    if change == "manifest":
        for path in (report / "metadata" / "BILLING_PERIOD=2026-04").iterdir():
            path.write_text(path.read_text() + "\n")
    if change == "size":
        for path in (report / "data" / "BILLING_PERIOD=2026-04").rglob("*.parquet"):
            pq.write_table(pq.read_table(path), path, compression="none")
    if change == "rules of":
        seen_from = "2026-06"
    month_used(replace(params, period="2026-04"), seen_from, report, books)
    assert read == ["2026-04", "2026-04"]
    assert len(list(books.daily_used.iterdir())) == 1


def test_a_damaged_month_is_read_again(report, params, tmp_path, monkeypatch):
    books, read = Books(tmp_path / "books"), is_read(monkeypatch)
    first = april(params, report, books)
    [path] = books.daily_used.iterdir()
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    assert april(params, report, books) == first
    assert read == ["2026-04", "2026-04"]


def test_series_are_decomposed_once_and_give_the_same_findings(report, params, tmp_path):
    books = Books(tmp_path / "books")
    sums, _ = used_history(daily_costs(report, params, DAY), report, params, books, False)
    past, worth = history(sums, DAY), Thresholds(1.0, 0.05)
    plain = find_anomalies(past, worth)
    first = read_fits(tmp_path / "fits")
    assert not first.known
    assert find_anomalies(past, worth, fitted=first) == plain
    assert first.asked
    keep_fits(tmp_path / "fits", first)
    again = read_fits(tmp_path / "fits")
    for name, found in first.asked.items():
        assert all(
            np.array_equal(one, other) for one, other in zip(found, again.known[name], strict=True)
        )
    before = dict(again.known)
    assert find_anomalies(past, worth, fitted=again) == plain
    assert again.known.keys() == before.keys()


def test_other_numbers_are_decomposed_anew():
    series = np.random.default_rng(7).normal(size=98).cumsum() + 500
    known = Fits({})
    known(series)
    moved = series.copy()
    moved[50] = np.nextafter(moved[50], 1e9)
    found = known(moved)
    assert len(known.known) == 2
    assert all(np.array_equal(a, b) for a, b in zip(found, fit(moved), strict=True))


def test_decompositions_of_other_code_or_damaged_ones_are_left_aside(tmp_path, monkeypatch):
    known = Fits({})
    known(np.arange(40.0))
    keep_fits(tmp_path, known)
    assert len(read_fits(tmp_path).known) == 1
    with monkeypatch.context() as patched:
        patched.setattr(fits_module, "made_by", lambda: "other-code")
        assert not read_fits(tmp_path).known
    [path] = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert not read_fits(tmp_path).known


def test_made_by_names_code_and_libraries(monkeypatch):
    names = set()
    for code, numbers in (("a", "1"), ("b", "1"), ("a", "2")):
        monkeypatch.setattr(fits_module, "code_digest", lambda code=code: code)
        monkeypatch.setattr(fits_module, "version", lambda _, numbers=numbers: numbers)
        names.add(fits_module.made_by.__wrapped__())
    assert len(names) == 3


def test_nothing_asked_for_is_kept_as_nothing(tmp_path):
    keep_fits(tmp_path, Fits({}))
    assert read_fits(tmp_path).known == {}
    [path] = tmp_path.iterdir()
    assert np.load(io.BytesIO(path.read_bytes()))["values"].size in (0, 1)


def test_the_middle_of_a_few_is_the_median_of_numpy():
    numbers = np.random.default_rng(3)
    for count in (1, 2, 3, 4):
        for _ in range(200):
            some = list(numbers.lognormal(5, 3, count))
            assert middle(some) == float(np.median(some))
