"""Statements as JSON: what earlier versions wrote is read, and written again as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from chargeback.signing import Signer
from chargeback.statements import exact_json
from chargeback.statements.exact_json import from_json, to_json


@dataclass(frozen=True)
class Grown:
    """A class that has got a field since."""

    name: str
    host: str | None = field(default=None, metadata={exact_json.LATER: True})


def test_what_an_earlier_version_wrote_is_read_and_written_again_as_it_was():
    earlier = '{\n "name": "a"\n}'
    assert exact_json.from_json(Grown, earlier) == Grown("a")
    assert exact_json.to_json(Grown("a")) == earlier
    whole = Grown("a", "tsa.example.com")
    assert exact_json.from_json(Grown, exact_json.to_json(whole)) == whole


@pytest.mark.parametrize("text", ['{\n "name": "a",\n "host": null\n}', '{\n "host": "h"\n}'])
def test_a_later_field_has_one_form_too(text):
    with pytest.raises(ValueError):
        exact_json.from_json(Grown, text)


def test_who_signed_before_time_stamps_is_written_as_then():
    text = '{\n "name": "CN=Finance",\n "development": false\n}'
    assert exact_json.from_json(Signer, text) == Signer("CN=Finance", False)
    assert exact_json.to_json(Signer("CN=Finance", False)) == text


@dataclass(frozen=True)
class Part:
    text: str
    count: int | None
    is_it: bool


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    amounts: tuple[Decimal, ...]
    nothing: tuple[Part, ...]
    other: Part | None


def test_it_is_written_as_json_is_with_an_indent_of_one():
    """Written by hand, because `json.dumps` takes three times as long with an indent."""
    hostile = ('a "b" \\ / \n\t\x00\x7f', "é ü 漢 😀 \u2028", "", "</script>", "\ud800")
    whole = Whole(
        tuple(Part(text, number or None, bool(number)) for number, text in enumerate(hostile)),
        (Decimal("-0.10"), Decimal("1E+3"), Decimal("0E-10")), (), None,
    )  # fmt: skip
    plain = {
        "parts": [{"text": one.text, "count": one.count, "is_it": one.is_it} for one in whole.parts],
        "amounts": [str(one) for one in whole.amounts], "nothing": [], "other": None,
    }  # fmt: skip
    text = to_json(whole)
    assert text == json.dumps(plain, ensure_ascii=False, indent=1)
    assert from_json(Whole, text) == whole
    for spoilt in (
        text.replace(' "nothing": []', ' "nothing": [\n ]'),
        text + "\n",
        text.replace("null", "nul"),
    ):
        with pytest.raises(ValueError):
            from_json(Whole, spoilt)


def test_what_is_wrong_is_told_by_its_place():
    whole = Whole((Part("a", 1, True),), (), (), None)
    for old, new, place in (
        ('"count": 1', '"count": "1"', r"Whole\.parts\[0\]\.count: expected int, found '1'"),
        (
            '"is_it": true',
            '"is_it": true, "more": 1',
            r"Whole\.parts\[0\]: expected the keys text",
        ),
        (
            '"amounts": []',
            '"amounts": [1.5]',
            r"Whole\.amounts\[0\]: expected a decimal as text, found 1\.5",
        ),
    ):
        text = to_json(whole)
        assert old in text
        with pytest.raises(ValueError, match=place):
            from_json(Whole, text.replace(old, new))


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), ["a"], {"a": 1}, b"a"])
def test_what_has_no_exact_form_is_refused(value):
    with pytest.raises(TypeError, match="no exact form"):
        to_json(Whole((), (value,), (), None))
