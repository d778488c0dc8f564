"""How a hostile input is looked at: one block with its exit code, and nothing changed or left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.sources.freeze import freeze_sources
from tests.close.months import digests
from tests.reports import PERIOD


def refused_delivery(report: Path, *words: str) -> Refusal:
    """The refusal of a delivery, with exit code 6, that names a file and holds these words."""
    before = digests(report.parent)
    with pytest.raises(Refusal) as raised:
        freeze_sources(report, PERIOD)
    refusal = raised.value
    block = refusal.block()
    assert refusal.exit_code == UNREACHABLE, block
    assert refusal.what and refusal.found and refusal.where, block
    assert all(line.startswith(("STOPPED", "  ")) for line in block.splitlines()), block
    for one in words:
        assert one in block, block
    assert digests(report.parent) == before
    return refusal
