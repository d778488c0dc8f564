"""A data file is read once: a manifest that names it twice, in whatever spelling or through a link, is refused.

Two files that are copies of each other are two files here; that an invoice ties out is what finds those.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.sources.deliveries import cur_2_paths, find_deliveries
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report_folder import together
from tests.reports import data_files, line_item, write_manifest, write_report
from tests.sources import legacy

MAY = "2026-05"
FOLDER = f"s3://b/data/BILLING_PERIOD={MAY}/"

#: One file under two names: what stands between the folder and its name.
SPELLINGS = ["", "./", "/", ".//./", f"../data/BILLING_PERIOD={MAY}/"]


@pytest.fixture
def report(tmp_path) -> Path:
    """Two data files, of 60.00 and 40.00."""
    return write_report(tmp_path / "report", [line_item(60.0)], [line_item(40.0)])


def refused(report: Path) -> str:
    """Why a delivery is not read."""
    with pytest.raises(Refusal) as raised:
        freeze_sources(report, MAY)
    assert raised.value.exit_code == UNREACHABLE
    return raised.value.block()


def test_each_file_is_read_once(report):
    assert [one.line_items for one in freeze_sources(report, MAY).files] == [1, 1]


@pytest.mark.parametrize("between", SPELLINGS)
def test_the_same_file_in_another_spelling(report, between):
    name = data_files(report)[0].name
    write_manifest(report, [FOLDER + name, FOLDER + between + name])
    block = refused(report)
    assert "names a data file" in block and name in block


@pytest.mark.parametrize("between", ["./", "/"])
def test_another_spelling_alone_is_that_file(report, between):
    """The file is named once: it is read, under its own name."""
    name = data_files(report)[0].name
    write_manifest(report, [FOLDER + between + name])
    [delivery] = find_deliveries(report, MAY)
    assert delivery.paths == (f"data/BILLING_PERIOD={MAY}/{name}",)


@pytest.mark.parametrize("name", ["a\\..\\b", "a\0b", "a\nb", "../x", "a/../b", ""])
def test_a_name_that_no_file_has(report, name):
    write_manifest(report, [FOLDER + name])
    assert "names a data file outside the period's folder" in refused(report)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_same_file_through_a_link(report, link):
    first = data_files(report)[0]
    link(first, first.with_name("again.snappy.parquet"))
    write_manifest(report, [FOLDER + first.name, FOLDER + "again.snappy.parquet"])
    block = refused(report)
    assert "two data files of a delivery are one file" in block
    assert "again.snappy.parquet" in block and first.name in block


def test_the_same_file_through_a_folder_that_is_a_link(report):
    first = data_files(report)[0]
    (first.parent / "execution").symlink_to(first.parent)
    write_manifest(report, [FOLDER + first.name, FOLDER + "execution/" + first.name])
    assert "two data files of a delivery are one file" in refused(report)


def test_a_report_that_is_named_twice_through_a_link(report, tmp_path, monkeypatch):
    """Two exports whose folders are one: the names of their files differ, and the files do not."""
    from chargeback.sources import report_folder

    monkeypatch.setattr(report_folder, "BUILD", tmp_path / "build")
    (tmp_path / "other").symlink_to(report)
    assert "two data files of a delivery are one file" in refused(
        together([report, tmp_path / "other"])
    )


def test_a_data_file_that_is_a_link_is_read(report):
    """Only once: somebody keeps large files on another disk."""
    for one in data_files(report):
        one.rename(report.parent / one.name)
        one.symlink_to(report.parent / one.name)
    assert freeze_sources(report, MAY).line_items == 2


@pytest.mark.parametrize("between", ["", "./", "/"])
def test_the_legacy_report_too(report, tmp_path, between):
    old = legacy.write_legacy(report, tmp_path / "legacy", MAY, "csv")
    name = legacy.data_files(old)[0].relative_to(old / "20260501-20260601").as_posix()
    keys = [f"p/20260501-20260601/{name}", f"p/20260501-20260601/{between}{name}"]
    legacy.write_legacy_manifest(old, MAY, keys)
    assert "names a data file twice" in refused(old)


def test_athena_counts_by_the_same_names():
    content = {"dataFiles": [FOLDER + "x.parquet", FOLDER + "./x.parquet"]}
    path = f"data/BILLING_PERIOD={MAY}/x.parquet"
    assert cur_2_paths(content, MAY, "manifest") == (path, path)  # which check_files refuses
