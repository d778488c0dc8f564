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
from botocore.session import get_session
from botocore.validate import ParamValidator

from chargeback.aws.bucket import S3Place
from chargeback.books.ledger_table import CHARGES, RULES, athena_statements, charges_view
from chargeback.books.viewer_rules import COLUMNS
from chargeback.core.paths import ROOT

TEMPLATE = ROOT / "infra" / "quicksight" / "template.yml"

#: The call that makes a resource, and names that CloudFormation has for what the call names otherwise.
CALLS = {
    "AWS::QuickSight::DataSource": "CreateDataSource",
    "AWS::QuickSight::DataSet": "CreateDataSet",
    "AWS::QuickSight::RefreshSchedule": "CreateRefreshSchedule",
    "AWS::QuickSight::Analysis": "CreateAnalysis",
    "AWS::QuickSight::Dashboard": "CreateDashboard",
}
OTHER_NAMES = {"TimeZone": "Timezone"}
ACCOUNT = "012345678901"
CFN_LINT = "1.58.0"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template as CloudFormation reads it."""
    found: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    return found


def resolved(value: Any, template: dict[str, Any]) -> Any:
    """A value with its functions answered: parameters by their defaults, ARNs made up."""
    if isinstance(value, list):
        return [resolved(one, template) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::AccountId"}:
            return ACCOUNT
        case {"Ref": str(name)} if name.endswith("Arn"):
            return f"arn:aws:quicksight:us-east-1:{ACCOUNT}:group/default/{name}"
        case {"Ref": str(name)}:
            return template["Parameters"][name].get("Default", f"a_{name.lower()}")
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            assert name in template["Resources"]
            return f"arn:aws:quicksight:us-east-1:{ACCOUNT}:resource/{name}"
        case {"Fn::Sub": str(text)}:
            return text.replace("${Prefix}", template["Parameters"]["Prefix"]["Default"])
    return {OTHER_NAMES.get(key, key): resolved(one, template) for key, one in value.items()}


def calls(template: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each resource: its name, the call that makes it, and the call's parameters."""
    for name, one in template["Resources"].items():
        yield name, CALLS[one["Type"]], resolved(one["Properties"], template)


def test_each_resource_is_what_its_call_takes(template):
    model = get_session().get_service_model("quicksight")
    made = list(calls(template))
    assert {call for _, call, _ in made} == set(CALLS.values())
    for name, call, parameters in made:
        report = ParamValidator().validate(parameters, model.operation_model(call).input_shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        assert not list(outside(parameters, model.operation_model(call).input_shape)), name


def outside(value: Any, shape: Any, where: str = "") -> Iterator[str]:
    """Texts that are none of an enumeration's, or of no form that the model asks for."""
    if shape.type_name == "structure":
        for key, one in value.items():
            yield from outside(one, shape.members[key], f"{where}.{key}")
    elif shape.type_name in ("list", "map"):
        inner = shape.member if shape.type_name == "list" else shape.value
        for one in value if isinstance(value, list) else value.values():
            yield from outside(one, inner, where)
    elif shape.type_name == "string":
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{where}: {value}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(pattern, value):
            yield f"{where}: {value}"


def test_a_misspelt_key_and_value_are_found(template):
    model = get_session().get_service_model("quicksight").operation_model("CreateDataSet")
    [parameters] = [one for name, _, one in calls(template) if name == "RulesDataSet"]
    report = ParamValidator().validate({**parameters, "UseAss": "x"}, model.input_shape)
    assert report.has_errors()
    assert list(outside({**parameters, "UseAs": "RULES"}, model.input_shape))


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
