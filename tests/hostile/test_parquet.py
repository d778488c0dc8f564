"""A Parquet file that AWS did not write, or not like this, is refused by its name, and by the column's."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.close.stages import derive
from chargeback.core.errors import Refusal
from chargeback.sources.column_types import check_types
from chargeback.sources.freeze import freeze_sources
from tests.close.months import run_process, write_month
from tests.hostile.refused import refused_delivery
from tests.reports import MORE, PERIOD, TYPES, data_files, line_item, write_report

pytestmark = pytest.mark.slow

COST, TAGS, ACCOUNT = "line_item_unblended_cost", "resource_tags", "line_item_usage_account_id"
TYPE = "has a type that AWS does not give it"
PARQUET = "a data file cannot be read as Parquet"
TEXTS = pa.map_(pa.string(), pa.string())
OWNERS = [[("user_cost_center", "CC-1")], [("user_cost_center", "CC-2")]]


@pytest.fixture
def report(tmp_path):
    return write_report(tmp_path / "report", [line_item(60.0, "CC-1"), line_item(40.0, "CC-2")])


def replaced(report, **columns: Any) -> None:
    """The data file with columns replaced or added."""
    [path] = data_files(report)
    table = pq.read_table(path)
    for name, values in columns.items():
        array = values if isinstance(values, pa.Array) else pa.array(values)
        there = table.schema.get_field_index(name)
        table = (
            table.append_column(name, array) if there < 0 else table.set_column(there, name, array)
        )
    pq.write_table(table, path)


#: Columns of a type that cannot hold what AWS writes there; the type is what is said of it.
WRONG: dict[str, tuple[str, Any, str]] = {
    "costs as texts": (COST, ["60.0", "40.0"], "string"),
    "costs as texts in a dictionary": (COST, pa.array(["60", "40"]).dictionary_encode(), "dictionary"),
    "costs in lists": (COST, [[60.0], [40.0]], "list<"),
    "costs in structs": (COST, [{"a": 60.0}, {"a": 40.0}], "struct<"),
    "costs as truths": (COST, [True, False], "bool"),
    "costs as bytes": (COST, [b"60", b"40"], "binary"),
    "costs as times": (COST, pa.array([1, 2], pa.timestamp("us")), "timestamp[us]"),
    "costs of 7 digits": (COST, pa.array([60.1, 39.9], pa.float32()), "float"),
    "costs of 30 decimals": (COST, pa.array([Decimal(60), Decimal(40)], pa.decimal128(38, 30)), "38, 30"),
    "costs of 256 bits": (COST, pa.array([Decimal(60), Decimal(40)], pa.decimal256(60, 10)), "60, 10"),
    "tags as a text": (TAGS, ["{}", "{}"], "string"),
    "tags as columns": (TAGS, [{"user_cost_center": "CC-1"}] * 2, "struct<"),
    "tags in lists": (TAGS, [["a"], ["b"]], "list<"),
    "tags that are numbers": (TAGS, pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64())), "int64"),
    "maps of maps": (TAGS, pa.array([[("a", [("b", "c")])]] * 2, pa.map_(pa.string(), TEXTS)), "map<"),
    "cost categories as a text": ("cost_category", ["a", "b"], "string"),
    "all tags as a text": ("tags", ["a", "b"], "string"),
    "accounts in lists": (ACCOUNT, [["012345678901"]] * 2, "list<"),
    "accounts as doubles": (ACCOUNT, [12345678901.0] * 2, "double"),
    "types in lists": ("line_item_line_item_type", [["Usage"]] * 2, "list<"),
    "payers in structs": ("bill_payer_account_id", [{"a": 1}] * 2, "struct<"),
    "payers in maps": ("bill_payer_account_id", pa.array(OWNERS, TEXTS), "map<"),
    "times as numbers": ("line_item_usage_start_date", [1, 2], "int64"),
    "amounts as texts": ("line_item_usage_amount", ["x", "y"], "string"),
    "effective costs as texts": ("reservation_effective_cost", ["1", "2"], "string"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_column_of_another_type(name, report):
    column, values, words = WRONG[name]
    replaced(report, **{column: values})
    refused_delivery(report, f"the column {column} {TYPE}", words, "tiny-00001.snappy.parquet")


def test_what_aws_writes_has_the_right_types():
    """Every column that reports of tests have, and whole numbers, empty columns and other texts beside it."""
    check_types(pa.schema({**TYPES, **MORE}), "file")
    check_types(pa.schema({
        COST: pa.int64(), ACCOUNT: pa.large_string(), TAGS: pa.null(), "line_item_operation": pa.string_view(),
        "line_item_product_code": pa.dictionary(pa.int32(), pa.string()),
        "line_item_usage_amount": pa.decimal128(38, 10), "a_column_that_nobody_reads": pa.binary(),
        "line_item_usage_start_date": pa.timestamp("ns", "UTC"),
    }), "file")  # fmt: skip


#: Costs that no bill has.
COSTS = {
    "no number": (float("nan"), "a cost is not a finite number"),
    "without end": (float("-inf"), "a cost is not a finite number"),
    "of 300 digits": (1e300, "a cost of 1e+300 is no amount of a bill"),
    "beyond 64 bits": (-9e18, "a cost of 9e+18 is no amount of a bill"),
    "beyond cents": (1e14, "a cost of 1e+14 is no amount of a bill"),
}


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.filterwarnings("error")
def test_a_cost_that_no_bill_has(name, report):
    cost, words = COSTS[name]
    replaced(report, **{COST: [cost, 40.0]})
    refused_delivery(report, PARQUET, words)


def test_the_largest_costs_are_counted_exactly(report):
    """32,768 of them, as many as are counted at once, and a cent."""
    [path] = data_files(report)
    largest = float(np.nextafter(1e14, 0))  # 99,999,999,999,999.984375
    items = [line_item(largest, "CC-1")] * 32_768 + [line_item(0.01, "CC-1")]
    other = write_report(report.parent / "other", items)
    path.write_bytes(data_files(other)[0].read_bytes())
    # The shortest text that reads back as this double is what AWS would have written.
    expected = 32_768 * Decimal("99999999999999.98") + Decimal("0.01")
    assert Decimal(freeze_sources(report, PERIOD).unblended_cost) == expected


Spoil = Callable[[bytes], bytes]

#: Bytes that are no Parquet file, or not a whole one.
BYTES: dict[str, Spoil] = {
    "nothing": lambda whole: b"",
    "a text": lambda whole: b"hello, world",
    "packed": gzip.compress,
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "without its end": lambda whole: whole[:-4],
    "encrypted": lambda whole: b"PARE" + whole[4:-4] + b"PARE",
    "a footer of nothing": lambda whole: whole[:-8] + bytes(4) + b"PAR1",
    "a footer of 2 GB": lambda whole: whole[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1",
    "a footer of -1 bytes": lambda whole: whole[:-8] + b"\xff\xff\xff\xffPAR1",
    "a footer of other bytes": lambda whole: whole[:-108] + b"\xff" * 100 + whole[-8:],
    "pages of zeros": lambda whole: whole[:100] + bytes(300) + whole[400:],
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_whole_file(name, report):
    [path] = data_files(report)
    path.write_bytes(BYTES[name](path.read_bytes()))
    refused_delivery(report, PARQUET, path.name)


def test_two_columns_of_one_name(report):
    """Engines tell them apart in their own ways, also where capitals differ."""
    [path] = data_files(report)
    table = pq.read_table(path)
    for name in (COST, COST.upper(), TAGS.title()):
        columns = [*table.columns, table[COST]]
        pq.write_table(pa.Table.from_arrays(columns, names=[*table.column_names, name]), path)
        refused_delivery(report, PARQUET, "two columns have the same name")


def test_a_column_nested_beyond_measure(report):
    deep = functools.reduce(
        lambda inner, _: pa.ListArray.from_arrays([0, 1, 2], inner), range(60), pa.array(["a", "b"])
    )
    replaced(report, product=deep)
    refused_delivery(report, PARQUET, "too deeply nested")


#: Times far away, in each form in which a report may have them.
FAR: dict[str, dict[str, Any]] = {
    "timestamps": {
        "line_item_usage_start_date": pa.array([2**62, 2], pa.timestamp("us")),
        "line_item_usage_end_date": pa.array([-(2**62), 2], pa.timestamp("us")),
    },
    "texts": {
        "line_item_usage_start_date": ["0001-01-01T00:00:00+14:00", ""],
        "line_item_usage_end_date": ["9999-12-31T23:59:59-14:00", ""],
    },
    "an interval": {"identity_time_interval": ["0001-01-01T00:00:00+14:00/9999-12-31T23:59:59-14:00", ""]},
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
def test_times_that_no_calendar_has(name, report):
    replaced(report, **FAR[name])
    refused_delivery(report, PARQUET, "out of range")


def test_no_rows_are_said_to_be_none(report, make_params, make_closing):
    """A file of no row groups is whole, as AWS writes it after a smaller delivery; alone it bills nothing."""
    [path] = data_files(report)
    pq.ParquetWriter(path, pq.read_schema(path)).close()
    assert freeze_sources(report, PERIOD).line_items == 0
    with pytest.raises(Refusal, match="the_delivery_has_line_items"):
        derive(make_closing(report, make_params()))


def test_the_whole_verb_says_it_in_one_block(tmp_path):
    """Also what libraries warn of: nothing stands beside the block, and nothing is in the books."""
    month = write_month(tmp_path)
    for path in data_files(month.report):
        table = pq.read_table(path)
        costs = pa.array([1e300] * table.num_rows)
        pq.write_table(table.set_column(table.schema.get_field_index(COST), COST, costs), path)
    ended = run_process("monthly-close", PERIOD, *month.options)
    assert ended.exit_code == 6, ended
    assert ended.refused.startswith(f"STOPPED  {PARQUET}\n"), ended
    assert all(line.startswith("  ") for line in ended.refused.splitlines()[1:]), ended
    assert not list(month.books.root.rglob("*.parquet"))
