"""A close that reads with Athena gives what a close of the same files in a folder gives, byte for byte."""

from __future__ import annotations

from dataclasses import replace

from chargeback.close.stages import derive
from tests.close.months import sha256


def test_every_table_is_the_same(account, closing, month):
    athena, folder = closing("athena"), replace(closing("folder"), report=month.report)
    derive(athena)
    derive(folder)
    for name in ("rollup", "owned_costs", "owner_costs", "charges", "postings"):
        assert sha256(athena.path(f"{name}.parquet")) == sha256(folder.path(f"{name}.parquet")), (
            name
        )
    ours, theirs = athena.source_record(), folder.source_record()
    assert (ours.line_items, ours.unblended_cost) == (theirs.line_items, theirs.unblended_cost)
    assert ours.absent_columns == theirs.absent_columns
    assert [(one.path, one.size, one.line_items) for one in ours.files] == [
        (one.path, one.size, one.line_items) for one in theirs.files
    ]
