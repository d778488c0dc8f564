"""A tiny params folder: three cost centers of two units, an invoice and the pool `untagged`."""

from __future__ import annotations

import re
from pathlib import Path

ALWAYS = {
    "business_units.csv": (
        "business_unit_id,name,owner,email,idp_group\n"
        "shop,Shop,Ann,ann@example.com,shop\n"
        "core,Core,Bob,bob@example.com,core\n"
    ),
    "cost_centers.csv": (
        "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
        "CC-1,Web,shop,2026-01,\n"
        "CC-2,Stock,shop,2026-01,\n"
        "CC-9,Platform,core,2026-01,\n"
    ),
    "accounts.csv": (
        "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to\n"
        "012345678901,work,core,,2026-01,\n"
    ),
    "tag_values.csv": "tag_key,tag_value,cost_center_id,valid_from,valid_to,reference\n",
    "drivers.csv": "billing_period,driver,cost_center_id,quantity,source\n",
    "invoices.csv": (
        "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
        "900000001,2026-05,AWS,USD,100.00,finance,PDF\n"
    ),
    "adjustments.csv": (
        "billing_period,from_cost_center_id,to_cost_center_id,amount,reason,reference,entered_by,approved_by,approved_on\n"
    ),
    "policy.toml": (
        'currency = "USD"\n'
        'cost_basis = "amortized"\n'
        'cost_center_tags = ["user_cost_center"]\n'
        'mandatory_tags = ["user_cost_center"]\n'
        'commitments_cost_center_id = "CC-9"\n'
        'rounding_cost_center_id = "CC-9"\n'
        'invoice_rounding_limit = "1.00"\n'
    ),
}


OPTIONAL = (
    "acceptances.csv",
    "budgets.csv",
    "deferrals.csv",
    "delivery.toml",
    "gl_accounts.csv",
    "medical_loss_ratio.csv",
    "metrics.csv",
    "ownership.toml",
    "ratifications.csv",
    "sources.toml",
    "viewers.toml",
)


def pool(pool_id: str = "untagged", match: str = "{}", key: str = "even", more: str = "") -> str:
    """One [[pool]] of allocation.toml; `more` holds further lines, and replaces `recipients`."""
    recipients = "" if "recipients" in more else 'recipients = ["*"]\n'
    return (
        f'[[pool]]\npool_id = "{pool_id}"\nname = "{pool_id}"\nmatch = {match}\nkey = "{key}"\n'
        f'{recipients}valid_from = "2026-01"\napproved = "council"\n{more}\n'
    )


def write_params(folder: Path, **files: str) -> Path:
    """A params folder; a keyword such as `invoices_csv` replaces that file's text."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {**ALWAYS, "allocation.toml": pool()}
    for name, text in files.items():
        stem, _, kind = name.rpartition("_")
        assert f"{stem}.{kind}" in (*texts, *OPTIONAL), name
        texts[f"{stem}.{kind}"] = text
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def accepted(**subjects: str) -> str:
    """The text of acceptances.csv that lets a subject of each control pass; several are joined by spaces."""
    rows = "".join(
        f"{control},{one},2026-01,,CHG1,controller\n"
        for control, several in subjects.items()
        for one in several.split()
    )
    return "control,subject,valid_from,valid_to,reference,accepted_by\n" + rows


def any_month(pools: str) -> str:
    """The text of acceptances.csv for generated months, of any kind: all of one pool, without tags."""
    return accepted(
        tag_keys_are_carried="user_cost_center",
        nobodys_share_is_within_its_limit="untagged",
        fallback_share_is_within_its_limit=" ".join(re.findall('pool_id = "(.+)"', pools)),
    )


def added(name: str, *rows: str) -> str:
    """The text of a register with rows added to the usual ones."""
    return ALWAYS[name] + "".join(row + "\n" for row in rows)
