"""A folder that is no report's is refused by what it is, with the folder that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.sources.report_folder import check_report_folder
from tests.reports import PERIOD, line_item, write_report
from tests.sources.legacy import write_legacy


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report two folders down, as a bucket has it."""
    return write_report(tmp_path / "bucket" / "prefix" / "export", [line_item(1.0, "CC-1")])


def refused(folder: Path) -> Refusal:
    """The refusal of a folder."""
    with pytest.raises(Refusal) as found:
        check_report_folder(str(folder))
    assert found.value.exit_code == UNREACHABLE
    return found.value


def test_a_report_of_either_layout_is_taken(report, tmp_path):
    assert check_report_folder(str(report)) == report
    legacy = write_legacy(report, tmp_path / "legacy", PERIOD, "csv")
    assert check_report_folder(str(legacy)) == legacy


def test_a_folder_that_does_not_exist(tmp_path):
    refusal = refused(tmp_path / "mount" / "cur")
    assert refusal.what == "the folder of the report does not exist"
    assert refusal.found == f"no {tmp_path}/mount/cur"
    assert refusal.where[1] == f"the last folder on that path that exists is {tmp_path}"


@pytest.mark.parametrize("named, meant", [
    ("s3:/bucket/prefix", "s3://bucket/prefix"), ("S3://bucket", "s3://bucket"),
    ("Athena", "athena"), ("Sample", "sample"), ("atena", "athena"),
])  # fmt: skip
def test_what_is_no_folder_at_all(named, meant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal) as found:
        check_report_folder(named)
    assert found.value.todo[0] == f"did you mean {meant!r}?"


@pytest.mark.parametrize(
    "below", ["data", "metadata", "data/BILLING_PERIOD=2026-05", "metadata/BILLING_PERIOD=2026-05"]
)
def test_a_folder_inside_a_report(below, report):
    refusal = refused(report / below)
    assert refusal.what == "this is not a Data Exports folder"
    assert refusal.todo == [f"name the folder above: CUR={report}"]


def test_the_folder_of_a_month_of_a_legacy_report(report, tmp_path):
    legacy = write_legacy(report, tmp_path / "legacy", PERIOD, "csv")
    refusal = refused(legacy / "20260501-20260601")
    assert refusal.todo == [f"name the folder above: CUR={legacy}"]


def test_a_folder_above_folders_of_exports(report, tmp_path):
    assert (
        check_report_folder(str(tmp_path / "bucket" / "prefix")) == tmp_path / "bucket" / "prefix"
    )
    refusal = refused(tmp_path / "bucket")
    assert refusal.what == "this is not a Data Exports folder"
    assert refusal.todo == [f"name the folder below: CUR={report}"]


def test_a_file_of_a_report(report):
    data = next(report.rglob("*.parquet"))
    refusal = refused(data)
    assert refusal.what == "CUR= names a file, not the folder of a report"
    assert refusal.todo == [f"name the folder above: CUR={report}"]


def test_data_without_its_manifests(report):
    (report / "metadata").rename(report.parent / "elsewhere")
    refusal = refused(report)
    assert refusal.found == "it has data/"
    assert "copy metadata/ too" in refusal.todo[0]


def test_folders_that_are_something_else_say_what_is_in_them(tmp_path):
    assert refused(tmp_path).found == "it is empty"
    for number in range(7):
        (tmp_path / f"{number}.txt").touch()
    assert refused(tmp_path).found == "it has 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more"


@pytest.mark.parametrize("verb", [["monthly-close", "2026-05"], ["draft", "2026-05"], ["restatements"],
                                  ["freshness", "2026-06-15"], ["daily", "2026-05-15"]])  # fmt: skip
def test_every_verb_that_reads_a_report_says_so(verb, tmp_path, capsys):
    places = ["--cur", str(tmp_path / "cur"), "--books", str(tmp_path / "books")]
    assert main([*verb, *places]) == UNREACHABLE
    assert capsys.readouterr().err.startswith("STOPPED  the folder of the report does not exist\n")
    assert not (tmp_path / "books").exists()
