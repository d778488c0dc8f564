"""Topic settings: which topic of SNS tells which owning team; from sources.toml or the environment.

    [daily.topics]                                     # or CHARGEBACK_TOPICS, the same as a JSON object
    claims-engineering = "arn:aws:sns:us-east-1:123456789012:insurer-chargeback-alerts-claims-engineering"
    default = "arn:aws:sns:…"                          # for teams without one, and what is no team's; optional

A blank ARN means that nobody is told. Terraform's output `topics` is the table.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.core.text import suggestion
from chargeback.params.registers import read_register
from chargeback.params.toml_files import read_toml, text_value

#: The entry for what no other topic takes.
DEFAULT = "default"

FILE, TABLE, KEY = "sources.toml", "daily", "topics"
ENVIRONMENT = "CHARGEBACK_TOPICS"

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


def read_topics(params_folder: Path) -> dict[str, str]:
    """The ARNs by owning team; none where nothing is set.

    Raises:
        Refusal: (exit 2) the table or the variable cannot be read, an ARN is of no standard topic, or a team of
            sources.toml stands in no row of accounts.csv.
    """
    given = os.environ.get(ENVIRONMENT, "").strip()
    if given:
        where = f"the environment variable {ENVIRONMENT}"
        return checked(where, of_json(where, given))
    if not (params_folder / FILE).is_file():
        return {}
    where, table = read_toml(params_folder, FILE).subtable(TABLE, (KEY,))
    found = table.get(KEY, {})
    if not isinstance(found, dict):
        raise bad_params(f"{KEY} must be a table", f"[{TABLE}.{KEY}]", repr(found)[:80], [where])
    check_teams(f"{where}, {KEY}", found, params_folder)
    return checked(f"{where}, {KEY}", found)


def of_json(where: str, text: str) -> dict[str, object]:
    """A JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_params(
            f"{ENVIRONMENT} is no JSON object", '{"claims-engineering": "arn:aws:sns:…"}',
            repr(text)[:80], [where],
        )  # fmt: skip
    return found


def checked(where: str, found: Mapping[str, object]) -> dict[str, str]:
    """Topics by team, all of them texts that name a standard topic or nothing."""
    topics = {}
    for team in found:
        arn = text_value(where, dict(found), team, "").strip()
        if arn and not _TOPIC.fullmatch(arn):
            raise bad_params(
                "a topic is not the ARN of a standard topic of SNS",
                "arn:aws:sns:us-east-1:123456789012:…, or nothing", repr(arn), [f"{where}, {team}"],
            )  # fmt: skip
        topics[team] = arn
    return topics


def check_teams(where: str, found: Mapping[str, object], params_folder: Path) -> None:
    """Refuse a team that accounts.csv never had: nobody would be told through its topic."""
    if not set(found) - {DEFAULT}:
        return
    teams = {row["owning_team"] for row in read_register(params_folder, "accounts.csv")}
    for team in found:
        if team != DEFAULT and team not in teams:
            raise bad_params(
                "a topic is for a team that accounts.csv does not have",
                f"an owning_team of accounts.csv, or {DEFAULT}", repr(team), [where],
                suggestion(team, sorted(teams)) or ["correct it, then run the same command again"],
            )  # fmt: skip
