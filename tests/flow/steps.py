"""The steps of scheduled flows, as infra/modules/flow/flows.tf has them (tests/infra/test_flow.py compares)."""

from __future__ import annotations

from typing import Any

CLOSE: list[dict[str, Any]] = [
    {"name": "monthly-close", "command": ["monthly-close", "--handout", "no"], "stops": True},
    {"name": "handout", "command": ["handout"], "stops": True},
    {"name": "verify", "command": ["verify"], "stops": True},
]
DAILY: list[dict[str, Any]] = [
    {"name": "daily", "command": ["daily"], "stops": False},
    {"name": "freshness", "command": ["freshness"], "stops": False},
    {"name": "posture", "command": ["posture"], "stops": False, "about_platform": True},
]
DRILL: list[dict[str, Any]] = [
    {"name": "drill", "command": ["drill"], "stops": True, "about_platform": True},
]
