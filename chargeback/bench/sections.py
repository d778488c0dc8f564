"""Sections: what ONLY= of the bench may name, one alone, and along which axes growth is measured."""

from __future__ import annotations

#: The stages of a close; statements, the last, work in processes of their own too.
STATEMENTS = "statements"
STAGES = ("sources", "rollup", "attribution", "allocation", "ledger", STATEMENTS)

#: Whose growth is measured.
GROWING = (
    "monthly-close", *STAGES, "check-params", "rules", "viewers", "verify", "restatements", "audit", "trace",
    "journal", "export", "bundle", "what-if", "dashboards", "handout", "daily", "draft",
)  # fmt: skip

#: Along which estates grow (chargeback/bench/estates.py); what AXIS= may name.
AXES = (
    "line_items", "accounts", "cost_centers", "units", "pools", "invoices", "tag_values", "resources",
    "periods", "adjustments",
)  # fmt: skip

GROWTH = "growth:"
SECTIONS = (
    "anomalies", "compute", "daily", "growth", "portal", "statements", "verbs",
    *(GROWTH + name for name in GROWING),
)  # fmt: skip
