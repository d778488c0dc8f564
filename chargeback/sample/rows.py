"""Rows: line items as arrays of codes and amounts, before they become a table.

A thing is a resource under one series, or the series itself where AWS names no resource; it has one
identity_line_item_id, which together with the time interval is unique within a delivery (CUR fact
1.7).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chargeback.sample.columns import CODED_SCHEMA, MAPS, NUMBERS, ROW_TEXTS, TEXTS, blank
from chargeback.sample.months import Month
from chargeback.sample.series import Series
from chargeback.sample.spread import UNITS_PER_DOLLAR, Ints

PARENT = "split_line_item_parent_resource_id"
NULL_CODE = -1
HEX = re.compile(r"\{hex([0-9]+)\}")


@dataclass(frozen=True)
class Things:
    """Names of the things that rows refer to by number, in step with each other."""

    ids: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    parents: list[str | None] = field(default_factory=list)

    def add(
        self, series_number: int, series: Series, number: int, salt: str, parent: str | None = None
    ) -> None:
        """Name one more thing; `salt` names seed and period."""
        identity = hashlib.sha256(f"{salt}/{series_number}/{number}".encode()).digest()
        self.ids.append(base64.b32encode(identity).decode().rstrip("=").lower())
        self.resources.append(resource_id(series, number))
        self.parents.append(parent)


def resource_id(series: Series, number: int) -> str:
    """The id of a series' resource; the same in every period, as a resource that lives on."""
    if not series.resource:
        return ""
    texts, tag = series.texts, series.resource_tags.get("user_cost_center")
    key = (
        f"{texts['line_item_usage_account_id']}/{texts['line_item_usage_type']}/"
        f"{texts['line_item_operation']}/{texts['line_item_line_item_type']}/{tag}/{number}"
    ) + (f"/{series.twin}" if series.twin else "")
    digits = hashlib.sha256(key.encode()).hexdigest()
    name = series.resource.replace("{n}", f"{int(digits[-3:], 16):03d}{number:02d}")
    return HEX.sub(lambda found: digits[: int(found[1])], name)


@dataclass(frozen=True)
class Rows:
    """Line items; every array has one element a row.

    Args:
        series: number of the series.
        things: number of the thing, ascending, within `names`.
        intervals: code of the interval, see `Month.intervals`.
        numbers: double columns; NaN is null.
    """

    series: Ints
    things: Ints
    intervals: Ints
    numbers: dict[str, NDArray[np.float64]]
    names: Things

    def __len__(self) -> int:
        return len(self.series)

    def after(self, start: int) -> Rows:
        """The rows from start on, with only the things that they refer to."""
        first = int(self.things[start])
        names = Things(
            self.names.ids[first:], self.names.resources[first:], self.names.parents[first:]
        )
        return Rows(
            self.series[start:],
            self.things[start:] - first,
            self.intervals[start:],
            {name: column[start:] for name, column in self.numbers.items()},
            names,
        )


def dollars(units: Ints) -> NDArray[np.float64]:
    """1e-10 units as the double that AWS would write: the nearest to the decimal amount."""
    return units.astype(np.float64) / UNITS_PER_DOLLAR


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Several rows as one."""
    if len(parts) == 1:
        return parts[0]
    names = Things()
    things, offset = [], 0
    for part in parts:
        things.append(part.things + offset)
        offset += len(part.names.ids)
        names.ids.extend(part.names.ids)
        names.resources.extend(part.names.resources)
        names.parents.extend(part.names.parents)
    columns = sorted({name for part in parts for name in part.numbers})
    return Rows(
        np.concatenate([part.series for part in parts]),
        np.concatenate(things),
        np.concatenate([part.intervals for part in parts]),
        {
            name: np.concatenate(
                [part.numbers.get(name, np.full(len(part), np.nan)) for part in parts]
            )
            for name in columns
        },
        names,
    )


class SeriesColumns:
    """What rows take from their series, coded once: texts as dictionaries, numbers, maps."""

    def __init__(self, series: Sequence[Series], month: Month) -> None:
        self.codes: dict[str, NDArray[np.int32]] = {}
        self.values: dict[str, pa.Array] = {}
        for column in sorted(TEXTS - {*ROW_TEXTS, PARENT}):
            default = blank(column)
            texts = [one.texts.get(column, default) for one in series]
            self.codes[column], self.values[column] = coded(texts)
        self.numbers = {
            column: np.array([one.numbers.get(column, np.nan) for one in series])
            for column in sorted({name for one in series for name in one.numbers})
        }
        maps = {
            "cost_category": [list(one.cost_category.items()) for one in series],
            "product": [list(one.product.items()) for one in series],
            "resource_tags": [list(one.resource_tags.items()) for one in series],
            "discount": [bundled_discount(one) for one in series],
        }
        self.maps = {name: pa.array(entries, MAPS[name]) for name, entries in maps.items()}
        intervals = month.intervals()
        self.interval_texts = [one.text for one in intervals]
        self.starts = np.array([one.start for one in intervals]).astype("datetime64[us]")
        self.ends = np.array([one.end for one in intervals]).astype("datetime64[us]")
        self.period_start = month.start.astype("datetime64[us]")
        self.period_end = month.end.astype("datetime64[us]")

    def table(self, rows: Rows, start: int, stop: int) -> pa.Table:
        """The rows from start to stop as a table of the report."""
        count = stop - start
        series = rows.series[start:stop]
        things = rows.things[start:stop]
        first, last = int(things.min()), int(things.max()) + 1
        codes = things - first
        intervals = rows.intervals[start:stop]
        series_index = pa.array(series.astype(np.int32))
        zeros = pa.array(np.zeros(count, dtype=np.int32))
        arrays: dict[str, pa.Array] = {
            "identity_line_item_id": dictionary(codes, rows.names.ids[first:last]),
            "line_item_resource_id": dictionary(codes, rows.names.resources[first:last]),
            "identity_time_interval": dictionary(intervals, self.interval_texts),
            "line_item_usage_start_date": pa.array(self.starts[intervals]),
            "line_item_usage_end_date": pa.array(self.ends[intervals]),
            "bill_billing_period_start_date": pa.array(np.full(count, self.period_start)),
            "bill_billing_period_end_date": pa.array(np.full(count, self.period_end)),
        }
        if any(parent is not None for parent in rows.names.parents[first:last]):
            arrays[PARENT] = dictionary(codes, rows.names.parents[first:last])
        for column, values in self.values.items():
            if len(values) == 1 and self.codes[column].min() == 0:
                arrays[column] = pa.DictionaryArray.from_arrays(zeros, values)
            elif len(values):
                index = self.codes[column][series]
                arrays[column] = pa.DictionaryArray.from_arrays(
                    pa.array(index, mask=index == NULL_CODE), values
                )
        for column in NUMBERS:
            numbers = self.numbers[column][series] if column in self.numbers else None
            if column in rows.numbers:
                own = rows.numbers[column][start:stop]
                numbers = own if numbers is None else np.where(np.isnan(own), numbers, own)
            if numbers is not None:
                arrays[column] = pa.array(numbers, pa.float64(), from_pandas=True)
        for column, values in self.maps.items():
            arrays[column] = values.take(series_index)
        return pa.table(
            {
                field.name: arrays[field.name]
                if field.name in arrays
                else pa.nulls(count, field.type)
                for field in CODED_SCHEMA
            },
            schema=CODED_SCHEMA,
        )


def coded(names: Sequence[str | None]) -> tuple[NDArray[np.int32], pa.Array]:
    """A code for each name, NULL_CODE for None, and the different names by code."""
    present = dict.fromkeys(name for name in names if name is not None)
    known: dict[str | None, int] = {name: code for code, name in enumerate(present)}
    known[None] = NULL_CODE
    codes = np.array([known[name] for name in names], dtype=np.int32)
    return codes, pa.array(list(present), pa.string())


def dictionary(codes: NDArray[np.integer], names: Sequence[str | None]) -> pa.DictionaryArray:
    """Names by code, each name once: Parquet writes a dictionary with doubles out in full.

    A name of None is null.
    """
    name_codes, values = coded(names)
    index = name_codes[codes]
    return pa.DictionaryArray.from_arrays(pa.array(index, mask=index == NULL_CODE), values)


def bundled_discount(series: Series) -> list[tuple[str, float]]:
    """The discount map: a zero entry where AWS WAF is bundled, otherwise no entry."""
    return [("BundledDiscount", 0.0)] if series.texts["line_item_product_code"] == "awswaf" else []
