"""What a statement says, section by section: one function per cell of `reports/statement.ipynb`.

Comes in: the unit's dict from `extract` as the notebook read it. Goes out: a `Section`, which
Jupyter shows as Markdown with one raw block per target. All prose of a statement is in this module,
and all of it is about the unit at hand; the leak scan takes these sentences as known text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.core.money import exact_units, nearest_cents, shown
from chargeback.core.period import period_title
from chargeback.pages.charts import bars_chart, mark, totals_chart, trend_chart, waterfall_chart
from chargeback.pages.names import (
    CHANGES,
    KINDS,
    REMARKS,
    UNTAGGED_OWNERS,
    joined,
    key_name,
    rule_name,
    service_name,
    share_text,
    weight_text,
)
from chargeback.pages.parts import (
    DETAIL,
    GROUP,
    SUBTOTAL,
    TOTAL,
    Cell,
    Chart,
    Column,
    Digests,
    Masthead,
    Paragraph,
    Part,
    Row,
    Section,
    Steps,
    Table,
    amount_cell,
    change_cell,
    part_cell,
    signed,
)

Statement = dict[str, Any]

DEVELOPMENT_KEY = "signed with a development key"
BARS_SHOWN = 10
CENTERS_LISTED = 12
SMALLEST_STEP = Decimal("0.50")  # of a chart: less is written as 0 beside a bar that nobody sees


def open_statement(unit_file: str) -> Statement:
    """The unit's dict, from the file beside the notebook."""
    statement: Statement = json.loads(Path(unit_file).read_text(encoding="utf-8"))
    return statement


def head(statement: Statement) -> Section:
    """Whose statement, for when, the total and its change from the last closed period."""
    unit, period, total = (
        statement["unit"],
        statement["billing_period"],
        Decimal(statement["total"]),
    )
    facts = [
        ("Billing period", period_title(period)),
        ("Business unit", unit["id"]),
        *([("Owner", unit["owner"])] if unit["owner"] else []),
        ("Status", "PROVISIONAL" if statement["provisional"] else "Closed"),
        *([("Signature", "development key")] if _has_development_key(statement) else []),
    ]
    picture = None
    if len(statement["trend"]) > 1:
        picture = Chart(
            totals_chart(statement["trend"]), f"Total per period; {_trend_words(statement)}"
        )
    parts: list[Part] = [
        Masthead(
            title="Statement of AWS charges",
            unit=unit["name"],
            unit_id=unit["id"],
            period=period_title(period),
            facts=facts,
            total=amount_cell(total, figure=("total", "total")),
            total_label=f"Total for {period_title(period)}",
            currency=statement["currency"],
            change=_change_sentence(statement),
            provisional="PROVISIONAL" if statement["provisional"] else "",
            watermark=mark("PROVISIONAL") if statement["provisional"] else "",
            picture=picture,
            signature=DEVELOPMENT_KEY if _has_development_key(statement) else "",
        )
    ]
    if statement["provisional"]:
        parts.append(
            Paragraph(
                "This period is still open at AWS. The figures will change until it is closed, "
                "and nothing has "
                "been posted: use this statement to look ahead, not to book.",
                tone="warning",
            )
        )
    return Section(parts)


def made_of(statement: Statement) -> Section:
    """What kinds of cost the total is made of."""
    total = Decimal(statement["total"])
    rows = [
        Row(
            [
                Cell(KINDS[row["kind"]]),
                Cell(share_text(Decimal(row["amount"]), total, 1), muted=True),
                *_compared_cells(statement, row),
                amount_cell(Decimal(row["amount"]), figure=("kind", row["kind"])),
            ]
        )
        for row in statement["kinds"]
    ]
    whole = {"amount": statement["total"], "previous": statement["previous_total"]}
    rows.append(
        Row(
            [
                Cell("Total"),
                Cell(share_text(total, total, 1), muted=True),
                *_compared_cells(statement, whole),
                amount_cell(total, figure=("total", "total")),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("", 1),
        Column("Of total", optional=True),
        *_compared_columns(statement),
        Column(period_title(statement["billing_period"])),
    ]
    return Section([Table(columns, rows), Paragraph(_kinds_sentence(statement), "note")])


def changes(statement: Statement) -> Section:
    """Why the total changed from the last closed period: parts that sum to the change."""
    change, before = statement["change"], statement["previous_period"]
    if change is None:
        return Section(
            [Paragraph("This is the first period on record; changes start with the next one.")]
        )
    old, total = Decimal(statement["previous_total"]), Decimal(statement["total"])
    then, now = period_title(before), period_title(statement["billing_period"])
    parts: list[Part] = []
    steps = [
        (CHANGES[part["code"]][0], part["amount"])
        for part in change["parts"]
        if abs(Decimal(part["amount"])) >= SMALLEST_STEP
    ]
    if len(steps) > 1:
        says = "; ".join(f"{label} {signed(Decimal(amount))}" for label, amount in steps)
        caption = f"From {shown(old)} in {then} to {shown(total)} in {now}"
        parts.append(Chart(waterfall_chart(steps, "changes"), says, caption))
    rows = [Row([Cell(then), amount_cell(old, muted=True)])]
    for part in change["parts"]:
        rows += _change_rows(part)
    rows += [
        Row([Cell("Change"), part_cell(total - old, ("change", "total"))], SUBTOTAL),
        Row([Cell(now), amount_cell(total, figure=("total", "total"))], TOTAL),
    ]
    parts.append(Table([Column("What changed", 1), Column("Amount")], rows))
    parts += [Paragraph(REMARKS[remark], "note") for remark in change["remarks"]]
    return Section(parts)


def _change_rows(part: dict[str, Any]) -> list[Row]:
    """A part of the change with its explanation, and the largest of what it is for."""
    label, says = CHANGES[part["code"]]
    rows = [
        Row([Cell(label, aside=says), part_cell(Decimal(part["amount"]), ("change", part["code"]))])
    ]
    if part["details"]:
        listed = "; ".join(
            f"{one['label']} {signed(Decimal(one['amount']))}" for one in part["details"]
        )
        rows.append(Row([Cell(f"Largest: {listed}", muted=True)], DETAIL))
    return rows


def cost_centers(statement: Statement) -> Section:
    """The total by cost center; the charge that finance posts to each."""
    listed = statement["cost_centers"]
    if not listed:
        return Section([Paragraph("No cost center belonged to this business unit in the period.")])
    has_other = any(Decimal(row["other"]) for row in listed)
    rows = [
        Row(
            [
                Cell(row["name"], sub=row["cost_center_id"]),
                *_compared_cells(statement, row),
                amount_cell(Decimal(row["direct"])),
                amount_cell(Decimal(row["allocated"])),
                *([amount_cell(Decimal(row["other"]))] if has_other else []),
                amount_cell(Decimal(row["amount"]), figure=("cost_center", row["cost_center_id"])),
            ]
        )
        for row in listed
    ]
    whole = {"amount": statement["total"], "previous": statement["previous_total"]}
    rows.append(
        Row(
            [
                Cell("Total"),
                *_compared_cells(statement, whole),
                amount_cell(_add(listed, "direct")),
                amount_cell(_add(listed, "allocated")),
                *([amount_cell(_add(listed, "other"))] if has_other else []),
                amount_cell(Decimal(statement["total"]), figure=("total", "total")),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("Cost center", 1),
        *_compared_columns(statement),
        Column("Direct", optional=True),
        Column("Shared", optional=True),
        *([Column("Other", optional=True)] if has_other else []),
        Column("Total"),
    ]
    return Section([Table(columns, rows)])


def services(statement: Statement) -> Section:
    """Direct cost by service."""
    direct = statement["direct"]
    if not direct["services"]:
        return Section([Paragraph("There was no direct cost in this period.")])
    rows = [
        Row(
            [
                Cell(_service_text(row)),
                Cell(share_text(Decimal(row["amount"]), Decimal(direct["total"]), 1), muted=True),
                *_compared_cells(statement, row),
                amount_cell(Decimal(row["amount"])),
            ]
        )
        for row in direct["services"]
    ]
    rows.append(
        Row(
            [
                Cell("Direct cost"),
                Cell(share_text(Decimal(direct["total"]), Decimal(direct["total"]), 1), muted=True),
                *_compared_cells(
                    statement, {"amount": direct["total"], "previous": direct["previous"]}
                ),
                amount_cell(Decimal(direct["total"]), figure=("kind", "direct")),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("Service", 1),
        Column("Of direct", optional=True),
        *_compared_columns(statement),
        Column(period_title(statement["billing_period"])),
    ]
    parts: list[Part] = []
    bars = [row for row in direct["services"] if "folded" not in row][:BARS_SHOWN]
    if len(bars) > 1:
        before = statement["previous_period"]
        caption = "The largest services" + (
            f"; the mark is {period_title(before)}" if before else ""
        )
        parts.append(
            Chart(
                bars_chart(
                    [
                        (service_name(row["product_code"]), row["amount"], row["previous"])
                        for row in bars
                    ],
                    "services",
                ),
                "; ".join(
                    f"{service_name(row['product_code'])} {shown(Decimal(row['amount']))}"
                    for row in bars
                ),
                caption,
            )
        )
    parts.append(Table(columns, rows))
    parts.append(_rules_table(direct))
    included = []
    if Decimal(direct["credits"]):
        included.append(f"{shown(Decimal(direct['credits']))} of credits and refunds")
    if Decimal(direct["tax"]):
        included.append(f"{shown(Decimal(direct['tax']))} of tax")
    if included:
        parts.append(Paragraph(f"Included above: {joined(included)}.", "note"))
    return Section(parts)


def _rules_table(direct: dict[str, Any]) -> Table:
    """What made the direct cost this unit's: tags apart from what had none that could be used."""
    whole = Decimal(direct["total"])
    rows = [
        Row(
            [
                Cell(rule_name(row["rule"]), sub=row["about"]),
                Cell(share_text(Decimal(row["amount"]), whole, 1), muted=True),
                _cents(row),
            ]
        )
        for row in direct["rules"]
    ]
    rows.append(
        Row(
            [
                Cell("Direct cost"),
                Cell(share_text(whole, whole, 1), muted=True),
                amount_cell(whole, figure=("kind", "direct")),
            ],
            TOTAL,
        )
    )
    columns = [Column("What decided", 1), Column("Of direct", optional=True), Column("Amount")]
    return Table(columns, rows, "Why this cost is yours")


def accounts(statement: Statement) -> Section:
    """Direct cost by account, and by service within each account."""
    direct = statement["direct"]
    if not direct["accounts"]:
        return Section([Paragraph("There was no direct cost in any account.")])
    rows: list[Row] = []
    for account in direct["accounts"]:
        rows.append(Row([Cell(account["name"], sub=account["account_id"])], GROUP))
        rows += [
            Row([Cell(_service_text(service)), amount_cell(Decimal(service["amount"]))])
            for service in account["services"]
        ]
        rows.append(
            Row(
                [Cell("Account total", muted=True), amount_cell(Decimal(account["amount"]))],
                SUBTOTAL,
            )
        )
    rows.append(
        Row(
            [Cell("Direct cost"), amount_cell(Decimal(direct["total"]), figure=("kind", "direct"))],
            TOTAL,
        )
    )
    return Section([Table([Column("Account and service", 1), Column("Amount")], rows)])


def shared(statement: Statement) -> Section:
    """Each pool with its key, the unit's weight, the total weight, the share and the amount."""
    pools = statement["pools"]
    if not pools:
        return Section(
            [Paragraph("No shared cost was split to this business unit in this period.")]
        )
    rows = [
        Row(
            [
                Cell(pool["name"], sub=pool["pool_id"]),
                Cell(key_name(pool["key"]), sub=pool["approved"]),
                Cell(weight_text(Decimal(pool["weight"]), pool["key"])),
                Cell(weight_text(Decimal(pool["total_weight"]), pool["key"])),
                Cell(share_text(Decimal(pool["weight"]), Decimal(pool["total_weight"]))),
                amount_cell(Decimal(pool["pool_total"]), muted=True),
                amount_cell(Decimal(pool["amount"]), figure=("pool", pool["pool_id"])),
            ]
        )
        for pool in pools
    ]
    total = _add(pools, "amount")
    rows.append(
        Row(
            [
                Cell("Shared cost"),
                *[Cell("")] * 4,
                amount_cell(_add(pools, "pool_total"), muted=True),
                amount_cell(total, figure=("kind", "allocated")),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("Pool", 5),
        Column("Split by", 4, optional=True),
        Column("Your weight", optional=True),
        Column("All weights", optional=True),
        Column("Your share"),
        Column("Pool total", optional=True),
        Column("Amount"),
    ]
    note = (
        "How to read a line: your weight divided by all weights is your share; your share of the "
        "pool total is the "
        "amount. Weights are the sums over your cost centers. Because every cost center is "
        "charged whole cents on "
        "each invoice, an amount can differ from this calculation by a few cents; the pool as a "
        "whole does not."
    )
    parts: list[Part] = [Table(columns, rows), Paragraph(note, "note")]
    if statement["steps"]:
        parts.append(_steps_table(statement["steps"]))
    return Section(parts)


def _steps_table(steps: list[dict[str, Any]]) -> Table:
    """What pools passed on to later ones, which is in the totals of those and no longer in their own."""
    rows = [Row([Cell(one["giver"]), Cell(one["receiver"]), _cents(one)]) for one in steps]
    rows.append(Row([Cell("Passed on"), Cell(""), amount_cell(_add(steps, "amount"))], TOTAL))
    columns = [
        Column("From the pool", 1),
        Column("to the pool, which is split with it", 1),
        Column("Amount"),
    ]
    return Table(columns, rows, "Pools that are charged for what other pools do for them")


def other_lines(statement: Statement) -> Section:
    """Commitments, rounding and adjustments."""
    kinds = {row["kind"]: Decimal(row["amount"]) for row in statement["kinds"]}
    corrected = [_corrected_row(row) for row in statement["corrections"]]
    groups = [
        ("commitment", [_commitment_row(row) for row in statement["commitments"]]),
        ("rounding", [_rounding_row(row) for row in statement["roundings"]]),
        ("adjustment", [*map(_adjustment_row, statement["adjustments"]), *corrected]),
    ]
    rows: list[Row] = []
    for kind, lines in groups:
        if lines:
            rows.append(Row([Cell(KINDS[kind])], GROUP))
            rows += lines
            rows.append(
                Row([Cell(KINDS[kind]), amount_cell(kinds[kind], figure=("kind", kind))], SUBTOTAL)
            )
    none = [KINDS[kind].lower() for kind, lines in groups if not lines]
    parts: list[Part] = []
    if rows:
        total = sum((kinds[kind] for kind, lines in groups if lines), Decimal("0.00"))
        rows.append(Row([Cell("Together"), amount_cell(total)], TOTAL))
        parts.append(Table([Column("", 1), Column("Amount")], rows))
    if none:
        parts.append(
            Paragraph(f"There were no {joined(none, 'or')} for this business unit in this period.")
        )
    if statement["commitments"]:
        parts.append(
            Paragraph(
                "Commitments: usage is charged at its effective cost, which spreads Savings Plans "
                "and Reserved "
                "Instances over the hours they cover. What was prepaid in the period less what "
                "was used up of "
                "earlier payments is carried by the cost center that holds the commitments.",
                "note",
            )
        )
    return Section(parts)


def corrections(statement: Statement) -> Section:
    """What AWS changed in earlier periods after they were closed, and is charged or given back now."""
    listed = statement["corrections"]
    if not listed:
        return Section([Paragraph("No earlier period is corrected in this one.")])
    rows: list[Row] = []
    for one in listed:
        title = period_title(one["original_period"])
        rows.append(Row([Cell(title, sub=_restated_sentence(one))], GROUP))
        rows += [_correction_row(row) for row in one["rows"]]
        total = amount_cell(Decimal(one["amount"]), figure=("correction", one["original_period"]))
        rows.append(Row([Cell(f"All of {title}", sub=one["original_period"]), total], SUBTOTAL))
    if len(listed) > 1:
        rows.append(Row([Cell("All periods"), amount_cell(_add(listed, "amount"))], TOTAL))
    note = (
        "A closed period is never changed. It was charged again from what AWS says now, by the rules "
        "that were in force in it; the difference is charged here. In statement.csv each amount that "
        "was charged is reversed, and charged as it is to be."
    )
    columns = [Column("What is corrected", 1), Column("Correction")]
    return Section([Table(columns, rows), Paragraph(note, "note")])


def _restated_sentence(one: dict[str, Any]) -> str:
    """Why an earlier period is corrected."""
    if one["execution_id"]:
        return f"AWS delivered its report again after it was closed, as {one['execution_id']}"
    return "One of its invoices was entered or changed after it was closed"


def _correction_row(row: dict[str, Any]) -> Row:
    if "folded" in row:
        return Row([Cell(f"{row['folded']} smaller rows", muted=True), _cents(row)])
    what = {
        "allocated": f"Shared cost: {row['pool']}",
        "commitment": f"Commitments: {service_name(row['product_code'])}",
        "rounding": KINDS["rounding"],
    }.get(row["what"], service_name(row["product_code"]))
    if row["account"]:
        what += f" in {row['account']}"
    whose = f"{row['name']}, {row['cost_center_id']}"
    if row["ended"]:
        whose += f", because {row['ended']} has ended"
    return Row([Cell(what, sub=whose), _cents(row)])


def _corrected_row(row: dict[str, Any]) -> Row:
    about = f"Corrections to {period_title(row['original_period'])}"
    return Row([Cell(about, sub="listed below"), _cents(row)])


def untagged(statement: Statement) -> Section:
    """What had no usable tag in the unit's accounts, and what to do about it."""
    found = statement["untagged"]
    if not found["accounts"]:
        return Section(
            [
                Paragraph(
                    "No account belongs to this business unit, so there is nothing for it to tag."
                )
            ]
        )
    if not found["rows"]:
        return Section(
            [Paragraph("Everything in this business unit's accounts had a usable tag. Thank you.")]
        )
    rows = [
        Row([Cell(f"{row['folded']} smaller rows", muted=True), Cell(""), Cell(""), _cents(row)])
        if "folded" in row
        else Row(
            [
                Cell(row["name"], sub=row["account_id"]),
                Cell(service_name(row["product_code"])),
                Cell(UNTAGGED_OWNERS[row["owner"]], muted=True),
                _cents(row),
            ]
        )
        for row in found["rows"]
    ]
    rows.append(
        Row(
            [
                Cell("Without a usable tag"),
                Cell(""),
                Cell(""),
                amount_cell(Decimal(found["total"])),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("Account", 5),
        Column("Service", 4),
        Column("Charged to", 3, optional=True),
        Column("Cost"),
    ]
    parts: list[Part] = [Table(columns, rows)]
    values = found["values"]
    if values:
        value_rows = [
            Row(
                [Cell(f"{row['folded']} smaller rows", muted=True), Cell(""), Cell(""), _cents(row)]
            )
            if "folded" in row
            else Row(
                [
                    Cell(f"“{row['tag_value']}”", sub=row["tag_key"]),
                    Cell(row["account_id"]),
                    Cell(f"{row['line_items']:,}", muted=True),
                    _cents(row),
                ]
            )
            for row in values
        ]
        columns = [
            Column("Tag value", 3),
            Column("Account", 2),
            Column("Line items", optional=True),
            Column("Cost"),
        ]
        value_rows.append(
            Row(
                [
                    Cell("With an unusable value"),
                    Cell(""),
                    Cell(""),
                    amount_cell(_add(values, "amount")),
                ],
                TOTAL,
            )
        )
        parts.append(
            Table(columns, value_rows, "Of this, tagged with a value that is no cost center")
        )
    parts.append(Paragraph(_untagged_sentence(found)))
    parts.append(Steps(_untagged_steps(found)))
    return Section(parts)


def trend(statement: Statement) -> Section:
    """The totals of the closed periods."""
    listed = statement["trend"]
    if len(listed) == 1:
        return Section(
            [Paragraph("This is the first period on record; the trend starts with the next one.")]
        )
    rows: list[Row] = []
    before: Decimal | None = None
    for row in listed:
        amount = Decimal(row["amount"])
        change = amount - before if before is not None else None
        is_open = statement["provisional"] and row is listed[-1]
        rows.append(
            Row(
                [
                    Cell(period_title(row["period"]) + (" (PROVISIONAL)" if is_open else "")),
                    amount_cell(Decimal(row["direct"])),
                    amount_cell(Decimal(row["allocated"])),
                    amount_cell(Decimal(row["other"])),
                    change_cell(change),
                    Cell(_percent(change, before), muted=True),
                    amount_cell(amount),
                ]
            )
        )
        before = amount
    rows.append(
        Row(
            [
                Cell("All periods shown"),
                *(amount_cell(_add(listed, name)) for name in ("direct", "allocated", "other")),
                Cell(""),
                Cell(""),
                amount_cell(_add(listed, "amount")),
            ],
            TOTAL,
        )
    )
    columns = [
        Column("Period", 1),
        Column("Direct", optional=True),
        Column("Shared", optional=True),
        Column("Other", optional=True),
        Column("Change"),
        Column("", optional=True),
        Column("Total"),
    ]
    picture = Chart(trend_chart(listed), f"Charges per period; {_trend_words(statement)}")
    return Section([picture, Table(columns, rows)])


def invoices(statement: Statement) -> Section:
    """How the charges of all business units tie to what AWS invoiced; totals only."""
    listed = statement["invoices"]
    total, charged = Decimal(statement["total"]), Decimal(statement["charged_total"])
    if not listed:
        return Section(
            [
                Paragraph(
                    "AWS has not issued a final invoice for this period yet. All business units "
                    "together are "
                    f"charged {shown(charged)} {statement['currency']}, "
                    f"{share_text(total, charged)} of it here."
                )
            ]
        )
    rows = []
    rounded_total = Decimal("0.00")
    for invoice in listed:
        exact = Decimal(invoice["rows_total"])
        rounded = Decimal(nearest_cents(exact_units(exact))).scaleb(-2)
        rounded_total += rounded
        rows.append(
            Row(
                [
                    Cell(invoice["issuer"], sub=invoice["invoice_id"]),
                    Cell(shown(rounded), sub=_exactly(exact)),
                    amount_cell(Decimal(invoice["rounding"])),
                    amount_cell(Decimal(invoice["total"])),
                ]
            )
        )
    changes = statement["invoice_changes"]
    rows += [_invoice_change_row(change) for change in changes]
    rounded_total += _add(changes, "line_items")
    invoiced = _add([*listed, *changes], "total")
    rows += [
        Row(
            [
                Cell("AWS invoiced"),
                amount_cell(rounded_total),
                amount_cell(_add([*listed, *changes], "rounding")),
                amount_cell(invoiced),
            ],
            SUBTOTAL,
        ),
        Row(
            [Cell("Charged to all business units together"), *[Cell("")] * 2, amount_cell(charged)]
        ),
        Row([Cell("Difference"), *[Cell("")] * 2, amount_cell(invoiced - charged)], TOTAL),
    ]
    columns = [
        Column("Invoice", 1),
        Column("Line items", optional=True),
        Column("Rounding", optional=True),
        Column("Total"),
    ]
    sentence = (
        f"This statement is {shown(total)} {statement['currency']}, {share_text(total, charged)} "
        "of what all "
        "business units were charged. Every cent of every invoice is on exactly one cost center."
    )
    return Section([Table(columns, rows), Paragraph(sentence)])


def _invoice_change_row(change: dict[str, Any]) -> Row:
    """What an invoice of an earlier period changed by since that was closed."""
    about = f"Change of {period_title(change['original_period'])}: {change['issuer']}"
    return Row(
        [
            Cell(about, sub=change["invoice_id"]),
            Cell(shown(Decimal(change["line_items"]))),
            amount_cell(Decimal(change["rounding"])),
            amount_cell(Decimal(change["total"])),
        ]
    )


def verify(statement: Statement) -> Section:
    """The digests that pin this statement to its sources, and how to check them."""
    period = statement["billing_period"]
    if statement["provisional"]:
        steps = [
            "The file statement.csv beside this one holds every line: its column amount adds up "
            "to the total above.",
            "An open period has no ledger yet. Wait for the closed statement before you check "
            "anything else.",
        ]
    else:
        steps = [
            "The file statement.csv beside this one holds every ledger line of this statement: "
            "its column amount "
            "adds up to the total on the first page, and each line names the rule that decided.",
            *_signature_steps(statement),
            f"The ledger of the period is billing_period={period}/postings.parquet in the books. "
            "Its sha256 digest "
            "is the one printed above; the manifest.json beside it names every source file and "
            "every file of the period, this statement among them, with its own digest.",
            "Any line can be followed back to the line items of AWS's report. Name it as statement.csv does, "
            "by entry_id and line, or by account or pool as on these pages, when you ask the FinOps team, who "
            f"answers with make trace PERIOD={period} LINE=entry_id:line.",
            f"Running make monthly-close PERIOD={period} derives the period again from the frozen "
            "sources and "
            "answers that it is identical, or shows what differs.",
        ]
    return Section(
        [
            Paragraph(_ratified_sentence(statement)),
            Digests(list(statement["digests"].items())),
            Steps(steps),
            *([Digests(SIGNATURE_COMMANDS)] if statement["signer"] else []),
        ]
    )


def _has_development_key(statement: Statement) -> bool:
    return bool(statement["signer"] and statement["signer"]["development"])


def _signature_steps(statement: Statement) -> list[str]:
    """How to check who signed, with programs that are not ours."""
    signer = statement["signer"]
    if not signer:
        return []
    if signer["development"]:
        whose = (
            f"It was {DEVELOPMENT_KEY}: that proves that nothing changed since, but not who signed."
        )
    else:
        whose = f"The signer must be {signer['name']}."
    return [
        "The file statement.pdf is signed: a PDF reader shows by whom, and that nothing changed since, and "
        f"so does the program pdfsig (below). {whose}",
        "The manifest of the period is signed in manifest.json.p7s, which openssl checks (below) with the "
        "certificates that the evidence of the period holds. Running make verify checks every file of "
        "every closed period.",
    ]


#: What a reader types to check the signatures; the second one is a single line for a shell.
SIGNATURE_COMMANDS = (
    ("the PDF", "pdfsig statement.pdf"),
    ("the manifest", "openssl cms -verify -inform DER -binary -in manifest.json.p7s \\"),
    ("", "  -content manifest.json -CAfile certificates.pem -out /dev/null"),
)


def _ratified_sentence(statement: Statement) -> str:
    """Who approved the rules that this statement follows."""
    found = statement["ratification"]
    if found:
        return (
            f"The rules for sharing cost were ratified by {found['approved_by']} on "
            f"{found['approved_on']} ({found['reference']}), from {period_title(found['valid_from'])} on."
        )
    if statement["governed"]:
        return "The rules for sharing cost are not ratified yet."
    return (
        "The rules for sharing cost are not governed: no ratification is required or recorded where "
        "they are kept."
    )


def _compared_columns(statement: Statement) -> list[Column]:
    before = statement["previous_period"]
    return [Column(period_title(before), optional=True), Column("Change")] if before else []


def _compared_cells(statement: Statement, row: dict[str, Any]) -> list[Cell]:
    if not statement["previous_period"]:
        return []
    before = Decimal(row["previous"])
    return [amount_cell(before, muted=True), change_cell(Decimal(row["amount"]) - before)]


def _change_sentence(statement: Statement) -> str:
    before = statement["previous_period"]
    if not before:
        return "The first period on record: there is no earlier one to compare it with."
    old = Decimal(statement["previous_total"])
    change = Decimal(statement["total"]) - old
    if change == 0:
        return f"Unchanged from {period_title(before)}"
    percent = _percent(change, old)
    words = "more than" if change > 0 else "less than"
    amount = shown(abs(change)) + (f" ({percent})" if percent else "")
    return f"{amount} {words} in {period_title(before)}, which was {shown(old)}"


def _percent(change: Decimal | None, before: Decimal | None) -> str:
    """A change in percent of what was; empty where that says nothing."""
    if change is None or before is None or before <= 0:
        return ""
    return f"{signed(change * 100 / before, 1)}%"


def _kinds_sentence(statement: Statement) -> str:
    kinds = {row["kind"] for row in statement["kinds"]}
    meanings = [
        "Direct cost carries a tag of one of your cost centers, is given to one by an approved "
        "rule, or arose in an account whose default it is.",
        "Shared cost is your part of what no one unit owns; each pool and its key are listed "
        "below.",
    ]
    if kinds & {"commitment", "rounding", "adjustment"}:
        meanings.append("The other lines are explained after the shared cost.")
    return f"All amounts are in {statement['currency']}. " + " ".join(meanings)


def _trend_words(statement: Statement) -> str:
    listed: Sequence[dict[str, str]] = statement["trend"]
    return ", ".join(
        f"{period_title(row['period'])} {shown(Decimal(row['amount']))}" for row in listed
    )


def _service_text(row: dict[str, Any]) -> str:
    if "folded" in row:
        return f"{row['folded']} smaller services (all in statement.csv)"
    return service_name(row["product_code"])


def _commitment_row(row: dict[str, Any]) -> Row:
    if "folded" in row:
        return Row([Cell(f"{row['folded']} smaller rows", muted=True), _cents(row)])
    return Row([Cell(service_name(row["product_code"]), sub=row["line_item_type"]), _cents(row)])


def _rounding_row(row: dict[str, Any]) -> Row:
    return Row(
        [Cell("Invoice total less the sum of its line items", sub=row["invoice_id"]), _cents(row)]
    )


def _adjustment_row(row: dict[str, Any]) -> Row:
    name = row["name"] + (f": {row['reason']}" if row["reason"] else "")
    return Row([Cell(name, sub=f"{row['cost_center_id']}, {row['reference']}"), _cents(row)])


def _untagged_sentence(found: dict[str, Any]) -> str:
    pooled, defaulted, ruled = (
        Decimal(found["owners"][owner]) for owner in ("pool", "account-default", "ownership")
    )
    sentences = ["These are costs of line items, before they were split, shown in cents."]
    if defaulted:
        sentences.append(
            f"{shown(defaulted)} went to the default cost center of its account, which is yours."
        )
    if ruled:
        sentences.append(
            f"{shown(ruled)} went where an approved ownership rule gives it; what it belongs to is known, "
            "and still has no tag."
        )
    if pooled:
        sentences.append(
            f"{shown(pooled)} went to the pool for untagged cost, which every cost center that "
            "takes part pays for."
        )
    return " ".join(sentences)


def _untagged_steps(found: dict[str, Any]) -> list[str]:
    listed = [f"{row['cost_center_id']} ({row['name']})" for row in found["cost_centers"]]
    if len(listed) > CENTERS_LISTED:
        listed = [*listed[:CENTERS_LISTED], f"{len(listed) - CENTERS_LISTED} more, listed above"]
    steps = [
        "On every resource in these accounts, set the tag that the report calls "
        f"{found['tag_key']} "
        f"to the id of the cost center that uses it. Yours are: {joined(listed)}.",
    ]
    if found["values"]:
        steps.append(
            "Correct the values listed above, or ask finance to accept them as other spellings of "
            "a cost center "
            "(tag_values.csv); both need the cost center they stand for."
        )
    steps.append(
        "A tag counts from the day it is set; it does not change a closed period. Start with the "
        "largest row above."
    )
    return steps


def _cents(row: dict[str, Any]) -> Cell:
    return amount_cell(Decimal(row["amount"]))


def _exactly(exact: Decimal) -> str:
    fraction = f"{exact:f}".partition(".")[2].rstrip("0")
    return f"exactly {shown(exact, len(fraction))}" if len(fraction) > 2 else ""


def _add(rows: Sequence[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal("0.00"))
