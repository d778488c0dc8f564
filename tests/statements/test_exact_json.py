"""Statements as JSON: what earlier versions wrote is read, and written again as it was."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from chargeback.signing import Signer
from chargeback.statements import exact_json


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
