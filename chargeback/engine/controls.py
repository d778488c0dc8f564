"""Controls: the financial checks that finance relies on, run in groups as a close proceeds.

Each control is a SQL file in sql/controls/ whose name is the sentence that must be true; the rows it returns
break it. All controls of a group run, all failures are shown, then the close stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

import pyarrow as pa

from chargeback.core.csv_files import csv_line
from chargeback.core.errors import CONTROL_FAILED, NOT_FINAL, Refusal
from chargeback.core.money import rounded_once
from chargeback.engine import Engine, has_sql
from chargeback.engine.tables import EXACT, texts
from chargeback.params import Params
from chargeback.params.acceptances import ACCEPTABLE, Acceptance
from chargeback.params.account_ids import is_of_aws_by_form
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA, declaration
from chargeback.params.rules import UNTAGGED

FINAL_GATE = "every_line_item_has_an_invoice"
ISOLATION = "statements_isolate_no_unit"
BUDGETS = "statements_tie_to_their_budgets"
UNIT_COSTS = "statements_tie_to_their_unit_costs"
INDEX = "statements_tie_to_their_index"
SUMMARY = "the_summary_ties_to_the_ledger"
DASHBOARDS_TIE = "dashboards_tie_to_ledger"
DASHBOARDS_ARE_OWN = "dashboards_show_only_their_own_rows"

#: The group of both.
DASHBOARDS = "dashboards"

#: The groups, in the order of a close. A test holds them against the files of sql/controls/.
GROUPS: dict[str, tuple[str, ...]] = {
    "books": ("closed_periods_are_unchanged",),
    "disputes": ("adjustments_of_disputes_are_as_decided",),
    "sources": ("every_export_has_delivered",),
    "rollup": (
        "the_delivery_has_line_items",
        "needed_columns_are_there",
        "sources_agree_with_control_totals",
        "one_currency_is_billed",
        "account_ids_have_twelve_digits",
        "every_line_item_type_is_known",
        "amortized_cost_has_its_columns",
        "tag_keys_are_carried",
        "every_account_is_registered",
        "ratifications_are_of_these_params",
        FINAL_GATE,
        "what_is_on_no_invoice_sums_to_nothing",
        "pro_forma_costs_have_no_invoice",
        "deferred_invoices_are_delivered",
    ),
    "redeliveries": ("deliveries_are_comparable",),
    "attribution": ("every_line_item_has_one_owner", "nobodys_share_is_within_its_limit"),
    "invoices": ("sources_tie_to_invoices", "every_invoice_has_line_items"),
    "ledger": (
        "entries_balance",
        "pools_are_emptied",
        "every_charge_is_within_one_cent",
        "charges_tie_to_invoices",
        "fallback_share_is_within_its_limit",
    ),
    "commitments": ("commitments_tie_out_over_their_life",),
    "medical_loss_ratio": (
        "every_charge_has_its_medical_loss_ratio_split",
        "medical_loss_ratio_splits_tie_to_ledger",
    ),
    "corrections": ("corrected_periods_charge_what_was_delivered",),
    "statements": (
        "statements_tie_to_ledger",
        "statements_explain_every_change",
        "statements_show_only_their_own_unit",
        ISOLATION,
        INDEX,
        "budgets_are_spread_as_entered",
        BUDGETS,
        UNIT_COSTS,
        "statements_explain_their_unit_costs",
    ),
    # Of what was delivered of a closed period, not of a close.
    "servicenow": ("what_servicenow_holds_is_what_was_posted",),
    # Not of a close: when a closed period is handed out.
    "summary": (SUMMARY,),
    # Not of a close: whenever dashboards are made, before they can be opened.
    DASHBOARDS: (DASHBOARDS_TIE, DASHBOARDS_ARE_OWN, "dashboards_tie_to_their_unit_costs"),
}

#: Controls that an open month cannot meet and a draft therefore leaves out.
FINAL_ONLY = (
    FINAL_GATE, "what_is_on_no_invoice_sums_to_nothing", "deferred_invoices_are_delivered",
    "sources_tie_to_invoices", "every_invoice_has_line_items", "charges_tie_to_invoices",
    "commitments_tie_out_over_their_life",
)  # fmt: skip

#: So many rows that break a control are shown.
MOST_ROWS = 8

#: What a reader can do about a failure; docs/runbook.md says more under the same name.
TODO = {
    "closed_periods_are_unchanged": "restore the file from your backup; a closed period never changes",
    "adjustments_of_disputes_are_as_decided": "correct the rows of adjustments.csv that have the dispute's "
    "reference: together they move the decided amount, once, away from the unit's cost centers; make disputes "
    "prints them",
    "sources_agree_with_control_totals": "do not close: report this with the version of DuckDB",
    "one_currency_is_billed": "let AWS write an export for each currency, with where "
    "line_item_currency_code = 'USD' (or the other) in its query, into folders of their own, and close each "
    "with params and books of its own: make monthly-close PERIOD={period} CUR=… PARAMS=… BOOKS=…",
    "the_delivery_has_line_items": "fetch the delivery again, or wait for it",
    "needed_columns_are_there": "have the export deliver the column and the period again, or end the rule that "
    "needs it; what is absent is unknown, not empty",
    "tag_keys_are_carried": "correct cost_center_tags in policy.toml, or activate the key as a cost allocation "
    "tag",
    "every_account_is_registered": "add the accounts to accounts.csv with who owns them",
    "ratifications_are_of_these_params": "have your own council ratify your rules: make rules PERIOD={period} "
    "prints them with their digest; the sample's ratification says nothing about them",
    "nobodys_share_is_within_its_limit": "see who owns what with make check-params; correct the tags, "
    "accounts.csv or allocation.toml, or set unowned_limit_percent in [controls] of policy.toml",
    "fallback_share_is_within_its_limit": "find out why the pool's own key has no weight; or set "
    "fallback_limit_percent in [controls] of policy.toml",
    "every_export_has_delivered": "wait for the delivery or copy it too",
    "deliveries_are_comparable": "nothing is corrected from another view of a month: have AWS deliver it as it "
    "was when it was closed, by the same export; what is accepted stays as it was closed",
    "account_ids_have_twelve_digits": "the report was rewritten by a tool that drops leading zeros: "
    "use AWS's own files",
    "every_line_item_type_is_known": "decide how the type is charged, then add it to "
    "chargeback/sources/line_item_types.py and sql/sources/line_items.sql",
    "amortized_cost_has_its_columns": "select the column in the export (Data Exports, edit, column "
    "selection) and have the month delivered again, or set cost_basis = "
    '"unblended" in policy.toml',
    FINAL_GATE: "wait until AWS has invoiced the month, or see provisional figures with: make draft "
    "PERIOD={period}",
    "commitments_tie_out_over_their_life": "compare the commitment's fees and refunds with the invoice, and "
    "fetch the delivery again; see docs/method/commitments.md",
    "what_is_on_no_invoice_sums_to_nothing": "AWS sends no invoice only for what credits cover wholly: wait "
    "until it has written the rest of the month, or correct invoicing in policy.toml",
    "pro_forma_costs_have_no_invoice": "AWS issues no invoice for a pro forma report, so this is another one: "
    "name the billing group's own with CUR=, or correct invoicing in policy.toml. What other providers invoice "
    "is closed beside AWS's own report, with params and books apart from those of a pro forma one",
    "deferred_invoices_are_delivered": "correct the row of deferrals.csv, or remove it: an invoice can only be "
    "left to a later period where the report of its own period has it",
    "every_charge_has_its_medical_loss_ratio_split": "add a row of medical_loss_ratio.csv that holds in that "
    "period for the cost center, or one of * for every other; a correction is split by what is declared for "
    "the period that it is about",
    ISOLATION: 'leave published_totals of policy.toml at "protected", which keeps such totals back; or have '
    "those whose figures are told agree",
    "what_servicenow_holds_is_what_was_posted": "nothing is posted again by itself: find out in ServiceNow who "
    "changed, removed or added the line, and put it back as it was; a charge is corrected by the next close",
    "sources_tie_to_invoices": "enter the invoice's total in invoices.csv as its PDF shows it; if it is "
    "right, fetch the delivery again, for it may be older than the invoice",
    "every_invoice_has_line_items": "correct invoice_id or billing_period in invoices.csv, or enter 0.00 for "
    "what AWS took back; an invoice of another payer needs that payer's export, which is closed together with "
    "this one (docs/setting-up.md); some credit memos and fees of AWS have no line items: accept that, and the "
    "total is posted to the cost center that takes rounding, from where adjustments.csv moves it to whom it "
    "belongs",
}


@dataclass(frozen=True)
class Outcome:
    """What a control returned: no rows means that its sentence is true.

    Args:
        accepted: rows that are not among them because acceptances.csv lets them pass.
        warned: rows that would stop a close, of a draft, which goes on and says so.
    """

    name: str
    rows: pa.Table
    accepted: tuple[Acceptance, ...] = ()
    warned: pa.Table | None = None

    @property
    def holds(self) -> bool:
        """Whether the sentence is true."""
        return bool(self.rows.num_rows == 0)

    def record(self) -> dict[str, object]:
        """The outcome for manifests."""
        found: dict[str, object] = {"control": self.name, "broken_by_rows": self.rows.num_rows}
        if self.accepted:
            found["accepted"] = [
                {"subject": one.subject, "reference": one.reference, "accepted_by": one.accepted_by}
                for one in self.accepted
            ]
        if self.warned is not None and self.warned.num_rows:
            found["warned"] = shown_rows(self.warned)
        return found


def register_policy(engine: Engine, params: Params) -> None:
    """Make the policy readable by controls, one row, with its limits and the keys that pools are split by."""
    policy = params.policy
    limits = asdict(params.controls)
    engine.register(
        "limits",
        pa.table(
            {
                "catch_all_pool_id": [UNTAGGED],
                **{key: pa.array([one], EXACT) for key, one in limits.items()},
            }
        ),
    )
    engine.register(
        "pool_keys",
        texts(
            pool_id=[one.pool_id for one in params.pools],
            ledger_account=[f"pool:{one.pool_id}" for one in params.pools],
            allocation_key=[one.key for one in params.pools],
        ),
    )
    engine.register(
        "policy",
        pa.table(
            {
                "currency": pa.array([policy.currency], pa.string()),
                "cost_basis": pa.array([policy.cost_basis], pa.string()),
                "invoice_rounding_limit": pa.array([policy.invoice_rounding_limit], EXACT),
                "invoicing": pa.array([policy.invoicing], pa.string()),
            }
        ),
    )


def run_group(
    engine: Engine, group: str, provisional: bool = False, params: Params | None = None
) -> list[Outcome]:
    """The outcomes of a group; the tables that its controls read must be registered.

    Args:
        provisional: without the controls that an open month cannot meet; what a person could accept is a
            warning.
        params: whose acceptances count; without them what a person could accept is not asked.
    """
    found = []
    for name in GROUPS[group]:
        # An audit of books that an earlier version closed runs the controls that there were then.
        if (provisional and name in FINAL_ONLY) or not has_sql("controls", name):
            continue
        if name not in ACCEPTABLE:
            found.append(Outcome(name, engine.query("controls", name)))
        elif params is not None:
            rows = engine.query("controls", name)
            found.append(judged(name, rows, params.accepted(name), provisional))
    return found


def judged(
    name: str, rows: pa.Table, accepted: Mapping[str, Acceptance], provisional: bool
) -> Outcome:
    """The outcome of a control some of whose rows may be accepted."""
    subjects = [str(one) for one in rows[ACCEPTABLE[name]].to_pylist()]
    used = tuple(accepted[one] for one in dict.fromkeys(subjects) if one in accepted)
    left = rows.filter(pa.array([one not in accepted for one in subjects], pa.bool_()))
    if provisional:
        return Outcome(name, left.slice(0, 0), used, left)
    return Outcome(name, left, used)


def require(
    outcomes: Iterable[Outcome], period: str, currency: str = "", more: Iterable[str] = ()
) -> None:
    """Stop the close when a control failed, showing all that failed.

    Args:
        more: further lines on where it is.

    Raises:
        Refusal: exit 3 when only the final-invoice gate failed, else exit 4.
    """
    failed = [outcome for outcome in outcomes if not outcome.holds]
    if not failed:
        return
    if [outcome.name for outcome in failed] == [FINAL_GATE]:
        raise not_final(failed[0].rows, period, currency)
    where: list[str] = []
    for outcome in failed:
        if len(failed) > 1:
            where.append(f"{outcome.name}:")
        where += shown_rows(outcome.rows)
    where += more
    todo = [
        TODO.get(outcome.name, "see docs/runbook.md").format(period=period) for outcome in failed
    ]
    rows = [row for outcome in failed for row in rows_that_accept(outcome, period)]
    if rows:
        todo += [
            "what is meant so can be accepted by a row of acceptances.csv, from then on where its second "
            "period is left blank:", *rows,
        ]  # fmt: skip
    names = ", ".join(outcome.name for outcome in failed)
    count = sum(outcome.rows.num_rows for outcome in failed)
    raise Refusal(
        CONTROL_FAILED,
        f"{'a control' if len(failed) == 1 else f'{len(failed)} controls'} failed: {names}; "
        "nothing was published",
        "no rows", f"{count} row{'s' if count != 1 else ''}", difference_line(failed), where, todo,
    )  # fmt: skip


def rows_that_accept(outcome: Outcome, period: str) -> list[str]:
    """The rows of acceptances.csv that would let a control pass in a period; none where nothing may."""
    column = ACCEPTABLE.get(outcome.name)
    if column is None:
        return []
    subjects = list(dict.fromkeys(str(one) for one in outcome.rows[column].to_pylist()))
    rows = [
        csv_line((outcome.name, one, period, period, "<reference>", "<accepted by>"))
        for one in subjects[:MOST_ROWS]
    ]
    more = len(subjects) - MOST_ROWS
    return [*rows, f"and {more:,} more like it"] if more > 0 else rows


def not_final(open_accounts: pa.Table, period: str, currency: str) -> Refusal:
    """That costs are not on an invoice (exit 3), and what it can mean besides that AWS is not ready yet.

    Args:
        open_accounts: the rows of the final gate.
    """
    rows = open_accounts.to_pylist()
    cost = rounded_once(sum((row["open_cost"] for row in rows), Decimal(0)))
    count = sum(row["open_line_items"] for row in rows)
    unit = f" {currency}" if currency else ""
    found = f"{count:,} line items without one, {cost:,.2f}{unit}, in {len(rows)} accounts"
    todo = [TODO[FINAL_GATE].format(period=period)]
    accounts = sorted(row["account_id"] or "" for row in rows)
    others = [one for one in accounts if one and not is_of_aws_by_form(one)]
    if others:
        todo.append(
            f"{others[0]} is of another provider: wait for its delivery whose rows have InvoiceId"
        )
    of_report = ("invoiced_line_items", "billing_conductor_line_items")
    invoiced, of_conductor = (rows[0].get(name) for name in of_report)
    if invoiced == 0 or of_conductor:
        found += "".join(
            ["; no line item of the report has one" if invoiced == 0 else "",
             f"; {of_conductor:,} are of AWS Billing Conductor" if of_conductor else ""]
        )  # fmt: skip
        todo.append(
            "a pro forma report of AWS Billing Conductor never gets invoice ids: if this is one, put "
            f"{declaration(PRO_FORMA, period)} at the top of policy.toml"
        )
    if cost == 0:
        found += "; it sums to 0.00"
        todo.append(
            "AWS sends no invoice for what credits cover wholly: if none will come, put "
            f"{declaration(NO_INVOICE, period)} at the top of policy.toml"
        )
    known = [name for name in open_accounts.column_names if name not in of_report]
    return Refusal(
        NOT_FINAL, f"{period} is not final at AWS yet", "an invoice id on every line item with a cost",
        found, "", shown_rows(open_accounts.select(known)), todo,
    )  # fmt: skip


def difference_line(failed: list[Outcome]) -> str:
    """The signed difference of the first row that has one, with its direction."""
    for outcome in failed:
        if "difference" in outcome.rows.column_names:
            for row in outcome.rows.to_pylist():
                if row["difference"] is not None:
                    size = f"{abs(row['difference']):,f}".rstrip("0").rstrip(".")
                    more = "more" if row["difference"] > 0 else "less"
                    if outcome.name == "sources_tie_to_invoices":
                        return f"{size} {more} on the invoice than in the report"
                    return f"{size} too {'much' if row['difference'] > 0 else 'little'}"
    return ""


def shown_rows(rows: pa.Table, most: int = MOST_ROWS) -> list[str]:
    """The first rows as "column value" lines."""
    lines = []
    for row in rows.slice(0, most).to_pylist():
        cells = [
            f"{name} {value:,f}" if isinstance(value, Decimal) and "cost" in name
            else f"{name} {value}"
            for name, value in row.items() if value is not None
        ]  # fmt: skip
        lines.append(", ".join(cells))
    if rows.num_rows > most:
        lines.append(f"and {rows.num_rows - most:,} more")
    return lines
