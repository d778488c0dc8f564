"""A statement is written in one exact form and read back as it was, and nothing else is read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.model import Listed, Rest, Statement
from chargeback.statements.sections import open_statement
from tests.statements.estate import estate
from tests.statements.hostile import hostile_estate

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)


def few(kind: Any) -> st.SearchStrategy[Any]:
    """A short tuple of things of a kind."""
    return st.lists(st.from_type(kind), max_size=2).map(tuple)


def listed(alias: Any) -> st.SearchStrategy[Any]:
    """Rows of the kind that the list is of, with and without a rest."""
    [kind] = get_args(alias)
    return st.builds(Listed, few(kind), st.none() | st.from_type(Rest))


st.register_type_strategy(Decimal, DECIMALS)
st.register_type_strategy(tuple, lambda alias: few(get_args(alias)[0]))
st.register_type_strategy(Listed, listed)


@pytest.fixture(scope="module")
def text() -> str:
    """A statement with something in each of its parts, as it is written."""
    inputs = estate()
    return extract_units(inputs, read_charges(inputs))["claims"].to_json()


@pytest.mark.slow
@given(st.from_type(Statement))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_statement_is_read_back_as_it_was(statement: Statement):
    """Also the digits of its decimals, which an equal number may have other ones of."""
    again = Statement.from_json(statement.to_json())
    assert again == statement
    assert repr(again) == repr(statement)
    assert again.to_json() == statement.to_json()


@pytest.mark.parametrize("make", [estate, hostile_estate])
def test_the_statements_of_a_month_are_read_from_their_files(make, tmp_path):
    inputs = make()
    for unit_id, statement in extract_units(inputs, read_charges(inputs)).items():
        file = tmp_path / f"{unit_id}.json"
        file.write_text(statement.to_json(), encoding="utf-8")
        assert repr(open_statement(unit_file=str(file))) == repr(statement)


def test_amounts_are_written_as_text(text):
    """A reader whose numbers are floats cannot change one of them."""
    numbers = list[float]()
    json.loads(text, parse_float=lambda number: numbers.append(float(number)))
    assert numbers == []
    assert json.loads(text)["total"] == str(Statement.from_json(text).total)


def value_changed(text: str, **values: Any) -> str:
    return json.dumps(json.loads(text) | values, ensure_ascii=False, indent=1)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"total": "much"}, "Statement.total: expected a decimal as text, found 'much'"),
        ({"total": 12.5}, "Statement.total: expected a decimal as text, found 12.5"),
        ({"total": "NaN"}, "Statement.total: expected a decimal as text, found 'NaN'"),
        ({"total": "01.50"}, "Statement is not written in its one form"),
        ({"provisional": 0}, "Statement.provisional: expected bool, found 0"),
        ({"billing_period": None}, "Statement.billing_period: expected str, found None"),
        ({"kinds": {}}, "Statement.kinds: expected a list, found {}"),
        ({"unit": []}, "Statement.unit: expected an object, found []"),
        ({"unit": {"name": "x"}}, "Statement.unit: expected the keys business_unit_id, name, owner"),
        ({"of_another_unit": "x"}, "Statement: expected the keys billing_period, currency"),
    ],
)  # fmt: skip
def test_another_form_is_refused_and_says_where(text, values, says):
    assert value_changed(text) == text
    with pytest.raises(ValueError, match=re.escape(says)):
        Statement.from_json(value_changed(text, **values))


def test_an_amount_that_is_no_decimal_is_not_written(text):
    statement = Statement.from_json(text)
    for wrong in (12.5, Decimal("Infinity"), object()):
        with pytest.raises(TypeError):
            replace(statement, total=wrong).to_json()


def test_a_statement_of_another_layout_of_the_text_is_refused(text, tmp_path: Path):
    file = tmp_path / "unit.json"
    file.write_text(json.dumps(json.loads(text)), encoding="utf-8")
    with pytest.raises(ValueError, match="one form"):
        open_statement(unit_file=str(file))
