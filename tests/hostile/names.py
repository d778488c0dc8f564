"""A small estate in which whatever people may name is an attack: on a medium, a reader's program or a terminal.

The report has May and June 2026, which are final, and July, which is open. Whoever fills in a tag, names an
account or writes params wrote these names; ids are as params let them be.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from chargeback.params import read_params
from chargeback.params.ratification import rules_digest
from chargeback.params.registers import COLUMNS
from tests.close.months import JULY, JUNE, MAY, Month, month_in
from tests.params_folder import ALWAYS, accepted, write_params
from tests.reports import line_item, write_report
from tests.statements.hostile import TAG_VALUES

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"
LINK = "[a](javascript:alert(1)) ![b](http://198.51.100.1/c.png)"
STYLE = "</style><style>@import url(http://198.51.100.1/a.css);</style><!--"
TYPST = '#sys.exit() #read("/etc/passwd") ") ] } $x$ // /*'
PANDOC = "```\n````{=html}\n<script>alert(2)</script>\n````\n# {{< env HOME >}} {=typst} <% x %>"
JINJA = "{{ 7 * 7 }} {% raw %} {period} {0.__class__} %s %(x)s ${HOME} $(id) `id`"
FORMULA = "=1+1"
PLUS, MINUS, AT = "+1+1", "-1+1", "@SUM(1)"
BEHIND = "a;=1+1|=2+2"
COMMAND = "=cmd|' /C calc'!A0"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;eA==\x07\x9b31mred\x1b[8m\r\b"
BIDI = "a\u202egnp.exe\u202c\u2066b\u2069\u200f\u200b\u00ad\ufeff"
LINES = "two\nlines\tand a tab\r\nthree\u2028four"
LONG = "W" * 10_000
QUOTES = '"\'`´“”\\"; DROP TABLE x; --'
PATH = "../../../../etc/x"
DEVICE = "CON"
OTHERS = "مطالبات 日本語 🚑👩\u200d⚕️ e\u0301\u0301\u0301 Z\u0351\u036b\u0343"
JOURNAL = 'a"; b\\, [2026-01-01] | date:2020-01-01 {"x"} %2C\n2026-01-01 * x'
PROMETHEUS = 'x"} 1\n# EOF\nchargeback_x{a="b"} 2\\'
PIPE = "a|b\\|c<br>d&lt;e&amp;f"
AMOUNT = "9,999.99 Total"

NAMES = (
    SCRIPT, IMAGE, LINK, STYLE, TYPST, PANDOC, JINJA, FORMULA, PLUS, MINUS, AT, BEHIND, COMMAND, TERMINAL, BIDI,
    LINES, LONG, QUOTES, PATH, DEVICE, OTHERS, JOURNAL, PROMETHEUS, PIPE, AMOUNT,
)  # fmt: skip

#: Ids that params let be: names of devices, numbers, words of our own pages.
UNITS = {"CON": f"{SCRIPT} {TYPST} {TERMINAL}", "1e5": f"{PANDOC} {BIDI}", "data": FORMULA}
CENTERS = {
    f"{['NUL', '4711', 'E-1'][number] if number < 3 else f'C{number}'}": (name, [*UNITS][number % 3])
    for number, name in enumerate(NAMES)
}  # fmt: skip
ACCOUNTS = {f"{number:012d}": name for number, name in enumerate(reversed(NAMES), start=1)}
HOLDER = "NUL"


def register(name: str, rows: Sequence[Sequence[str]]) -> str:
    """The text of a register with these rows, every cell in quotes."""
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return ",".join(COLUMNS[name]) + "\n" + stream.getvalue()


def quoted(text: str) -> str:
    """A string of TOML."""
    signs = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(
        signs.get(one, one if one.isprintable() else f"\\U{ord(one):08x}") for one in text
    ) + '"'  # fmt: skip


def pool(pool_id: str, name: str, match: str, more: str = "", key: str = "even") -> str:
    """One [[pool]] whose name and approval are an attack."""
    return (
        f"[[pool]]\npool_id = {quoted(pool_id)}\nname = {quoted(name)}\nmatch = {match}\n"
        f'key = "{key}"\nrecipients = ["*"]\nvalid_from = "2026-01"\napproved = {quoted(name)}\n{more}\n'
    )


#: What the pools take by product code: a service is an attack too.
POOLS = {
    "support": (IMAGE, COMMAND), "tax-1.00": (TYPST, SCRIPT), "PRN": (TERMINAL, BIDI), "even": (LONG, JINJA),
}  # fmt: skip

#: What the business counts, and how it is counted, are attacks too.
METRICS = (SCRIPT, TYPST, FORMULA, TERMINAL, LONG)

ISSUERS = {
    "9E9": (MAY, PROMETHEUS),
    "000": (JUNE, SCRIPT + TERMINAL),
}


def params_files() -> dict[str, str]:
    """The params files that differ from the usual ones."""
    policy = ALWAYS["policy.toml"].replace("CC-9", HOLDER) + (
        '[daily]\nuntagged_threshold_percent = "1"\nuntagged_minimum = "1.00"\n'
        'untagged_window_days = "3"\nticket_due_days = "14"\n'
    )
    approver = f"{SCRIPT}{TERMINAL}{FORMULA}"
    moved = [
        [period, "NUL", "4711", "2.00", reason, reference, reason, approver, "2026-01-20"]
        for period, reason, reference in (
            (MAY, TYPST, SCRIPT), (MAY, COMMAND, FORMULA), (MAY, TERMINAL + LINES, BIDI),
            (JUNE, PANDOC, JOURNAL), (JUNE, LONG, PATH),
        )
    ]  # fmt: skip
    rules = "".join(
        f'[[rule]]\nrule_id = "rule{number}"\ncost_center_id = "4711"\n'
        f"match = {{ resource_like = [{quoted(name)}] }}\n"
        f'valid_from = "2026-01"\napproved = {quoted(name)}\nreason = {quoted(name)}\n\n'
        for number, name in enumerate((SCRIPT, TYPST, TERMINAL, FORMULA))
    )
    policy += "".join(
        f'[[metric]]\nmetric = "m{number}"\nname = {quoted(name)}\none = {quoted(name)}\n'
        f"many = {quoted(name)}\n\n"
        for number, name in enumerate(METRICS)
    )
    counted = [
        [period, f"m{number}", unit, "7", name, "2026-01-20", final]
        for period in (MAY, JUNE)
        for number, name in enumerate(METRICS)
        for unit, final in [*((unit, "no") for unit in UNITS), ("*", "yes")]
    ]
    declared = [
        ["*" if number == 0 else center, "2026-01", "", "12.5", "7.5", "80", name, name, name, approver,
         "2026-01-20"]
        for number, (center, (name, _)) in enumerate(CENTERS.items())
    ]  # fmt: skip
    return {
        "business_units_csv": register(
            "business_units.csv", [[one, name, name, name, name] for one, name in UNITS.items()]
        ),
        "cost_centers_csv": register(
            "cost_centers.csv",
            [[one, name, unit, "2026-01", ""] for one, (name, unit) in CENTERS.items()],
        ),
        "accounts_csv": register(
            "accounts.csv", [[one, name, name, "", "2026-01", "", ""] for one, name in ACCOUNTS.items()]
        ),
        "tag_values_csv": register(
            "tag_values.csv",
            [["user_cost_center", name, "E-1", "2026-01", "", name] for name in (SCRIPT, FORMULA, JOURNAL)],
        ),
        "invoices_csv": register(
            "invoices.csv",
            [[one, period, issuer, "USD", TOTALS[period], approver, issuer]
             for one, (period, issuer) in ISSUERS.items()],
        ),
        "adjustments_csv": register("adjustments.csv", moved),
        "metrics_csv": "billing_period,metric,business_unit_id,quantity,source,as_of,final\n"
        + register("metrics.csv", counted).partition("\n")[2],
        "medical_loss_ratio_csv": register("medical_loss_ratio.csv", declared),
        "acceptances_csv": accepted(tag_keys_are_carried="user_cost_center")
        + "nobodys_share_is_within_its_limit,untagged,2026-01,,\"" + JOURNAL.replace('"', '""')
        + '","' + approver.replace('"', '""') + '"\n',
        "policy_toml": policy,
        "ownership_toml": rules,
        "allocation_toml": "".join(
            pool(one, name, f"{{ product_code = [{quoted(code)}] }}") for one, (name, code) in POOLS.items()
        ) + pool("untagged", AMOUNT, "{}"),
    }  # fmt: skip


TOTALS = {MAY: "0.00", JUNE: "0.00"}


def month_items(period: str, more: float) -> list[dict[str, Any]]:
    """The line items of a period: a direct cost of each center, pooled costs, and what nobody owns."""
    invoice = next((one for one, (when, _) in ISSUERS.items() if when == period), "")
    base = {
        "bill_invoice_id": invoice,
        "line_item_usage_start_date": datetime.fromisoformat(f"{period}-02T10:00"),
        "identity_line_item_id": "",
    }
    items = []
    for number, (center, account) in enumerate(zip(CENTERS, ACCOUNTS, strict=True)):
        name = NAMES[number]
        said = {
            "line_item_usage_account_id": account, "line_item_product_code": name,
            "line_item_resource_id": name, "line_item_line_item_description": name,
            "line_item_operation": name, "line_item_usage_type": name, "identity_line_item_id": name,
            "line_item_usage_account_name": name, "bill_payer_account_name": name,
            "bill_invoicing_entity": ISSUERS[invoice][1] if invoice else "",
            "bill_billing_entity": "AWS Marketplace", "product": {"product_name": NAMES[-1 - number]},
        }  # fmt: skip
        items.append(line_item(10.0 + number + more, center, **base | said))
        loose = line_item(1.0, name, **base | said)
        loose["resource_tags"] = {"user_cost_center": name, "user_" + name: name}
        items.append(loose)
    for value in TAG_VALUES:
        items.append(line_item(1.0, value, **base, line_item_usage_account_id="000000000001"))
    for name, code in POOLS.values():
        said = {"line_item_product_code": code, "line_item_line_item_description": name}
        items.append(
            line_item(
                6.0,
                **base
                | said
                | {"line_item_usage_account_id": "000000000001", "line_item_resource_id": ""},
            )
        )
    return items


def total_of(items: Sequence[dict[str, Any]]) -> str:
    """What an invoice of these line items asks for; all costs are whole dollars."""
    return f"{sum(int(one['line_item_unblended_cost']) for one in items)}.00"


def write_estate(folder: Path) -> Month:
    """The report and its params in a folder, nothing closed."""
    may, june, july = month_items(MAY, 0.0), month_items(JUNE, 3.0), month_items(JULY, 1.0)
    report = write_report(folder / "report", may)
    write_report(report, june, period=JUNE)
    write_report(report, july, period=JULY)
    TOTALS.update({MAY: total_of(may), JUNE: total_of(june)})
    params = write_params(folder / "params", **params_files())
    digest = rules_digest(read_params(params, MAY))
    ratified = [digest, "2026-01", SCRIPT + TERMINAL, f"{JOURNAL} {TYPST}", "2026-01-05"]
    (params / "ratifications.csv").write_text(register("ratifications.csv", [ratified]), "utf-8")
    return month_in(folder)
