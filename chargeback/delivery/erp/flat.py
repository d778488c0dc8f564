"""The layouts: which columns each ERP reads, as data; chargeback/delivery/erp/layouts.py writes them."""

from __future__ import annotations

from chargeback.delivery.erp.layouts import Columns, Layout
from chargeback.delivery.erp.sap import SAP

GENERIC = Layout(
    "generic", "an ERP that maps columns by name", "{prefix}-{period}.csv",
    columns=tuple(
        (name, name)
        for name in (
            "document", "document_type", "company_code", "document_date", "posting_date", "currency",
            "header_text", "original_period", "line", "gl_account", "cost_center", "debit", "credit",
            "text", "assignment", "kind", "cost_center_id", "partner_company_code",
        )
    ),
)  # fmt: skip


def numbered(heading: str, first: int, last: int, name: str = "") -> Columns:
    """Columns with a number in their heading, and in the name of their value where they have one."""
    return tuple(
        (f"{heading}{number}", f"{name}{number}" if name else "")
        for number in range(first, last + 1)
    )


#: The columns of the worksheet GL_INTERFACE in the order in which FBDI reads them; it has no row of headings.
ORACLE_COLUMNS: Columns = (
    ("*Status Code", "=NEW"),
    ("*Ledger ID", "ledger_id"),
    ("*Effective Date of Transaction", "posting_date"),
    ("*Journal Source", "journal_source"),
    ("*Journal Category", "journal_category"),
    ("*Currency Code", "currency"),
    ("*Journal Entry Creation Date", "document_date"),
    ("*Actual Flag", "=A"),
    *numbered("Segment", 1, 30, "segment"),
    ("Entered Debit Amount", "debit"),
    ("Entered Credit Amount", "credit"),
    ("Converted Debit Amount", ""),
    ("Converted Credit Amount", ""),
    ("REFERENCE1 (Batch Name)", "batch"),
    ("REFERENCE2 (Batch Description)", ""),
    ("REFERENCE3", ""),
    ("REFERENCE4 (Journal Entry Name)", "document"),
    ("REFERENCE5 (Journal Entry Description)", "header_text"),
    ("REFERENCE6 (Journal Entry Reference)", "document"),
    ("REFERENCE7 (Journal Entry Reversal flag)", ""),
    ("REFERENCE8 (Journal Entry Reversal Period)", ""),
    ("REFERENCE9 (Journal Reversal Method)", ""),
    ("REFERENCE10 (Journal Entry Line Description)", "text"),
    *numbered("Reference column ", 1, 10),
    ("Statistical Amount", ""),
    ("Currency Conversion Type", ""),
    ("Currency Conversion Date", ""),
    ("Currency Conversion Rate", ""),
    ("Interface Group Identifier", "group"),
    ("Context field for Journal Entry Line DFF", ""),
    *numbered("Attribute value for Journal Entry Line DFF ", 1, 10),
    *numbered("Attribute value for Captured Information DFF ", 11, 20),
    ("Context field for Captured Information DFF", ""),
    ("Average Journal Flag", ""),
    ("Clearing Company", ""),
    ("Ledger Name", "ledger"),
    ("Encumbrance Type ID", ""),
    ("Reconciliation Reference", ""),
    ("Period Name", ""),
    *numbered("REFERENCE ", 18, 20),
    *numbered("Attribute Date ", 1, 10),
    *numbered("Attribute Number ", 1, 10),
    ("Global Attribute Category", ""),
    *numbered("Global Attribute ", 1, 20),
    *numbered("Global Attribute Date ", 1, 5),
    *numbered("Global Attribute Number ", 1, 5),
)

ORACLE = Layout(
    "oracle", "Oracle General Ledger", "GlInterface.csv",
    columns=ORACLE_COLUMNS, header=False, date_format="%Y/%m/%d",
    widths={"journal_source": 25, "journal_category": 25, "currency": 15, "ledger": 30, "ledger_id": 18,
            **{f"segment{number}": 25 for number in range(1, 31)}},
    texts={"header_text": 240, "text": 240},
)  # fmt: skip

#: Line-level fields go by the name of their list before them, as NetSuite's own templates have them.
LINE = "Journal Entry - Line: "

NETSUITE = Layout(
    "netsuite", "NetSuite", "{prefix}-{period}-netsuite.csv",
    columns=(
        ("External ID", "document"),
        ("Date", "posting_date"),
        ("Subsidiary", "company_code"),
        ("Currency", "currency"),
        ("Memo", "header_text"),
        (f"{LINE}Account", "gl_account"),
        (f"{LINE}Debit", "debit"),
        (f"{LINE}Credit", "credit"),
        (f"{LINE}Department", "cost_center"),
        (f"{LINE}Memo", "text"),
    ),
    date_format="", whole_digits=10,
    texts={"header_text": 999, "text": 999},
)  # fmt: skip

WORKDAY = Layout(
    "workday", "Workday", "{prefix}-{period}-workday.csv",
    columns=(
        ("JournalKey", "document"),
        ("CompanyReferenceIDType", "company_id_type"),
        ("CompanyReferenceID", "company_code"),
        ("Currency", "currency"),
        ("LedgerType", "ledger_type"),
        ("AccountingDate", "posting_date"),
        ("JournalSource", "journal_source"),
        ("JournalEntryMemo", "header_text"),
        ("JournalExternalReferenceID", "document"),
        ("ControlTotalAmount", "total"),
        ("JournalLineOrder", "line"),
        ("LineCompanyReferenceIDType", "company_id_type"),
        ("LineCompanyReferenceID", "company_code"),
        ("LedgerAccountReferenceID_ParentIDType", "=Account_Set_ID"),
        ("LedgerAccountReferenceID_ParentID", "account_set"),
        ("LedgerAccountReferenceIDType", "=Ledger_Account_ID"),
        ("LedgerAccountReferenceID", "gl_account"),
        ("DebitAmount", "debit"),
        ("CreditAmount", "credit"),
        ("LineCurrency", "currency"),
        ("LineMemo", "text"),
        ("Worktag_Cost_Center_Reference_ID", "cost_center"),
        ("Worktag_Spend_Category_ID", "spend_category"),
    ),
)  # fmt: skip

ALL = {one.name: one for one in (GENERIC, SAP, ORACLE, NETSUITE, WORKDAY)}
