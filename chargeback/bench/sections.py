"""Sections: what ONLY= of the bench may name, one alone."""

from __future__ import annotations

#: The stages of a close; statements, the last, work in processes of their own too.
STATEMENTS = "statements"
STAGES = ("sources", "rollup", "attribution", "allocation", "ledger", STATEMENTS)

#: Whose growth is measured.
GROWING = (
    "monthly-close", *STAGES, "check-params", "rules", "viewers", "verify", "restatements", "audit", "trace",
    "journal", "export", "bundle", "what-if", "dashboards", "handout", "daily", "draft",
)  # fmt: skip

GROWTH = "growth:"
SECTIONS = (
    "anomalies", "daily", "growth", "portal", "statements", "verbs", *(GROWTH + name for name in GROWING)
)  # fmt: skip
