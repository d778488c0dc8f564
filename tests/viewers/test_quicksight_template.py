"""infra/quicksight/template.yml: what it makes is what QuickSight's own model of its calls takes."""

from __future__ import annotations

import os
import re
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chargeback.aws.bucket import S3Place
from chargeback.books.ledger_table import CHARGES, RULES, athena_statements, charges_view
from chargeback.books.viewer_rules import COLUMNS
from tests.viewers.quicksight_template import CALLS, TEMPLATE, calls, defaults, faults

CFN_LINT = "1.58.0"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template as CloudFormation reads it."""
    found: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    return found


def test_each_resource_is_what_its_call_takes(template):
    made = list(calls(template))
    assert {call for _, call, _ in made} == set(CALLS.values())
    for name, call, parameters in made:
        assert faults(call, parameters) == [], name


def test_a_misspelt_key_and_value_are_found(template):
    [parameters] = [one for name, _, one in calls(template) if name == "RulesDataSet"]
    assert faults("CreateDataSet", {**parameters, "UseAss": "x"})
    assert faults("CreateDataSet", {**parameters, "UseAs": "RULES"})


def test_it_is_read_with_the_role_that_is_named_or_with_quicksights_own(template):
    role = "arn:aws:iam::012345678901:role/chargeback/insurer-quicksight"
    for given, expected in (({}, {}), ({"RoleArn": role}, {"RoleArn": role})):
        made = calls(template, {**defaults(template), **given})
        [source] = [one for name, _, one in made if name == "DataSource"]
        found = source["DataSourceParameters"]["AthenaParameters"]
        assert found == {"WorkGroup": "primary", **expected}


def data_set(template: dict[str, Any], name: str) -> dict[str, Any]:
    """A dataset's properties."""
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def input_columns(properties: dict[str, Any]) -> list[str]:
    """The columns that a dataset reads of its view."""
    [table] = properties["PhysicalTableMap"].values()
    return [one["Name"] for one in table["RelationalTable"]["InputColumns"]]


def test_the_rules_are_rules_and_the_charges_are_under_them(template):
    rules, charges = data_set(template, "RulesDataSet"), data_set(template, "ChargesDataSet")
    assert (rules["UseAs"], rules["ImportMode"], charges["ImportMode"]) == (
        "RLS_RULES",
        "SPICE",
        "SPICE",
    )
    assert charges["RowLevelPermissionDataSet"] == {
        "Arn": {"Fn::GetAtt": ["RulesDataSet", "Arn"]}, "Namespace": {"Ref": "Namespace"},
        "PermissionPolicy": "GRANT_ACCESS", "FormatVersion": "VERSION_1", "Status": "ENABLED",
    }  # fmt: skip
    [named] = rules["LogicalTableMap"].values()
    assert tuple(named["DataTransforms"][1]["ProjectOperation"]["ProjectedColumns"]) == COLUMNS
    assert set(COLUMNS[1:]) <= set(input_columns(charges))


def test_the_columns_are_those_of_the_views(template):
    charged = re.findall(r"^  (\w+),?$", charges_view(), re.MULTILINE)
    assert set(input_columns(data_set(template, "ChargesDataSet"))) <= set(charged)
    view = athena_statements(S3Place("bucket", ""))[-1]
    assert input_columns(data_set(template, "RulesDataSet")) == re.findall(
        r"^  (\w+),?$", view, re.MULTILINE
    )
    parameters = template["Parameters"]
    assert (parameters["ChargesView"]["Default"], parameters["RulesView"]["Default"]) == (
        CHARGES,
        RULES,
    )


def test_the_analysis_names_columns_that_the_dataset_has_and_visuals_that_are_told_apart(template):
    definition = template["Resources"]["Analysis"]["Properties"]["Definition"]
    columns = set(input_columns(data_set(template, "ChargesDataSet")))
    assert set(found(definition, "ColumnName")) <= columns
    for key in ("VisualId", "SheetId"):
        ids = list(found(definition, key))
        assert ids and len(ids) == len(set(ids))
    sorted_by = set(found(definition["Sheets"], "FieldId"))
    for sheet in definition["Sheets"]:
        for visual in sheet["Visuals"]:
            [one] = visual.values()
            wells = set(found(one["ChartConfiguration"]["FieldWells"], "FieldId"))
            used = set(found(one["ChartConfiguration"].get("SortConfiguration", {}), "FieldId"))
            assert used <= wells <= sorted_by
    assert [one["Name"] for one in definition["Sheets"]] == [
        "Month and trend", "Cost centers", "Accounts", "Services", "Pools",
    ]  # fmt: skip


def test_the_dashboard_shows_what_the_analysis_has(template):
    analysis, dashboard = (
        template["Resources"][one]["Properties"] for one in ("Analysis", "Dashboard")
    )
    assert dashboard["Definition"] == analysis["Definition"]


def test_readers_may_open_the_dashboard_and_nothing_else(template):
    readers = {
        name: [one["Actions"] for one in resource["Properties"].get("Permissions", ())
               if one["Principal"] == {"Ref": "ReadersArn"}]
        for name, resource in template["Resources"].items()
    }  # fmt: skip
    assert {name: one for name, one in readers.items() if one} == {
        "Dashboard": [[
            "quicksight:DescribeDashboard", "quicksight:ListDashboardVersions",
            "quicksight:QueryDashboard",
        ]]
    }  # fmt: skip


def test_no_account_stands_in_it():
    assert not re.search(r"[0-9]{12}", TEMPLATE.read_text(encoding="utf-8"))


def found(value: Any, key: str) -> Iterator[str]:
    """The values of a key, wherever it stands."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == key and isinstance(one, str):
                yield one
            yield from found(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from found(one, key)


@pytest.fixture(scope="session")
def cfn_lint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cfn-lint, in an environment of its own: it is no dependency of the program or its tests."""
    folder = tmp_path_factory.mktemp("cfn-lint")
    venv.create(folder, with_pip=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "-q", f"cfn-lint=={CFN_LINT}"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = f"cfn-lint {CFN_LINT} cannot be had: {done.stderr.strip()[-200:]}"
        if os.environ.get("CHARGEBACK_TEST_PROGRAMS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / "bin" / "cfn-lint"


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say(cfn_lint, tmp_path):
    def lint(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [cfn_lint, "--regions", "us-east-1", "--", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
    wrong = tmp_path / "template.yml"
    wrong.write_text(TEMPLATE.read_text().replace("RLS_RULES\n", "RLS_RULE\n"))
    assert "RLS_RULE" in lint(wrong).stdout
