"""Charges, mappings and settings for tests, as few words as they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from chargeback.books.schema import POSTINGS
from chargeback.delivery.erp.charges import Charge, book
from chargeback.delivery.erp.documents import Document, documents_of
from chargeback.params.erp_policy import Erp
from chargeback.params.gl_accounts import ANY, GlAccount

PERIOD, POSTED = "2026-05", date(2026, 5, 31)

#: The cost centers of the tests, and the unit of each.
UNITS = {"CC-1": "shop", "CC-2": "shop", "CC-9": "core"}

HEADER = (
    "kind,recipient,company_code,gl_account,erp_cost_center,offset_company_code,offset_gl_account,"
    "offset_cost_center,due_to_gl_account,due_from_gl_account,valid_from,valid_to\n"
)
#: Everything on one account of one company.
ONE_ROW = "*,*,1000,630000,,,199000,9000,,,2026-01,\n"

ORACLE = Erp(
    layout="oracle", ledger="US Primary", journal_source="Chargeback", journal_category="Allocation",
    segments=("{company_code}", "{cost_center}", "{gl_account}", "000"),
)  # fmt: skip
SETTINGS = {
    "generic": Erp(),
    "sap": Erp(layout="sap", document_type="SA"),
    "oracle": ORACLE,
    "netsuite": Erp(layout="netsuite"),
    "workday": Erp(layout="workday", journal_source="Chargeback", account_set="Corporate"),
}
ERP_TOML = {
    "generic": '[erp]\nlayout = "generic"\n',
    "sap": '[erp]\nlayout = "sap"\ndocument_type = "SA"\n',
    "oracle": (
        '[erp]\nlayout = "oracle"\nledger = "US Primary"\njournal_source = "Chargeback"\n'
        'journal_category = "Allocation"\n'
        'segments = ["{company_code}", "{cost_center}", "{gl_account}", "000"]\n'
    ),
    "netsuite": '[erp]\nlayout = "netsuite"\n',
    "workday": '[erp]\nlayout = "workday"\njournal_source = "Chargeback"\naccount_set = "Corporate"\n',
}


def account(kind: str = ANY, recipient: str = ANY, **cells: str) -> GlAccount:
    """A row of gl_accounts.csv: in 1000, debit 630000, credit 199000 on 9000, unless cells say otherwise."""
    usual = {
        "company_code": "1000", "gl_account": "630000", "erp_cost_center": "", "offset_company_code": "",
        "offset_gl_account": "199000", "offset_cost_center": "9000", "due_to_gl_account": "",
        "due_from_gl_account": "", "valid_from": "2026-01", "valid_to": "",
    }  # fmt: skip
    where = f"gl_accounts.csv: {kind},{recipient}"
    return GlAccount(kind, recipient, **{**usual, **cells}, where=where)


#: A row of a company that another one pays for.
ABROAD = {
    "company_code": "2000", "offset_company_code": "1000", "due_to_gl_account": "251000",
    "due_from_gl_account": "151000",
}  # fmt: skip


def charge(
    center: str, cents: int, kind: str = "direct", original: str = "", currency: str = "USD"
) -> Charge:
    """What a cost center of the tests is charged."""
    return Charge(original, currency, center, kind, UNITS.get(center, "shop"), cents)


def made(
    charges: Sequence[Charge], mapping: Sequence[GlAccount], line_limit: int = 999
) -> list[Document]:
    """The documents of charges."""
    return documents_of(book(charges, mapping, PERIOD), PERIOD, "CB", POSTED, line_limit)


def postings(*rows: tuple[str, str, str, str]) -> pa.Table:
    """A ledger's rows: (cost center or "", kind, original period or "", amount)."""
    return pa.Table.from_pylist(
        [
            {**dict.fromkeys(POSTINGS.names), "cost_center_id": center or None, "kind": kind,
             "business_unit_id": UNITS.get(center), "original_period": original or None,
             "currency": "USD", "amount": Decimal(amount)}
            for center, kind, original, amount in rows
        ],
        schema=POSTINGS,
    )  # fmt: skip


CENTERS = [f"CC-{number}" for number in range(1, 9)]
KINDS = ("direct", "allocated", "commitment", "rounding", "adjustment")
AMOUNTS = st.integers(-(10**13), 10**13).filter(bool)


@st.composite
def any_charges(draw: st.DrawFn) -> list[Charge]:
    """Charges of any sign, of two currencies, of the period and of two that it corrects; each key once."""
    keys = draw(
        st.sets(
            st.tuples(
                st.sampled_from(("", "2026-03", "2026-04")), st.sampled_from(("USD", "EUR")),
                st.sampled_from(CENTERS), st.sampled_from(KINDS),
            ),
            max_size=24,
        )
    )  # fmt: skip
    found = {
        charge(center, draw(AMOUNTS), "correction" if original else kind, original, currency)
        for original, currency, center, kind in keys
    }
    whole = {
        (one.original_period, one.currency, one.cost_center_id, one.kind): one for one in found
    }
    return sorted(whole.values())


@st.composite
def any_mapping(draw: st.DrawFn) -> list[GlAccount]:
    """One row for everything, and more for some cost centers and kinds, in up to three companies."""
    companies = st.sampled_from(("1000", "2000", "3000"))
    offsets = st.sampled_from(("199000", "199001"))
    rows = [account(**of_company(draw(companies), draw(companies), draw(offsets)))]
    for center in draw(st.sets(st.sampled_from(CENTERS))):
        rows.append(
            account(
                recipient=center, erp_cost_center=draw(st.sampled_from(("", f"ERP {center}"))),
                gl_account=draw(st.sampled_from(("630000", "640000"))),
                **of_company(draw(companies), draw(companies), draw(offsets)),
            )
        )  # fmt: skip
        for kind in draw(st.sets(st.sampled_from(KINDS), max_size=2)):
            rows.append(account(kind, center, gl_account="650000"))
    return rows


def of_company(company: str, payer: str, offset: str) -> dict[str, str]:
    """The cells of a row that say who pays."""
    return {
        **ABROAD,
        "company_code": company,
        "offset_company_code": payer,
        "offset_gl_account": offset,
    }
