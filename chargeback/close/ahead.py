"""Ahead of a close: what its kernels have done before they are given a notebook.

The process that kernels are forked from imports this module and rehearses, once for all notebooks of all
periods: plotly and sqlglot load most of themselves when they are first used, not when they are imported.
Controls are translated here once, and not in each notebook of each period.
"""

from __future__ import annotations

import itertools
from decimal import Decimal

import pypdfium2  # noqa: F401
import typst  # noqa: F401

from chargeback.allocation import view as allocation_view  # noqa: F401
from chargeback.attribution import view as attribution_view  # noqa: F401
from chargeback.close import stages  # noqa: F401
from chargeback.core.runner import load_papermill
from chargeback.engine import read_sql, translate
from chargeback.engine.controls import GROUPS
from chargeback.ledger import view as ledger_view  # noqa: F401
from chargeback.pages.figures import bar, waterfall
from chargeback.rollup import view as rollup_view  # noqa: F401
from chargeback.sources import view as sources_view  # noqa: F401
from chargeback.statements import leaks, readback, sections, write  # noqa: F401
from chargeback.statements import view as statements_view  # noqa: F401


def rehearse() -> None:
    """Draw, translate and load what every notebook of a close does."""
    load_papermill()
    bar(["one"], [Decimal(1)], "rehearsal")._repr_mimebundle_()
    waterfall([("one", Decimal(1))], "rehearsal")._repr_mimebundle_()
    translate("select one from rehearsals where billing_period = :period", {"period": "2026-05"})
    for name in itertools.chain.from_iterable(GROUPS.values()):  # controls have no parameters
        translate(read_sql("controls", name), {})
