"""Whom to ask, until when a line can be disputed, and how: on each statement, from the params of its close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargeback.params.delivery import Delivery, read_delivery
from chargeback.statements import sections
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ReadersHelp, Statement
from chargeback.statements.tagged_pdf import texts_of_pdf
from tests.statements.estate import UNITS, business, estate
from tests.statements.rendered import Rendered

USUAL = "Name the line as it stands here, how much of it is not yours, and why."


def delivered(tmp_path, text: str, period: str = "2026-05") -> Delivery:
    (tmp_path / "delivery.toml").write_text(text)
    return read_delivery(tmp_path, period)


def with_delivery(delivery: Delivery, **changes) -> StatementInputs:
    units = {name: UNITS[name] for name in ("claims", "corporate")}
    params = replace(business(units), delivery=delivery)
    return replace(estate(params, periods=()), **changes)


def statement_of(inputs: StatementInputs, unit_id: str = "claims") -> Statement:
    return extract_units(inputs, read_charges(inputs))[unit_id]


def said(inputs: StatementInputs) -> str:
    [paragraph] = sections.readers_help(statement_of(inputs)).parts
    return paragraph.text


def test_params_say_whom_to_ask_until_when_and_how(tmp_path):
    delivery = delivered(
        tmp_path,
        '[mail]\nask = "FinOps, finops@insurer.example."\n'
        '[disputes]\nraise_until_day = 20\nraise_business_days = 10\nhow = "Call 4711."\n',
    )
    assert said(with_delivery(delivery)) == (
        "Questions: FinOps, finops@insurer.example. You can dispute a line until 20 June 2026, or for 10 "
        "business days after handing out if that is later. Call 4711."
    )


def test_without_params_it_says_what_holds_then():
    found = said(with_delivery(Delivery()))
    assert found.startswith(
        "Questions: your FinOps team. You can dispute a line for 15 business days after this was "
        f"handed out. {USUAL}"
    )


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ('[mail]\nreply_to = "bills@insurer.example"\n', "bills@insurer.example"),
        ('[disputes]\nowner = "Rita Ng"\n', "Rita Ng"),
        (
            '[mail]\nask = "the desk"\nreply_to = "b@c.example"\n[disputes]\nowner = "R"\n',
            "the desk",
        ),
    ],
)
def test_who_is_to_be_asked_is_who_is_named_first(tmp_path, text, asked):
    assert statement_of(with_delivery(delivered(tmp_path, text))).readers_help.ask == asked


def test_lines_of_an_open_month_cannot_be_disputed_yet(tmp_path):
    delivery = delivered(tmp_path, "[disputes]\nraise_until_day = 20\n")
    found = said(with_delivery(delivery, provisional=True))
    assert found == "Questions: your FinOps team. Lines can be disputed once the period is closed."


def test_the_contact_of_a_unit_is_on_no_statement(tmp_path):
    contacts = "".join(
        f'[[contact]]\nbusiness_unit_id = "{unit}"\nto = ["{unit}.desk@insurer.example"]\n'
        'valid_from = "2025-01"\n'
        for unit in ("claims", "corporate")
    )
    inputs = with_delivery(delivered(tmp_path, contacts))
    for unit_id in ("claims", "corporate"):
        assert "desk@" not in statement_of(inputs, unit_id).to_json()


def test_what_an_earlier_version_wrote_has_no_help_and_is_read_as_it_is():
    statement = replace(statement_of(with_delivery(Delivery())), readers_help=None, cost_basis="")
    text = statement.to_json()
    assert "readers_help" not in text and "cost_basis" not in text
    assert Statement.from_json(text) == statement
    assert not sections.readers_help(statement).parts
    assert "All amounts are in USD. " in sections.made_of(statement).markdown()


def test_the_help_is_read_again_as_it_was_written():
    statement = statement_of(with_delivery(Delivery()))
    assert isinstance(statement.readers_help, ReadersHelp)
    assert Statement.from_json(statement.to_json()) == statement


def test_it_stands_on_the_first_page_of_html_and_pdf(rendered: Rendered):
    for unit_id in rendered.units:
        [paragraph] = sections.readers_help(rendered.statement(unit_id)).parts
        page = rendered.file(unit_id, "html").read_text(encoding="utf-8")
        assert page.count(paragraph.text) == 1
        assert page.index(paragraph.text) < page.index("<h2")
        letters = ["".join(text.split()) for text in texts_of_pdf(rendered.file(unit_id, "pdf"))]
        assert "".join(paragraph.text.split()) in "".join(letters)


def test_approvals_are_words_with_their_number(rendered: Rendered):
    page = rendered.file("claims", "html").read_text(encoding="utf-8")
    assert ">approved, change CHG0031001<" in page and ">CHG0031001<" not in page


def test_a_council_that_ratified_the_rules_approved_each_of_them():
    council = {
        "reference": "servicenow:CHG0031700",
        "approved_by": "FinOps council",
        "approved_on": "2026-04-22",
        "valid_from": "2026-05",
    }
    statement = statement_of(with_delivery(Delivery(), ratification=council))
    about = [one.about for one in statement.direct.rules if one.about]
    assert about == ["buckets from before tags (approved by the FinOps council, change CHG0031009)"]
    assert "was approved by the FinOps council, under what" in sections.shared(statement).markdown()
    assert "ratified by the FinOps council on 2026-04-22 (change CHG0031700), from May 2026." in (
        sections.verify(statement).markdown()
    )


def test_terms_stand_below_the_table_that_uses_them(rendered: Rendered):
    page = rendered.file("claims", "html").read_text(encoding="utf-8")
    shared = page[page.index(">Shared cost</h2>") : page.index(">Commitments, rounding")]
    for word in ("Pool", "Key", "Weight"):
        assert f"<b>{word}</b>: " in shared
    assert "at amortized cost." in page and "<b>Amortized</b>: the cost basis" in page
