"""Paths that books give are followed inside of their folders only."""

from __future__ import annotations

import json

import pytest

from chargeback.books.source_record import SourceRecord
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.sources.freeze import freeze_sources
from tests.reports import line_item, write_report

OUT = [
    "../out.parquet",
    "data/../../out.parquet",
    "/etc/passwd",
    "data//x",
    "./x",
    "a\\..\\x",
    "a\0",
    "",
]


@pytest.mark.parametrize("path", OUT)
@pytest.mark.parametrize("part", ["manifest", "files"])
def test_a_source_record_stays_in_its_report(tmp_path, path, part):
    record = json.loads(
        freeze_sources(write_report(tmp_path, [line_item(1.0)]), "2026-05").to_json()
    )
    assert SourceRecord.from_json(json.dumps(record)).line_items == 1
    (record["files"][0] if part == "files" else record["manifest"])["path"] = path
    with pytest.raises(Refusal) as raised:
        SourceRecord.from_json(json.dumps(record))
    assert raised.value.exit_code == CONTROL_FAILED
    assert "names a file outside of its report" in raised.value.block()
