"""Random estates: each month is as a plain recomputation has it, or is refused as a controller would refuse it.

CHARGEBACK_ESTATES says how many are drawn, 200 where it says nothing, and CHARGEBACK_ESTATES_FIRST with which
seed they begin. A failure names its seed; `python -m tests.estates.closes 1 --first <seed>` repeats it.
"""

from __future__ import annotations

import os

import pytest

from tests.estates.closes import close_estate, close_whole_estate
from tests.estates.estate import NUMERIC_IDS_IN_WHOLE_CLOSES

COUNT = int(os.environ.get("CHARGEBACK_ESTATES", "200"))
FIRST = int(os.environ.get("CHARGEBACK_ESTATES_FIRST", "1"))
A_TEST = 10

#: Seeds of months that a whole close is made of: with a credit memo that has no line items, with costs on no
#: invoice and an invoice that comes to nothing, and with nothing that costs anything.
WHOLE = (13, 50, 68)

SEEDS = [
    range(one, min(one + A_TEST, FIRST + COUNT)) for one in range(FIRST, FIRST + COUNT, A_TEST)
]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SEEDS, ids=lambda one: f"{one.start}-{one.stop - 1}")
def test_every_month_is_as_it_is_worked_out_plainly(seeds):
    ended = [close_estate(seed) for seed in seeds]
    wrong = {f"seed {one.seed}": one.wrong for one in ended if one.wrong}
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("seed", WHOLE)
def test_a_whole_close_posts_the_same_and_passes_its_audit(seed, tmp_path):
    ended = close_whole_estate(seed, tmp_path, NUMERIC_IDS_IN_WHOLE_CLOSES)
    assert (ended.refused, ended.wrong) == ("", [])
