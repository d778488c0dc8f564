"""Every control is run by a close, passes on good tables, and returns a planted fault's row."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from chargeback.books.schema import CENTS, EXACT, POSTINGS
from chargeback.core.errors import CONTROL_FAILED, NOT_FINAL, Refusal
from chargeback.core.paths import sql_folder, sql_from
from chargeback.engine import Engine
from chargeback.engine.controls import GROUPS, TODO, Outcome, require, run_group
from chargeback.ledger.medical_loss_ratio import PERCENT
from chargeback.statements.budget_readback import MONTHS, PLANNED

TEXT, WHOLE, FLAG = pa.string(), pa.int64(), pa.bool_()
Row = dict[str, Any]

EXPENSE_LINES = pa.schema([
    ("entry", TEXT), ("sys_id", TEXT), ("cost_center", TEXT), ("posted_on", TEXT), ("state", TEXT),
    ("amount", EXACT),
])  # fmt: skip

SCHEMAS = {
    "rollup_costs": pa.schema([
        ("rollup_id", WHOLE), ("invoice_id", TEXT), ("account_id", TEXT), ("currency", TEXT),
        ("line_item_type", TEXT), ("product_code", TEXT), ("is_split_view", FLAG),
        ("cost_center_tag_1", TEXT), ("cost_center_tag_2", TEXT), ("cost_center_tag_3", TEXT),
        ("line_items", WHOLE), ("open_line_items", WHOLE), ("unblended_cost", EXACT),
        ("amortized_cost", EXACT),
    ]),
    "owned_costs": pa.schema([
        ("rollup_id", WHOLE), ("line_items", WHOLE), ("charged_cost", EXACT),
        ("commitment_cost", EXACT), ("cost_center_id", TEXT), ("pool_id", TEXT),
    ]),
    "control_totals": pa.schema([
        ("billing_period", TEXT), ("line_items", WHOLE), ("unblended_cost", EXACT),
    ]),
    "known_line_item_types": pa.schema([("line_item_type", TEXT)]),
    "absent_columns": pa.schema([("export_name", TEXT), ("column_name", TEXT)]),
    "needed_columns": pa.schema([
        ("column_name", TEXT), ("needed_for", TEXT), ("setting", TEXT),
    ]),
    "tag_keys": pa.schema([("tag_rank", WHOLE), ("tag_key", TEXT)]),
    "accounts": pa.schema([("account_id", TEXT), ("provider", TEXT)]),
    "provider_accounts": pa.schema([("account_id", TEXT), ("provider", TEXT)]),
    "sample_accounts": pa.schema([("account_id", TEXT)]),
    "ratifications": pa.schema([
        ("rules_digest", TEXT), ("reference", TEXT), ("is_of_the_sample", FLAG),
    ]),
    "delivery_differences": pa.schema([
        ("billing_period", TEXT), ("what_differs", TEXT), ("closed_with", TEXT),
        ("delivered_now", TEXT),
    ]),
    "exports_then": pa.schema([("export_name", TEXT)]),
    "exports_now": pa.schema([("export_name", TEXT)]),
    "limits": pa.schema([
        ("catch_all_pool_id", TEXT), ("unowned_limit_percent", EXACT),
        ("fallback_limit_percent", EXACT),
    ]),
    "pool_keys": pa.schema([
        ("pool_id", TEXT), ("ledger_account", TEXT), ("allocation_key", TEXT),
    ]),
    "amortized_columns": pa.schema([("line_item_type", TEXT), ("column_name", TEXT)]),
    "commitment_lives": pa.schema([
        ("commitment_arn", TEXT), ("standing", TEXT), ("first_period", TEXT), ("last_period", TEXT),
        ("upfront_cost", EXACT), ("recurring_cost", EXACT), ("refunded_cost", EXACT),
        ("used_cost", EXACT), ("unused_cost", EXACT), ("held_cost", EXACT), ("rounding_cost", EXACT),
    ]),
    "policy": pa.schema([
        ("currency", TEXT), ("cost_basis", TEXT), ("invoice_rounding_limit", EXACT),
        ("invoicing", TEXT),
    ]),
    "deferrals": pa.schema([("invoice_id", TEXT), ("deferred_to", TEXT)]),
    "invoices": pa.schema([("invoice_id", TEXT), ("total", EXACT)]),
    "closed_files": pa.schema([
        ("billing_period", TEXT), ("path", TEXT), ("recorded_sha256", TEXT),
        ("found_sha256", TEXT),
    ]),
    "disputes": pa.schema([
        ("dispute_id", TEXT), ("reference", TEXT), ("decision", TEXT), ("decided_amount", CENTS),
    ]),
    "dispute_adjustments": pa.schema([
        ("reference", TEXT), ("billing_period", TEXT), ("amount", CENTS), ("is_of_the_unit", FLAG),
    ]),
    "postings": POSTINGS,
    "invoice_changes": pa.schema([
        ("original_period", TEXT), ("invoice_id", TEXT), ("total", EXACT), ("invoice_total", EXACT),
        ("has_line_items", FLAG),
    ]),
    "loss_ratio_splits": pa.schema([
        ("original_period", TEXT), ("business_unit_id", TEXT), ("cost_center_id", TEXT),
        ("declared_for", TEXT), ("category", TEXT), ("percent", PERCENT), ("amount", CENTS),
    ]),
    "held_postings": POSTINGS,
    "delivered_postings": POSTINGS,
    "planned_years": PLANNED,
    "budget_months": MONTHS,
    "posted_expense_lines": EXPENSE_LINES,
    "held_expense_lines": EXPENSE_LINES,
}  # fmt: skip


def posting(entry: str, line: int, account: str, exact: str, amount: str) -> Row:
    """A line of an entry on invoice 1."""
    owner = account.removeprefix("cost-center:")
    return {
        **dict.fromkeys(POSTINGS.names),
        "entry_id": entry, "line": line, "ledger_account": account, "invoice_id": "1", "kind": entry,
        **({"pool_id": "p", "allocation_key": "even"} if entry == "allocated" else {}),
        "cost_center_id": owner if owner != account else None,
        "exact_amount": Decimal(exact), "amount": Decimal(amount),
    }  # fmt: skip


def expense_line(entry: str, amount: str, sys_id: str | None) -> Row:
    """An expense line as it was posted, or as ServiceNow holds it."""
    return {
        "entry": entry, "sys_id": sys_id, "cost_center": "c1", "posted_on": "2026-05-31",
        "state": "processed", "amount": Decimal(amount),
    }  # fmt: skip


def about(period: str, row: Row, **cells: Any) -> Row:
    """A line of a closed period, or one that corrects it."""
    return {**row, "billing_period": period, **cells}


def split_part(original: str, category: str, percent: str, amount: str) -> Row:
    """A part of what A is charged, about a period or itself."""
    return {
        "original_period": original, "business_unit_id": "", "cost_center_id": "A", "declared_for": "*",
        "category": category, "percent": Decimal(percent), "amount": Decimal(amount),
    }  # fmt: skip


def budget_month(period: str, amount: str, entered: str | None = None) -> Row:
    """A month of a budget of 10.00 a year, three months of which are left."""
    return {
        "business_unit_id": "u", "cost_center_id": "A", "billing_period": period, "amount": Decimal(amount),
        "entered_amount": None if entered is None else Decimal(entered), "compared_amount": Decimal(amount),
    }  # fmt: skip


def good_tables() -> dict[str, list[Row]]:
    """Tables of one small month in which everything is right: 7.00 direct and 3.00 by a pool."""
    cost = {
        "invoice_id": "1", "account_id": "012345678901", "currency": "USD",
        "line_item_type": "Usage", "product_code": "AmazonEC2", "is_split_view": False,
        "line_items": 2, "open_line_items": 2,
    }  # fmt: skip
    return {
        "rollup_costs": [
            {"rollup_id": 1, **cost, "unblended_cost": Decimal("7.004"),
             "amortized_cost": Decimal("6.004"), "cost_center_tag_1": "A"},
            {"rollup_id": 2, **cost, "unblended_cost": Decimal("2.996"),
             "amortized_cost": Decimal("2.996"), "cost_center_tag_3": "B"},
        ],
        "owned_costs": [
            {"rollup_id": 1, "line_items": 2, "charged_cost": Decimal("6.004"),
             "commitment_cost": Decimal(1), "cost_center_id": "A", "pool_id": None},
            {"rollup_id": 2, "line_items": 2, "charged_cost": Decimal("2.996"),
             "commitment_cost": Decimal(0), "cost_center_id": None, "pool_id": "p"},
        ],
        "control_totals": [
            {"billing_period": "2026-05", "line_items": 4, "unblended_cost": Decimal(10)},
        ],
        "known_line_item_types": [{"line_item_type": "Usage"}],
        "posted_expense_lines": [expense_line("e1", "7.00", None), expense_line("e2", "-3.00", "s2")],
        "held_expense_lines": [expense_line("e1", "7.00", "s1"), expense_line("e2", "-3.00", "s2")],
        "absent_columns": [
            {"export_name": "one", "column_name": "reservation_effective_cost"},
        ],
        "needed_columns": [
            {"column_name": "line_item_resource_id", "needed_for": "pool p: has_resource",
             "setting": "INCLUDE_RESOURCES"},
        ],
        "tag_keys": [
            {"tag_rank": 1, "tag_key": "user_team"}, {"tag_rank": 3, "tag_key": "tags:a"},
        ],
        "accounts": [{"account_id": "012345678901", "provider": ""}],
        "provider_accounts": [{"account_id": "ws-1", "provider": "Observa"}],
        "sample_accounts": [{"account_id": "999999999999"}],
        "ratifications": [
            {"rules_digest": "ab", "reference": "minutes", "is_of_the_sample": False},
        ],
        "delivery_differences": [],
        "exports_then": [{"export_name": "one"}, {"export_name": "two"}],
        "exports_now": [{"export_name": "one"}, {"export_name": "renamed"}],
        # 2.996 of 9.000 is owned by nobody at most, and 2.996 of 10.000 split by a fallback: 33.29 and 29.96 %.
        "limits": [
            {"catch_all_pool_id": "untagged", "unowned_limit_percent": Decimal("33.28"),
             "fallback_limit_percent": Decimal("29.95")},
        ],
        "pool_keys": [{"pool_id": "p", "ledger_account": "pool:p", "allocation_key": "even"}],
        "amortized_columns": [
            {"line_item_type": "RIFee", "column_name": "reservation_effective_cost"},
            {"line_item_type": "Usage", "column_name": "some_other_column"},
        ],
        # 12.00 upfront and 3.00 so far, of which 9.00 are used up: 6.00 are held.
        "commitment_lives": [
            {"commitment_arn": "arn:1", "standing": "in force", "first_period": "2026-01",
             "last_period": "2026-05", "upfront_cost": Decimal(12), "recurring_cost": Decimal(3),
             "refunded_cost": Decimal(0), "used_cost": Decimal(7), "unused_cost": Decimal(2),
             "held_cost": Decimal(6), "rounding_cost": Decimal("0.01")},
        ],
        "policy": [{"currency": "USD", "cost_basis": "amortized",
                    "invoice_rounding_limit": Decimal("1.00"), "invoicing": ""}],
        "deferrals": [{"invoice_id": "1", "deferred_to": "2026-06"}],
        "invoices": [{"invoice_id": "1", "total": Decimal("10.00")}],
        "closed_files": [{"billing_period": "2026-04", "path": "postings.parquet",
                          "recorded_sha256": "ab", "found_sha256": "ab"}],
        # 3.34 and 3.33 of the same unit, which is what was decided.
        "disputes": [
            {"dispute_id": "D-1", "reference": "JE 1", "decision": "partly",
             "decided_amount": Decimal("6.67")},
        ],
        "dispute_adjustments": [
            {"reference": "JE 1", "billing_period": "2026-05", "amount": Decimal("3.34"),
             "is_of_the_unit": True},
            {"reference": "JE 1", "billing_period": "2026-05", "amount": Decimal("3.33"),
             "is_of_the_unit": True},
        ],
        "postings": [
            posting("direct", 1, "cost-center:A", "7.004", "7.00"),
            posting("direct", 2, "payable:1", "-7.004", "-7.00"),
            posting("pooled", 1, "pool:p", "2.996", "3.00"),
            posting("pooled", 2, "payable:1", "-2.996", "-3.00"),
            posting("allocated", 1, "pool:p", "-2.996", "-3.00"),
            posting("allocated", 2, "cost-center:A", "2.996", "3.00"),
            *(
                {**posting("correction", line, account, exact, amount), "original_period": "2026-04",
                 "rule": rule}
                for line, account, exact, amount, rule in (
                    (1, "cost-center:A", "-4.004", "-4.00", "tag:t"),
                    (2, "cost-center:A", "4.996", "5.00", "ended:B:tag:t"),
                    (3, "payable:1", "-0.992", "-1.00", None),
                )
            ),
        ],
        "planned_years": [{"cost_center_id": "A", "amount": Decimal("10.00")}],
        "budget_months": [
            budget_month("2026-09", "3.00", "3.00"),
            budget_month("2026-10", "2.34"),
            budget_month("2026-11", "2.33"),
            budget_month("2026-12", "2.33"),
        ],
        # A is charged 10.00 about the month itself, and 1.00 about April.
        "loss_ratio_splits": [
            split_part("", "claims", "33.3333", "3.33"),
            split_part("", "quality_improvement", "0", "0.00"),
            split_part("", "administration", "66.6667", "6.67"),
            split_part("2026-04", "claims", "0", "0.00"),
            split_part("2026-04", "quality_improvement", "50", "0.50"),
            split_part("2026-04", "administration", "50", "0.50"),
        ],
        # April charged A 4.00 on invoice 1; AWS says now that it is 5.00 of B's, which has ended.
        "invoice_changes": [
            {"original_period": "2026-04", "invoice_id": "1", "total": Decimal("1.00"),
             "invoice_total": Decimal("5.00"), "has_line_items": True},
        ],
        "held_postings": [
            about("2026-04", posting("direct", 1, "cost-center:A", "4.004", "4.00")),
            about("2026-04", posting("direct", 2, "payable:1", "-4.004", "-4.00")),
        ],
        "delivered_postings": [
            about("2026-04", posting("direct", 1, "cost-center:B", "4.996", "5.00")),
            about("2026-04", posting("direct", 2, "payable:1", "-4.996", "-5.00")),
        ],
    }  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing put wrong: cells of a row of a table (or a row removed or added), and the row expected."""

    control: str
    table: str
    row: int
    cells: Row | None
    returns: Row
    more: list[tuple[str, int, Row]] = field(default_factory=list)


FAULTS = [
    Fault("account_ids_have_twelve_digits", "rollup_costs", 0, {"account_id": "12345678901"},
          {"account_id": "12345678901", "line_items": 2, "unblended_cost": Decimal("7.004")}),
    Fault("account_ids_have_twelve_digits", "rollup_costs", 0, {"account_id": None},
          {"account_id": "(none)"}),
    Fault("adjustments_of_disputes_are_as_decided", "dispute_adjustments", 1,
          {"amount": Decimal("3.32")},
          {"dispute_id": "D-1", "adjusted_amount": Decimal("6.66"), "difference": Decimal("-0.01"),
           "reason": "another amount than was decided"}),
    Fault("adjustments_of_disputes_are_as_decided", "dispute_adjustments", 2,
          {"reference": "JE 1", "billing_period": "2026-04", "amount": Decimal("6.67"),
           "is_of_the_unit": True},
          {"difference": Decimal("6.67"), "first_period": "2026-04", "last_period": "2026-05"}),
    Fault("adjustments_of_disputes_are_as_decided", "dispute_adjustments", 0,
          {"is_of_the_unit": False},
          {"difference": Decimal("0.00"), "reason": "taken from a cost center that is not the unit's"}),
    Fault("adjustments_of_disputes_are_as_decided", "disputes", 0,
          {"decision": "rejected", "decided_amount": Decimal("0.00")},
          {"decision": "rejected", "difference": Decimal("6.67")}),
    Fault("amortized_cost_has_its_columns", "rollup_costs", 1, {"line_item_type": "RIFee"},
          {"line_item_type": "RIFee", "absent_column": "reservation_effective_cost"}),
    Fault("amortized_cost_has_its_columns", "absent_columns", 0,
          {"column_name": "some_other_column"}, {"line_item_type": "Usage", "line_items": 4}),
    Fault("budgets_are_spread_as_entered", "budget_months", 1, {"amount": Decimal("2.33")},
          {"cost_center_id": "A", "broken_part": "sum of the year", "difference": Decimal("-0.01")}),
    Fault("budgets_are_spread_as_entered", "budget_months", 0,
          {"amount": Decimal("3.01"), "entered_amount": Decimal("3.00")},
          {"broken_part": "2026-09", "spread_amount": Decimal("3.01")}),
    Fault("budgets_are_spread_as_entered", "budget_months", 3, {"amount": Decimal("2.31")},
          {"broken_part": "equal months", "difference": Decimal("0.03")}),
    Fault("charges_tie_to_invoices", "invoices", 0, {"total": Decimal("10.01")},
          {"invoice_id": "1", "charged": Decimal("10.00"), "difference": Decimal("-0.01")}),
    Fault("charges_tie_to_invoices", "postings", 0, {"amount": Decimal("7.01")},
          {"invoice_id": "1", "difference": Decimal("0.01")}),
    Fault("charges_tie_to_invoices", "invoice_changes", 0, {"total": Decimal("1.01")},
          {"invoice_id": "1", "original_period": "2026-04", "difference": Decimal("-0.01")}),
    Fault("charges_tie_to_invoices", "invoice_changes", 0, None,
          {"original_period": "2026-04", "invoice_total": None, "difference": Decimal("1.00")}),
    Fault("commitments_tie_out_over_their_life", "commitment_lives", 0,
          {"used_cost": Decimal("13.02"), "held_cost": Decimal("-0.02")},
          {"commitment_arn": "arn:1", "reason": "more was used up than was paid",
           "paid_cost": Decimal(15), "difference": Decimal("0.02")}),
    Fault("commitments_tie_out_over_their_life", "commitment_lives", 0,
          {"refunded_cost": Decimal("-15.02")}, {"reason": "more was given back than was paid"}),
    Fault("commitments_tie_out_over_their_life", "commitment_lives", 0,
          {"standing": "ended", "last_period": "2026-04"},
          {"reason": "it ended and was not used up", "difference": Decimal(-6)}),
    Fault("corrected_periods_charge_what_was_delivered", "postings", 6, {"amount": Decimal("-3.99")},
          {"original_period": "2026-04", "ledger_account": "cost-center:A",
           "difference": Decimal("0.01")}),
    Fault("corrected_periods_charge_what_was_delivered", "postings", 7, {"rule": "tag:t"},
          {"ledger_account": "cost-center:B", "difference": Decimal("-5.00")}),
    Fault("corrected_periods_charge_what_was_delivered", "held_postings", 0,
          {"exact_amount": Decimal("4.0040000001")},
          {"ledger_account": "cost-center:A", "exact_difference": Decimal("1e-10")}),
    Fault("corrected_periods_charge_what_was_delivered", "delivered_postings", 0,
          {"ledger_account": "cost-center:C"}, {"ledger_account": "cost-center:C"}),
    Fault("closed_periods_are_unchanged", "closed_files", 0, {"found_sha256": "cd"},
          {"billing_period": "2026-04", "path": "postings.parquet", "found_sha256": "cd"}),
    Fault("closed_periods_are_unchanged", "closed_files", 0, {"found_sha256": None},
          {"recorded_sha256": "ab", "found_sha256": None}),
    Fault("closed_periods_are_unchanged", "closed_files", 0, {"recorded_sha256": None},
          {"recorded_sha256": None, "found_sha256": "ab"}),
    Fault("deferred_invoices_are_delivered", "deferrals", 0, {"invoice_id": "2"},
          {"invoice_id": "2", "deferred_to": "2026-06", "reason": "no line items in the report"}),
    Fault("entries_balance", "postings", 1, {"amount": Decimal("-7.01")},
          {"entry_id": "direct", "rest": Decimal("-0.01")}),
    Fault("entries_balance", "postings", 1, {"exact_amount": Decimal("-7.0040000001")},
          {"entry_id": "direct", "exact_rest": Decimal("-1e-10")}),
    Fault("deliveries_are_comparable", "delivery_differences", 0,
          {"billing_period": "2026-04", "what_differs": "export", "closed_with": "a",
           "delivered_now": "b"},
          {"billing_period": "2026-04", "what_differs": "export", "delivered_now": "b"}),
    Fault("every_charge_has_its_medical_loss_ratio_split", "loss_ratio_splits", 3,
          {"cost_center_id": "B"},
          {"cost_center_id": "A", "period": "2026-04", "charged_cost": Decimal("1.00")},
          [("loss_ratio_splits", 4, {"cost_center_id": "B"}),
           ("loss_ratio_splits", 5, {"cost_center_id": "B"})]),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "loss_ratio_splits", 0, {"amount": Decimal("3.34")},
          {"cost_center_id": "A", "reason": "the parts do not come to the charge",
           "charged_cost": Decimal("10.00"), "difference": Decimal("0.01")}),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "postings", 7, {"amount": Decimal("4.99")},
          {"original_period": "2026-04", "difference": Decimal("0.01")}),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "loss_ratio_splits", 4, {"percent": Decimal(51)},
          {"original_period": "2026-04",
           "reason": "these are not three parts of 100"}),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "loss_ratio_splits", 1, {"category": "claims"},
          {"original_period": "", "reason": "these are not three parts of 100"}),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "loss_ratio_splits", 0, {"amount": Decimal("3.35")},
          {"reason": "claims is not its percentage", "split_cost": Decimal("3.35")},
          [("loss_ratio_splits", 2, {"amount": Decimal("6.65")})]),
    Fault("medical_loss_ratio_splits_tie_to_ledger", "loss_ratio_splits", 0, {"cost_center_id": "C"},
          {"cost_center_id": "C", "charged_cost": None, "split_cost": Decimal("3.33")}),
    Fault("every_account_is_registered", "accounts", 0, {"account_id": "112345678901"},
          {"account_id": "012345678901", "provider": "AWS", "line_items": 4,
           "unblended_cost": Decimal(10)}),
    Fault("every_account_is_registered", "provider_accounts", 0, {"account_id": "012345678901"},
          {"account_id": "012345678901", "provider": "Observa", "line_items": 4}),
    Fault("every_account_is_registered", "accounts", 0, {"provider": "Microsoft"},
          {"account_id": "012345678901", "provider": "AWS", "line_items": 4}),
    Fault("every_export_has_delivered", "exports_now", 1, None, {"export_name": "two"}),
    Fault("fallback_share_is_within_its_limit", "postings", 5, {"allocation_key": "direct_spend"},
          {"pool_id": "p", "own_key": "even", "fallback": "direct_spend",
           "split_cost": Decimal("2.996"), "charged_cost": Decimal(10)}),
    Fault("needed_columns_are_there", "absent_columns", 0,
          {"column_name": "line_item_resource_id"},
          {"absent_column": "line_item_resource_id", "needed_for": "pool p: has_resource",
           "how_to_have_it": "INCLUDE_RESOURCES", "export_name": "one"}),
    Fault("nobodys_share_is_within_its_limit", "owned_costs", 1, {"pool_id": "untagged"},
          {"pool_id": "untagged", "unowned_cost": Decimal("2.996"), "charged_cost": Decimal(9)}),
    Fault("ratifications_are_of_these_params", "ratifications", 0, {"is_of_the_sample": True},
          {"rules_digest": "ab", "account_id": "012345678901", "line_items": 4}),
    Fault("the_delivery_has_line_items", "control_totals", 0, {"line_items": 0},
          {"billing_period": "2026-05", "line_items": 0}),
    Fault("tag_keys_are_carried", "rollup_costs", 0, {"cost_center_tag_1": None},
          {"tag_key": "user_team", "line_items": 4}),
    Fault("tag_keys_are_carried", "rollup_costs", 1, {"cost_center_tag_3": None},
          {"tag_key": "tags:a"}),
    Fault("every_charge_is_within_one_cent", "postings", 0, {"exact_amount": Decimal("7.009")},
          {"charge": "A on invoice 1", "difference": Decimal("-0.011")},
          [("postings", 5, {"exact_amount": Decimal("3.002")})]),
    Fault("every_charge_is_within_one_cent", "postings", 2, {"exact_amount": Decimal("2.98")},
          {"charge": "pooled line 1", "difference": Decimal("0.02")}),
    Fault("every_line_item_has_an_invoice", "rollup_costs", 1, {"invoice_id": None},
          {"account_id": "012345678901", "open_line_items": 2, "open_cost": Decimal("2.996"),
           "invoiced_line_items": 2, "billing_conductor_line_items": 0}),
    Fault("every_line_item_has_one_owner", "owned_costs", 0, {"cost_center_id": None},
          {"rollup_id": 1, "owners": 0}),
    Fault("every_line_item_has_one_owner", "owned_costs", 0, {"pool_id": "p"},
          {"rollup_id": 1, "owners": 2}),
    Fault("every_line_item_has_one_owner", "owned_costs", 1, {"charged_cost": Decimal(3)},
          {"rollup_id": 2, "unblended_cost": Decimal("2.996"), "owned_cost": Decimal(3)}),
    Fault("every_line_item_has_one_owner", "owned_costs", 1, {"line_items": 1}, {"rollup_id": 2}),
    Fault("every_line_item_has_one_owner", "owned_costs", 1, None, {"rollup_id": 2, "owners": 0}),
    Fault("every_line_item_has_one_owner", "rollup_costs", 1, None,
          {"rollup_id": 2, "account_id": None}),
    Fault("every_line_item_type_is_known", "rollup_costs", 0, {"line_item_type": "Mystery"},
          {"line_item_type": "Mystery", "line_items": 2}),
    Fault("every_line_item_type_is_known", "rollup_costs", 0, {"line_item_type": None},
          {"line_item_type": "(none)"}),
    Fault("one_currency_is_billed", "rollup_costs", 0, {"currency": "EUR"},
          {"currency": "EUR", "policy_currency": "USD", "unblended_cost": Decimal("7.004")}),
    Fault("pools_are_emptied", "postings", 4, {"amount": Decimal("-2.99")},
          {"ledger_account": "pool:p", "rest": Decimal("0.01")}),
    Fault("pools_are_emptied", "postings", 4, {"invoice_id": "2"}, {"invoice_id": "1"}),
    Fault("pro_forma_costs_have_no_invoice", "policy", 0, {"invoicing": "pro-forma"},
          {"invoice_id": "1", "line_items": 4, "unblended_cost": Decimal("10.000")}),
    Fault("sources_agree_with_control_totals", "control_totals", 0, {"line_items": 5},
          {"counted_line_items": 5, "rolled_up_line_items": 4}),
    Fault("sources_agree_with_control_totals", "control_totals", 0,
          {"unblended_cost": Decimal("10.0000000001")}, {"rolled_up_cost": Decimal(10)}),
    Fault("sources_tie_to_invoices", "invoices", 0, {"total": Decimal("11.01")},
          {"difference": Decimal("1.01"), "reason": "difference above the limit"}),
    Fault("sources_tie_to_invoices", "invoices", 0, None, {"reason": "no total in invoices.csv"}),
    Fault("every_invoice_has_line_items", "rollup_costs", 0, {"invoice_id": None},
          {"invoice_id": "1", "original_period": "", "invoice_total": Decimal("10.00"),
           "reason": "no line items in the report"},
          [("rollup_costs", 1, {"invoice_id": None})]),
    Fault("every_invoice_has_line_items", "invoice_changes", 0, {"has_line_items": False},
          {"invoice_id": "1", "original_period": "2026-04", "invoice_total": Decimal("5.00")}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 0, {"amount": Decimal("7.01")},
          {"entry": "e1", "fault": "another amount", "difference": Decimal("0.01")}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 0, {"amount": None},
          {"entry": "e1", "fault": "another amount", "held_amount": None}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 0, None,
          {"entry": "e1", "fault": "it is not there", "difference": Decimal("-7.00")}),
    Fault("what_servicenow_holds_is_what_was_posted", "posted_expense_lines", 1, None,
          {"entry": "e2", "fault": "nobody posted it", "difference": Decimal("-3.00")}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 1, {"entry": "e1"},
          {"entry": "e1", "fault": "it is there more than once", "sys_id": "s2"}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 1, {"sys_id": "s9"},
          {"entry": "e2", "fault": "it is another record"}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 1, {"cost_center": "c2"},
          {"entry": "e2", "fault": "another cost center"}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 1,
          {"posted_on": "2026-06-01"}, {"entry": "e2", "fault": "another date"}),
    Fault("what_servicenow_holds_is_what_was_posted", "held_expense_lines", 1, {"state": "pending"},
          {"entry": "e2", "fault": "another state"}),
    Fault("what_is_on_no_invoice_sums_to_nothing", "policy", 0, {"invoicing": "none"},
          {"line_items": 4, "difference": Decimal("-0.005")},
          [("rollup_costs", 0, {"invoice_id": None, "unblended_cost": Decimal("-3.001")}),
           ("rollup_costs", 1, {"invoice_id": None})]),
]  # fmt: skip


def answer(control: str, tables: dict[str, list[Row]]) -> pa.Table:
    """What a control returns."""
    engine = Engine(threads=1)
    for name, rows in tables.items():
        engine.register(name, pa.Table.from_pylist(rows, schema=SCHEMAS[name]))
    rows = engine.query("controls", control)
    engine.close()
    return rows


#: How the names of controls begin that are tested beside the pages that they are on.
ON_PAGES = ("statements_", "the_summary_", "dashboards_")


def test_every_control_is_run_and_every_name_has_its_file():
    files = {path.stem for path in (sql_folder() / "controls").glob("*.sql")}
    run = [name for group in GROUPS.values() for name in group]
    assert len(run) == len(set(run))
    assert files <= set(run), "a control that no close runs"
    missing = {name for name in run if name not in files}
    assert {name for name in missing if not name.startswith(ON_PAGES)} == set()
    assert set(TODO) <= set(run)


def test_every_control_has_a_planted_fault():
    """Those on pages are tested beside them."""
    named = {name for group in GROUPS.values() for name in group}
    assert {fault.control for fault in FAULTS} == {
        name for name in named if not name.startswith(ON_PAGES)
    }


@pytest.mark.parametrize("control", sorted({fault.control for fault in FAULTS}))
def test_a_good_month_passes(control):
    assert answer(control, good_tables()).to_pylist() == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.control}-{fault.table}")
def test_a_planted_fault_is_returned(fault):
    tables = good_tables()
    if fault.cells is None:
        del tables[fault.table][fault.row]
    elif fault.row == len(tables[fault.table]):
        tables[fault.table].append(fault.cells)
    else:
        tables[fault.table][fault.row] |= fault.cells
    for table, row, cells in fault.more:
        tables[table][row] |= cells
    rows = answer(fault.control, tables).to_pylist()
    assert any(fault.returns.items() <= row.items() for row in rows), rows


def test_a_split_view_is_neither_owned_nor_invoiced():
    tables = good_tables()
    tables["rollup_costs"][1] |= {"is_split_view": True, "invoice_id": None}
    del tables["owned_costs"][1]
    for control in ("every_line_item_has_one_owner", "every_line_item_has_an_invoice"):
        assert answer(control, tables).to_pylist() == []


@pytest.mark.parametrize("cost", ["0", "-2.9960000001", "-2.9910000001"])
def test_what_credits_cover_to_less_than_half_a_cent_is_on_no_invoice(cost):
    """2.996 less 2.9910000001 is 0.0049999999, which is 0.00 in cents; 2.996 alone is on an invoice then."""
    tables = good_tables()
    tables["policy"][0]["invoicing"] = "none"
    tables["rollup_costs"][0] |= {"invoice_id": None, "unblended_cost": Decimal(cost)}
    tables["rollup_costs"][1]["invoice_id"] = "1" if cost == "0" else None
    for control in ("what_is_on_no_invoice_sums_to_nothing", "every_line_item_has_an_invoice"):
        assert answer(control, tables).to_pylist() == []


def failed(name: str, row: Row) -> Outcome:
    """A control that returned one row."""
    return Outcome(name, pa.Table.from_pylist([row]))


def test_all_failures_of_a_group_are_shown_and_end_with_4():
    open_cost = {"account_id": "1", "open_line_items": 2, "open_cost": Decimal("3.5")}
    outcomes = [
        failed("every_line_item_has_an_invoice", open_cost),
        failed("one_currency_is_billed", {"currency": "EUR"}),
    ]
    with pytest.raises(Refusal) as raised:
        require(outcomes, "2026-05")
    assert raised.value.exit_code == CONTROL_FAILED
    assert "2 controls failed" in raised.value.what
    assert "currency EUR" in raised.value.block()
    with pytest.raises(Refusal) as raised:
        require(outcomes[:1], "2026-05")
    assert raised.value.exit_code == NOT_FINAL
    assert "2 line items without one, 3.50, in 1 accounts" in raised.value.found


def test_what_can_be_accepted_is_printed_as_the_rows_that_accept_it():
    """Each subject once, as CSV; a control on sums offers nothing."""
    export = failed("every_export_has_delivered", {"export_name": 'a, "b"'})
    unknown = Outcome(
        "every_account_is_registered",
        pa.table({"account_id": [f"{number:012}" for number in range(10)]}),
    )
    with pytest.raises(Refusal) as raised:
        require([export, unknown, failed("entries_balance", {"entry_id": "e"})], "2026-05")
    rows = [line for line in raised.value.todo if line.endswith("<accepted by>")]
    assert rows[0] == (
        'every_export_has_delivered,"a, ""b""",2026-05,2026-05,<reference>,<accepted by>'
    )
    assert rows[1].startswith("every_account_is_registered,000000000000,2026-05,")
    assert len(rows) == 9 and raised.value.todo[-1] == "and 2 more like it"
    assert not any("entries_balance," in line for line in raised.value.todo)


def test_an_audit_leaves_out_controls_that_came_after_the_close(tmp_path):
    """Only there: a close whose own file is missing stops."""
    kept = tmp_path / "sql"
    shutil.copytree(sql_folder(), kept)
    for name in GROUPS["invoices"]:
        (kept / "controls" / f"{name}.sql").unlink()
    engine = Engine(threads=1)
    for name, rows in good_tables().items():
        engine.register(name, pa.Table.from_pylist(rows, schema=SCHEMAS[name]))
    with sql_from(kept):
        assert run_group(engine, "invoices") == []
        assert [one.name for one in run_group(engine, "attribution")] == [
            "every_line_item_has_one_owner"
        ]


def test_a_draft_leaves_out_what_an_open_month_cannot_meet():
    engine = Engine(threads=1)
    for name, rows in good_tables().items():
        engine.register(name, pa.Table.from_pylist(rows, schema=SCHEMAS[name]))
    assert [one.name for one in run_group(engine, "invoices")] == ["sources_tie_to_invoices"]
    assert run_group(engine, "invoices", provisional=True) == []
