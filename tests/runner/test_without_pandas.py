"""A verb that shows no table goes without pandas, and whoever wants one all the same has it."""

from __future__ import annotations

import subprocess
import sys

from chargeback.core.paths import ROOT

BEGIN = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"


def said(source: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-I", "-c", BEGIN + source]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_arrow_does_without_pandas_and_makes_data_frames_all_the_same():
    assert said("""
from chargeback.core.arrow_alone import without_pandas
without_pandas()
import pyarrow as pa, pyarrow.parquet
from decimal import Decimal
table = pa.table({"a": [1, 2], "b": [Decimal("1.10"), None]})
table.filter(pa.array([True, False])).to_pylist()
print("pandas" in sys.modules, table["b"].type)
print(list(table.to_pandas()["a"]), "pandas" in sys.modules)
import pandas
print(pa.array(pandas.Series([1, None])).null_count)
""").splitlines() == ["False decimal128(3, 2)", "[1, 2] True", "1"]


def test_who_has_pandas_keeps_it():
    assert said("""
import pandas
from chargeback.core.arrow_alone import without_pandas
without_pandas()
import pyarrow as pa
print(pa.array(pandas.Series([1, 2])).to_pylist(), sys.meta_path[0].__class__.__name__)
""").startswith("[1, 2]")


def test_the_daily_verb_imports_neither_pandas_nor_matplotlib():
    """What its process imports: the daily flow, dashboards and papermill; tables are shown in kernels."""
    assert (
        said("""
import chargeback.cli, chargeback.daily.run
from chargeback.core.arrow_alone import without_pandas
without_pandas()
import chargeback.daily.publish, chargeback.dashboards.run, chargeback.sources.redeliveries
from chargeback.books.tables import read_postings
from chargeback.core.runner import load_papermill
load_papermill()
print(sorted({"pandas", "matplotlib", "plotly", "scipy", "statsmodels"} & set(sys.modules)))
""")
        == "[]"
    )
