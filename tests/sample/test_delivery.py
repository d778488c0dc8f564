"""What is written: the layout of Data Exports, the same bytes every time, and never half."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.sample import PERIODS, write_estate
from chargeback.sample.columns import SCHEMA, type_name
from tests.sample.report import LINE_ITEMS, ask, files, manifest

MAY = "2026-05"


def bytes_of(folder: Path, period: str) -> dict[str, str]:
    """Every file of a period's delivery with its sha256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(f"*/BILLING_PERIOD={period}/*"))
        if path.relative_to(folder).parts[0] in ("data", "metadata")
    }


@pytest.mark.slow
def test_a_period_alone_has_the_same_bytes_as_among_all(estate: Path, tmp_path: Path) -> None:
    write_estate(tmp_path, [MAY], LINE_ITEMS)
    assert bytes_of(tmp_path, MAY) == bytes_of(estate, MAY)
    assert [path.name for path in (tmp_path / "data").iterdir()] == [f"BILLING_PERIOD={MAY}"]


def test_another_seed_has_other_bytes_and_the_same_total(estate: Path, tmp_path: Path) -> None:
    write_estate(tmp_path, [MAY], LINE_ITEMS, seed=7)
    ours, theirs = bytes_of(tmp_path, MAY), bytes_of(estate, MAY)
    assert not set(ours.values()) & set(theirs.values()) - {empty_chunk(estate)}
    total = "select bill_invoice_id, sum(units) from report group by 1 order by 1"
    assert ask(tmp_path, MAY, total) == ask(estate, MAY, total)


def empty_chunk(folder: Path) -> str:
    return hashlib.sha256(files(folder, MAY)[-1].read_bytes()).hexdigest()


def test_a_period_that_is_there_is_left_alone_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    said: list[str] = []
    write_estate(tmp_path, [MAY], LINE_ITEMS, progress=said.append)
    before = {path: path.stat().st_mtime_ns for path in files(tmp_path, MAY)}
    write_estate(tmp_path, [MAY], LINE_ITEMS, progress=said.append)
    assert {path: path.stat().st_mtime_ns for path in files(tmp_path, MAY)} == before
    assert len(said) == 1
    write_estate(tmp_path, [MAY], LINE_ITEMS + 100, progress=said.append)
    assert len(said) == 2
    (first, *_) = (tmp_path / "metadata" / f"BILLING_PERIOD={MAY}").iterdir()
    first.unlink()
    write_estate(tmp_path, [MAY], LINE_ITEMS + 100, progress=said.append)
    assert len(said) == 3


@pytest.mark.parametrize("period", PERIODS)
def test_the_manifest_names_every_file_and_column(estate: Path, period: str) -> None:
    content = manifest(estate, period)
    assert content["billingPeriod"] == period
    assert content["columns"] == [{"name": one.name, "type": type_name(one.type)} for one in SCHEMA]
    present = sorted((estate / "data" / f"BILLING_PERIOD={period}").iterdir())
    assert sorted(files(estate, period)) == present
    assert sum(pq.ParquetFile(path).metadata.num_rows for path in present) == LINE_ITEMS
    assert len(present) >= 4


def test_text_money_and_maps_have_the_types_of_aws(estate: Path) -> None:
    schema = pq.ParquetFile(files(estate, MAY)[0]).schema_arrow
    assert [(one.name, type_name(one.type)) for one in schema] == [
        (one.name, type_name(one.type)) for one in SCHEMA
    ]
    codec = pq.ParquetFile(files(estate, MAY)[0]).metadata.row_group(0).column(0).compression
    assert codec == "SNAPPY"


def test_an_emptied_chunk_is_named_in_the_manifest(estate: Path) -> None:
    rows = [pq.ParquetFile(path).metadata.num_rows for path in files(estate, MAY)]
    assert rows[-1] == 0 and all(rows[:-1])


def test_a_period_outside_the_estate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        write_estate(tmp_path, [MAY, "2026-07"], LINE_ITEMS)
    assert caught.value.exit_code == BAD_USAGE
    assert "2026-07" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_too_few_line_items_are_refused_with_the_number_needed(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        write_estate(tmp_path, [MAY], 100)
    assert caught.value.exit_code == BAD_USAGE
    assert "at least" in str(caught.value)
    assert not (tmp_path / "data").exists()
