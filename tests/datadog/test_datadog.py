"""Datadog's monitors, service levels and dashboard name what the program sends, and the provider takes them.

The provider cannot be had everywhere: a stub with its schema stands in (stub_provider.py), which Terraform
itself holds the configuration to. It takes the npm package `@cdktf/provider-datadog` in a folder that
CHARGEBACK_NODE_MODULES names, and a Python with the package `tf` that CHARGEBACK_TF_PYTHON names.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.paths import ROOT
from tests.datadog.schema import provider_schema
from tests.programs import missing, program

DATADOG = ROOT / "infra" / "datadog"
SENDERS = (
    "core/metrics.py",
    "close/metrics.py",
    "daily/metrics.py",
    "daily/freshness.py",
    "delivery/disputes_told.py",
    "portal/measured.py",
    "posture/run.py",
    "review/drill/run.py",
)
KINDS_OF_RUN = ("close", "daily", "posture", "drill")
AGES = ("delivery", "ledger")


def sent() -> dict[str, str]:
    """Every metric that the program sends, as Datadog names it, with its kind: gauge or count."""
    found = {}
    for sender in SENDERS:
        tree = ast.parse((ROOT / "chargeback" / sender).read_text(encoding="utf-8"))
        calls = [
            one
            for one in ast.walk(tree)
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
        ]
        for call in calls:
            if call.func.id in ("gauge", "count") and call.args:
                for name in names(call.args[0]):
                    found[f"chargeback.{name.replace('_', '.', 1)}"] = call.func.id
    return found


def names(argument: ast.expr) -> list[str]:
    """The names that the first argument stands for: `{what}_runs` is that of each kind of run."""
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if isinstance(argument, ast.JoinedStr):
        text = ast.unparse(argument)[2:-1]
        values = {"{what}": KINDS_OF_RUN, "{name}": AGES}
        [(variable, kinds)] = [(one, kinds) for one, kinds in values.items() if one in text]
        return [text.replace(variable, kind) for kind in kinds]
    return []


def named(text: str) -> set[str]:
    """The metrics that a text of the module names."""
    found = set(re.findall(r"chargeback(?:\.[a-z_]+)+", text))
    counted = re.findall(r'"((?:close|daily|freshness|portal)\.[a-z_]+)"', text)
    return found | {f"chargeback.{one}" for one in counted}


def module_text() -> str:
    """The module without its comments."""
    lines = "\n".join(
        one.read_text(encoding="utf-8") for one in sorted(DATADOG.glob("*.tf"))
    ).splitlines()
    return "\n".join(one for one in lines if not one.lstrip().startswith("#"))


def test_each_metric_that_is_named_is_one_that_the_program_sends():
    found = named(module_text())
    assert len(found) >= 30
    assert found - sent().keys() == set()
    misspelt = named(module_text().replace("close.untagged_ratio", "close.untaged_ratio"))
    assert misspelt - sent().keys() == {"chargeback.close.untaged_ratio"}


def test_what_is_summed_is_a_count_and_what_is_not_a_gauge():
    text, kinds = module_text(), sent()
    for aggregation, name in re.findall(r"(sum|max|avg|min):(chargeback(?:\.[a-z_]+)+)\{", text):
        assert (aggregation == "sum") == (kinds[name] == "count"), name
    counted = re.findall(r'"((?:close|daily|freshness|portal)\.[a-z_]+)"', text)
    assert {kinds[f"chargeback.{one}"] for one in counted} == {"count"}


def test_whatever_has_to_be_told_has_a_monitor():
    text = (DATADOG / "monitors.tf").read_text(encoding="utf-8")
    for name in (
        "close.failures", "late.closes", "delivery.age_days", "close.reconciliation_difference",
        "close.untagged_ratio", "close.pool_ratio", "close.athena_cost", "daily.runs",
        "posture.drifted", "posture.not_answered", "posture.runs", "drill.differences", "drill.failures",
        "portal.failures",
    ):  # fmt: skip
        assert f"chargeback.{name}{{" in text


def test_the_documentation_lists_what_is_sent():
    text = (ROOT / "docs" / "platform-flow.md").read_text(encoding="utf-8")
    table = text.partition("<!-- metrics: what the program sends -->")[2].partition(
        "<!-- end of metrics -->"
    )[0]
    rows = re.findall(r"\| ([a-z_.]+) \| (gauge|count) \|", table)
    assert {f"chargeback.{name}": kind for name, kind in rows} == sent()


def test_no_key_stands_in_the_module():
    assert not re.search(r"(api|app)_key\s*=", module_text())


class Stub:
    """Terraform on a copy of the module, with the stub in the provider's place."""

    def __init__(self, folder: Path) -> None:
        modules, python = (
            os.environ.get("CHARGEBACK_NODE_MODULES"),
            os.environ.get("CHARGEBACK_TF_PYTHON"),
        )
        package = Path(modules or "") / "@cdktf" / "provider-datadog"
        if not modules or not package.is_dir():
            missing("CHARGEBACK_NODE_MODULES names no folder with @cdktf/provider-datadog")
        if not python:
            missing("CHARGEBACK_TF_PYTHON names no Python with the package tf")
        self.terraform = program("terraform")
        self.module = folder / "datadog"
        shutil.copytree(DATADOG, self.module, ignore=shutil.ignore_patterns(".terraform*"))
        (folder / "schema.json").write_text(json.dumps(provider_schema(package)), encoding="utf-8")
        stub = folder / "provider" / "terraform-provider-datadog"
        stub.parent.mkdir()
        stub.write_text(
            f"#!/bin/sh\nexport CHARGEBACK_STUB_SCHEMA='{folder / 'schema.json'}'\n"
            f"exec '{python}' '{Path(__file__).with_name('stub_provider.py')}' \"$@\"\n"
        )
        stub.chmod(0o755)
        settings = folder / "terraform.tfrc"
        settings.write_text(
            "provider_installation {\n  dev_overrides {\n"
            f'    "DataDog/datadog" = "{stub.parent}"\n  }}\n  direct {{}}\n}}\n'
        )
        self.environment = {
            **os.environ, "TF_CLI_CONFIG_FILE": str(settings), "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_finance": "@finance", "TF_VAR_operations": "@operations",
        }  # fmt: skip

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, however it ends."""
        return subprocess.run(
            [self.terraform, f"-chdir={self.module}", *arguments], env=self.environment, text=True,
            capture_output=True, check=False,
        )  # fmt: skip

    def change(self, file: str, before: str, after: str) -> None:
        """Change a file of the copy."""
        text = (self.module / file).read_text(encoding="utf-8")
        assert before in text
        (self.module / file).write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.slow
def test_the_provider_takes_what_is_made_and_it_is_what_is_meant(tmp_path):
    stub = Stub(tmp_path)
    ended = stub.ask("apply", "-auto-approve", "-input=false")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    resources = json.loads(stub.ask("show", "-json").stdout)["values"]["root_module"]["resources"]
    made: dict[tuple[str, Any], dict[str, Any]] = {
        (one["type"], one.get("index")): one["values"] for one in resources
    }
    late = made["datadog_monitor", "close-late"]
    assert late["query"] == "max(last_1d):max:chargeback.late.closes{*} > 0"
    assert late["message"].endswith(" @finance")
    assert made["datadog_monitor", "close-failed"]["message"].endswith(" @operations")
    for (kind, _), monitor in made.items():
        if kind == "datadog_monitor":
            [thresholds] = monitor["monitor_thresholds"]
            assert float(re.split("[<>] ", monitor["query"])[1]) == float(thresholds["critical"])
    [query] = made["datadog_service_level_objective", "close"]["query"]
    runs, waits, failures, late_runs = (
        f"sum:chargeback.close.{one}{{*}}.as_count()"
        for one in ("runs", "waits", "failures", "late_runs")
    )
    assert query == {
        "numerator": f"{runs} - {waits} - {failures} - {late_runs}", "denominator": f"{runs} - {waits}",
    }  # fmt: skip
    dashboard = json.loads(made["datadog_dashboard_json", None]["dashboard"])
    assert len(dashboard["widgets"]) == 8 + 10 + 4
    ids = {
        made["datadog_service_level_objective", one]["id"]
        for one in ("close", "daily", "freshness", "portal")
    }
    assert {
        one["definition"]["slo_id"]
        for one in dashboard["widgets"]
        if one["definition"]["type"] == "slo"
    } == ids


MUTATIONS = {
    "a misspelt argument": (
        "monitors.tf", "  on_missing_data ", "  on_mising_data ", "Unsupported argument",
    ),
    "a wrong type": (
        "monitors.tf", "include_tags        = true", 'include_tags = "often"', "a bool is required",
    ),
    "what is required left out": (
        "service_levels.tf", "    denominator = each.value.of\n", "", "Missing required argument",
    ),
    "a misspelt block": (
        "service_levels.tf", "  thresholds {", "  treshholds {", "Unsupported block type",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_noticed(name, tmp_path):
    file, before, after, words = MUTATIONS[name]
    stub = Stub(tmp_path)
    assert stub.ask("validate").returncode == 0
    stub.change(file, before, after)
    ended = stub.ask("validate")
    assert ended.returncode == 1 and words in ended.stdout + ended.stderr
