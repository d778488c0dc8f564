"""The state machine as a text: valid in the language of Step Functions, and whatever ends it is recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from chargeback.core.paths import ROOT
from tests.flow.machines import TEMPLATE, filled
from tests.flow.steps import DAILY, DRILL
from tests.programs import missing, program

PLACES = re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text(encoding="utf-8"))
VALUES = {
    **dict.fromkeys(PLACES, "1"),
    "decisions_topic": "decisions",
    "operations_topic": "operations",
    "partition": "aws",
    "named_by": "period",
    "steps": '[{"name": "verify"}]',
    "subnets": '["subnet-1"]',
    "security_groups": '["sg-1"]',
    "service_retry": '[{"ErrorEquals": ["States.ALL"]}]',
}


def states() -> dict[str, dict[str, Any]]:
    """Every state by its name, those of the steps among them."""
    machine = json.loads(filled(TEMPLATE.read_text(encoding="utf-8"), VALUES))
    found = dict(machine["States"])
    found.update(found["Each step in turn"]["ItemProcessor"]["States"])
    return found


def test_whatever_ends_a_step_is_recorded_before_it_is_told():
    found = states()
    outcomes = [name for name, one in found.items() if one.get("ResultPath") == "$.outcome"]
    assert len(outcomes) == 6
    assert {found[name]["Next"] for name in outcomes} == {"It is recorded"}
    assert found["It is recorded"]["Next"] == "It is told"


def test_the_documentation_has_each_outcome_and_whom_it_is_told_to():
    found = states()
    told = {}
    for one in found.values():
        if one.get("ResultPath") == "$.outcome":
            told[one["Result"]["name"]] = one["Result"]["topic"]
    text = (ROOT / "docs" / "platform-flow.md").read_text(encoding="utf-8")
    table = text.partition("<!-- outcomes: flow.asl.json.tftpl -->")[2].partition(
        "<!-- end of outcomes -->"
    )[0]
    rows = [one.strip("| ").split(" | ") for one in table.strip().splitlines()[2:]]
    documented = {name: row[3] for row in rows for name in told if f"`{name}`" in row[1] + row[2]}
    assert documented == told
    choices = found["What it means"]["Choices"]
    codes = {one["StringEquals"]: one["Next"] for one in choices if "And" not in one}
    named = {code: found[after]["Result"]["name"] for code, after in codes.items() if code != "3"}
    [special] = [one for one in choices if "And" in one]
    about = ", ".join(f"`{one['name']}`" for one in [*DAILY, *DRILL] if one.get("about_platform"))
    named[f"{special['And'][0]['StringEquals']} of {about}"] = found[special["Next"]]["Result"][
        "name"
    ]
    assert {row[0]: row[1].strip("`") for row in rows if row[0] in named} == named
    assert choices.index(special) < [one.get("StringEquals") for one in choices].index("4")


def test_every_call_of_a_service_is_tried_again_and_every_task_is_caught():
    for name, one in states().items():
        if one["Type"] == "Task":
            assert "Retry" in one or name == "The program"
    assert states()["The program"]["Catch"][0]["ErrorEquals"] == ["States.ALL"]


def test_a_validator_that_is_not_ours_finds_nothing_wrong(tmp_path):
    file = tmp_path / "flow.asl.json"
    file.write_text(filled(TEMPLATE.read_text(encoding="utf-8"), VALUES))
    ended = subprocess.run(
        [*validator(), "--json-path", str(file)], text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    file.write_text(file.read_text().replace('"Next": "The day"', '"Next": "Nowhere"'))
    ended = subprocess.run(
        [*validator(), "--json-path", str(file)], text=True, capture_output=True, check=False
    )
    assert ended.returncode != 0 and "Nowhere" in ended.stdout + ended.stderr


def validator() -> list[str]:
    """asl-validator of npm, on PATH or in a folder of packages that is named; skips where it is not."""
    package = Path(os.environ.get("CHARGEBACK_NODE_MODULES", "")) / "asl-validator"
    if (package / "package.json").is_file():
        file = json.loads((package / "package.json").read_text(encoding="utf-8"))["bin"]
        return [program("node"), str(package / file["asl-validator"])]
    found = shutil.which("asl-validator")
    return [
        found or missing("asl-validator is not on PATH, nor in what CHARGEBACK_NODE_MODULES names")
    ]
