"""Every layout, read back by a parser that knows the layout alone, gives the documents that were written."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.text import from_spreadsheet_text
from chargeback.delivery.erp.documents import CHARGE, Document
from chargeback.delivery.erp.flat import ALL, ORACLE_COLUMNS
from chargeback.delivery.erp.layouts import Journal, require_fitting
from chargeback.params.erp_policy import LAYOUTS, Erp
from tests.erp.made import (
    ABROAD,
    PERIOD,
    SETTINGS,
    account,
    any_charges,
    any_mapping,
    charge,
    made,
)
from tests.erp.parsers import PARSERS, Documents, Loaded, sap
from tests.examples import examples

each_layout = pytest.mark.parametrize("name", LAYOUTS)
NAMES = {
    "CC-1": "Web",
    "CC-2": 'a";=1+1\n|@x,',
    "CC-9": "Platform of a very, very, very, very long name",
}

MAPPING = [account(), account(recipient="core", **ABROAD)]
CHARGES = [
    charge("CC-1", 123456), charge("CC-2", -5), charge("CC-9", 70), charge("CC-1", 1, "correction", "2026-04"),
]  # fmt: skip


def journal(name: str, documents: list[Document], **settings: object) -> Journal:
    """A journal in a layout."""
    return Journal(PERIOD, documents, replace(SETTINGS[name], **settings), NAMES)


def written(documents: list[Document]) -> Documents:
    """The documents as a parser gives them, without texts."""
    return {
        one.reference: Loaded(
            one.heading.company_code, one.heading.currency, one.posting_date, "",
            sorted(
                (line.side.gl_account, line.side.cost_center, Decimal(line.cents).scaleb(-2), "")
                for line in one.lines
            ),
        )
        for one in documents
    }  # fmt: skip


def without_texts(documents: Documents) -> Documents:
    """What was read, without texts."""
    return {
        key: replace(one, text="", lines=sorted((*line[:3], "") for line in one.lines))
        for key, one in documents.items()
    }


@each_layout
def test_a_file_is_read_back_as_the_documents_that_were_written(name):
    documents = made(CHARGES, MAPPING)
    layout = ALL[name]
    content = layout.content(journal(name, documents))
    assert without_texts(PARSERS[name](content)) == written(documents)
    assert content == layout.content(journal(name, documents))


@each_layout
@examples(40)
@given(any_charges(), any_mapping())
def test_so_is_any_journal(name, charges, mapping):
    documents = made(charges, mapping, 7)
    if documents:
        content = ALL[name].content(journal(name, documents))
        assert without_texts(PARSERS[name](content)) == written(documents)


@each_layout
def test_texts_say_what_a_line_is_and_begin_nothing(name):
    documents = made(CHARGES, MAPPING)
    read = PARSERS[name](ALL[name].content(journal(name, documents)))
    assert read["CB-2026-05-001"].text == read["CB-2026-05-002"].text == "Cloud chargeback 2026-05"
    assert read["CB-2026-05-003"].text == "Correction of 2026-04"
    texts = sorted(text for one in read.values() for *_, text in one.lines)
    assert "2026-05 direct CC-1 Web" in texts
    assert "2026-05 corrects 2026-04 CC-1 Web" in texts
    assert "2026-05 cloud cost due from 2000" in texts and "2026-05 cloud cost due to 1000" in texts
    assert "2026-05 cloud cost offset" in texts
    [hostile] = [one for one in texts if "CC-2" in one]
    assert from_spreadsheet_text(hostile) == '2026-05 direct CC-2 a";=1+1 |@x,'
    assert ";'=" in hostile and "|'@" in hostile
    [long] = [one for one in texts if "CC-9" in one]
    whole = "2026-05 direct CC-9 Platform of a very, very, very, very long name"
    assert long == (whole[:50].rstrip() if name == "sap" else whole)


@pytest.mark.parametrize("separator", [",", ";"])
def test_sap_takes_both_separators(separator):
    documents = made(CHARGES, MAPPING)
    content = ALL["sap"].content(journal("sap", documents, separator=separator))
    assert without_texts(sap(content, separator)) == written(documents)


def test_netsuite_has_the_dates_of_the_importing_user():
    documents = made(CHARGES, MAPPING)
    for wanted, day in (
        ("MM/DD/YYYY", "05/31/2026"),
        ("DD/MM/YYYY", "31/05/2026"),
        ("YYYY-MM-DD", "2026-05-31"),
    ):
        content = ALL["netsuite"].content(journal("netsuite", documents, date_format=wanted))
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        assert {row["Date"] for row in rows} == {day}


def test_oracle_s_columns_stand_where_its_loader_reads_them():
    places = {heading: number for number, (heading, _) in enumerate(ORACLE_COLUMNS, start=1)}
    assert len(places) == len(ORACLE_COLUMNS) == 149
    assert {
        "*Status Code": 1, "*Effective Date of Transaction": 3, "*Actual Flag": 8, "Segment1": 9,
        "Segment30": 38, "Entered Debit Amount": 39, "Entered Credit Amount": 40,
        "REFERENCE1 (Batch Name)": 43, "REFERENCE4 (Journal Entry Name)": 46,
        "REFERENCE10 (Journal Entry Line Description)": 52, "Statistical Amount": 63,
        "Interface Group Identifier": 67, "Ledger Name": 92, "Period Name": 95, "REFERENCE 18": 96,
        "Attribute Date 1": 99, "Global Attribute Category": 119, "Global Attribute Number 5": 149,
    }.items() <= places.items()  # fmt: skip


@pytest.mark.parametrize(
    "name, cells, said",
    [("sap", {"company_code": "10000"}, "company_code '10000': 5 characters, at most 4"),
     ("sap", {"gl_account": "63000000000"}, "gl_account '63000000000': 11 characters, at most 10"),
     ("sap", {"erp_cost_center": "COST CENTER"}, "cost_center 'COST CENTER': 11 characters, at most 10"),
     ("oracle", {"gl_account": "6" * 26}, f"segment3 '{'6' * 26}': 26 characters, at most 25")],
)  # fmt: skip
def test_a_code_that_is_too_long_is_refused_and_not_cut(name, cells, said):
    documents = made([charge("CC-1", 5)], [account(**cells)])
    with pytest.raises(Refusal) as refused:
        require_fitting(ALL[name], journal(name, documents))
    assert refused.value.exit_code == BAD_USAGE
    assert said in refused.value.where
    assert refused.value.what == f"codes are longer than {ALL[name].title} takes"
    require_fitting(ALL["generic"], journal("generic", documents))


def test_an_amount_with_more_digits_than_netsuite_takes_is_refused():
    most = made([charge("CC-1", 9_999_999_999_99)], [account()])
    require_fitting(ALL["netsuite"], journal("netsuite", most))
    more = made([charge("CC-1", 10_000_000_000_00)], [account()])
    with pytest.raises(Refusal, match="at most 10 digits before the point"):
        require_fitting(ALL["netsuite"], journal("netsuite", more))


def test_a_limit_of_lines_can_be_lower_than_the_layout_s_and_not_higher():
    assert ALL["sap"].limit(Erp(line_limit=500)) == 500
    assert ALL["sap"].limit(Erp(line_limit=5000)) == ALL["sap"].limit(Erp()) == 999


def test_what_charges_somebody_has_a_spend_category_in_workday():
    documents = made(CHARGES[:1], [account()])
    content = ALL["workday"].content(journal("workday", documents, spend_category="Cloud"))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["Worktag_Spend_Category_ID"] for row in rows] == ["Cloud", ""]
    assert documents[0].lines[0].side.role == CHARGE
