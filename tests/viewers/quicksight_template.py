"""infra/quicksight/template.yml as CloudFormation reads it: each resource as the call that makes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

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

#: What has no value; CloudFormation leaves such a key out.
NO_VALUE = object()

Values = Mapping[str, str]


def defaults(template: dict[str, Any]) -> dict[str, str]:
    """A value for each parameter: its default, or one that is made up."""
    found = {}
    for name, one in template["Parameters"].items():
        arn = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:group/default/{name}"
        found[name] = one.get("Default", arn if name.endswith("Arn") else f"a_{name.lower()}")
    return found


def resolved(value: Any, template: dict[str, Any], values: Values, account: str = ACCOUNT) -> Any:
    """A value with its functions answered: parameters by their values, ARNs made up."""
    inner = lambda one: resolved(one, template, values, account)  # noqa: E731
    if isinstance(value, list):
        return [inner(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::AccountId"}:
            return account
        case {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        case {"Ref": str(name)}:
            return values[name]
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            assert name in template["Resources"]
            return f"arn:aws:quicksight:us-east-1:{account}:resource/{name}"
        case {"Fn::Sub": str(text)}:
            return text.replace("${Prefix}", values["Prefix"])
        case {"Fn::If": [str(name), so, otherwise]}:
            return inner(so if inner(template["Conditions"][name]) else otherwise)
        case {"Fn::Not": [one]}:
            return not inner(one)
        case {"Fn::Equals": [one, other]}:
            return inner(one) == inner(other)
    found = {OTHER_NAMES.get(key, key): inner(one) for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not NO_VALUE}


def calls(
    template: dict[str, Any], values: Values | None = None, account: str = ACCOUNT
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each resource: its name, the call that makes it, and the call's parameters."""
    values = defaults(template) if values is None else values
    for name, one in template["Resources"].items():
        yield name, CALLS[one["Type"]], resolved(one["Properties"], template, values, account)


def faults(call: str, parameters: dict[str, Any]) -> list[str]:
    """What QuickSight's own model does not take of a call's parameters."""
    shape = get_session().get_service_model("quicksight").operation_model(call).input_shape
    report = ParamValidator().validate(parameters, shape)
    return [report.generate_report()] if report.has_errors() else list(outside(parameters, shape))


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
