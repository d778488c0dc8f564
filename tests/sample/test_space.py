"""A sample report that the disk has no room for is refused before anything is written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.sample import space, write_estate


def test_it_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    needed = space.bytes_needed(6_000)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed - 1))
    with pytest.raises(Refusal) as refused:
        write_estate(tmp_path, ["2026-05"], 6_000)
    assert refused.value.exit_code == BAD_USAGE
    assert "6,000 line items" in refused.value.expected
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("line_items", [6_000, 50_000, 250_000])
def test_the_estimate_is_not_too_small(tmp_path, line_items):
    write_estate(tmp_path, ["2026-05"], line_items)
    written = sum(one.stat().st_size for one in tmp_path.rglob("*.parquet"))
    assert written <= space.bytes_needed(line_items)
