"""Weights and keys on statements: digits that a reader can use, of the exact ones in the CSV, under names."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.pages.parts import GROUP, Table
from chargeback.pages.vocabulary import key_label, key_name, weight_text
from chargeback.params.key_names import KeyName
from chargeback.statements import sections
from chargeback.statements.own_pieces import SECTIONS
from tests.statements.estate import business, estate
from tests.statements.rendered import OWN, TIE, Rendered, rendered_once


@pytest.mark.parametrize(
    ("weight", "money", "plain"),
    [
        ("717493.0580678599", "717,493.06", "717,493"),
        ("4510.1858708496", "4,510.19", "4,510.19"),
        ("37.0150000000", "37.02", "37.015"),
        ("12.0345678000", "12.03", "12.0346"),
        ("0.0833333333", "0.08", "0.0833333"),
        ("0.2500000000", "0.25", "0.25"),
        ("2647926.0000000000", "2,647,926.00", "2,647,926"),
        ("0.0012345678", "0.00123457", "0.00123457"),
        ("0E-10", "0.00", "0"),
        ("1", "1.00", "1"),
    ],
)
def test_a_weight_has_cents_or_six_digits_and_all_of_a_short_one(weight, money, plain):
    """Worked out by hand. A weight of less than a cent would be nothing in cents, so it has digits too."""
    assert weight_text(Decimal(weight), True) == money
    assert weight_text(Decimal(weight), False) == plain


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("driver:log_volume_tb", "Log volume (TB)"),
        ("driver:headcount", "Headcount"),
        ("driver:tb", "Tb"),
        ("sql:support_base", "Support base"),
        ("direct_spend", "Direct cost"),
        ("fixed", "Fixed shares"),
    ],
)
def test_a_key_without_a_name_is_called_after_itself(key, name):
    assert key_name(key) == name
    assert key_name(key, {key: KeyName("Another", "kg")}) == "Another (kg)"
    assert key_label(key, {"driver:other": KeyName("Another", "")}) == key_label(key)


@pytest.mark.parametrize("unit_id", ["claims", "pharmacy", "corporate"])
def test_what_a_page_shows_is_what_the_csv_has_rounded(rendered, unit_id):
    """The CSV has the weight of each cost center, exactly, and all weights where they are printed."""
    own, whole = defaultdict(dict), dict[str, str]()
    with rendered.file(unit_id, "csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "allocated":
                own[row["pool_id"]][row["cost_center_id"]] = Decimal(row["weight"])
                whole[row["pool_id"]] = row["total_weight"]
    shown = {
        row.cells[0].sub: row.cells
        for part in sections.shared(rendered.statement(unit_id)).parts
        if isinstance(part, Table)
        for row in part.rows
        if row.cells[0].sub
    }
    assert own and set(own) <= set(shown)
    for pool_id, weights in own.items():
        is_money = shown[pool_id][1].text.endswith(" (USD)")
        assert shown[pool_id][2].text == weight_text(sum(weights.values(), Decimal(0)), is_money)
        if whole[pool_id]:
            assert shown[pool_id][3].text == weight_text(Decimal(whole[pool_id]), is_money)


@pytest.fixture(scope="module")
def named(tmp_path_factory) -> Rendered:
    """Statements under params that name a key, with weights of ten decimals."""

    def inputs():
        made = estate(business())
        keys = {pool.key for pool in made.params.pools}
        names = {key: KeyName(f"Measure of {key[-4:]}", "USD") for key in keys}
        return replace(made, params=replace(made.params, key_names=names))

    return rendered_once(tmp_path_factory, "named", inputs)


def test_names_that_allocation_toml_gives_stand_on_every_page_and_leak_nothing(named):
    assert named.broken()[OWN] == named.broken()[TIE] == []
    for unit_id in ("claims", "pharmacy"):
        html = named.file(unit_id, "html").read_text(encoding="utf-8")
        for pool in named.statement(unit_id).pools:
            assert pool.unit == "USD" and pool.split_by.startswith("Measure of ")
            assert f"{pool.split_by} (USD)" in html


def test_weights_in_the_currency_are_shown_in_cents(named):
    [table] = [
        part
        for part in sections.shared(named.statement("claims")).parts
        if isinstance(part, Table) and len(part.columns) == 8
    ]
    assert all(row.cells[2].text[-3] == "." for row in table.rows[:-1])


@pytest.mark.parametrize("unit_id", ["claims", "pharmacy", "corporate"])
def test_every_column_of_every_table_has_a_heading(rendered, unit_id):
    statement = rendered.statement(unit_id)
    tables = [
        part
        for _, section in SECTIONS
        for shown in [section(statement)]
        if shown
        for part in shown.parts
        if isinstance(part, Table)
    ]
    assert len(tables) > 6
    for table in tables:
        assert all(column.label.strip() for column in table.columns), table.columns
        assert all(
            len(row.cells) == len(table.columns)
            for row in table.rows
            if row.role not in (GROUP, "detail")
        )
