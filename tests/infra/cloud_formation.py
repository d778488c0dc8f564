"""Stacks of CloudFormation, for templates of QuickSight alone, which moto does not make.

In: requests as Terraform's provider sends them, as forms. Out: answers in AWS's XML. A stack is held to what is
documented: a template of 51,200 bytes at most in the request; each parameter known, given and of its form;
and each resource with properties that QuickSight's own model of the call takes which makes it. Nothing is made:
what QuickSight itself would refuse, such as a group that does not exist, is not known from this.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import yaml

from tests.viewers.quicksight_template import calls, faults, resolved

MOST_BYTES = 51_200
NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

Form = dict[str, str]


class NotTaken(Exception):
    """What CloudFormation refuses, as a ValidationError."""


@dataclass
class Stack:
    """A stack that was made."""

    id: str
    name: str
    body: str
    parameters: Form
    outputs: Form
    tags: list[dict[str, str]]
    made_at: str
    status: str = "CREATE_COMPLETE"


class Stacks:
    """The stacks of an account."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.stacks: dict[str, Stack] = {}

    def answer(self, content: str) -> tuple[str, int]:
        """The answer to a request, and its status."""
        form = dict(parse_qsl(content, keep_blank_values=True))
        action = form["Action"]
        try:
            found = getattr(self, f"do_{action}")(form)
        except NotTaken as refused:
            error = xml({"Type": "Sender", "Code": "ValidationError", "Message": str(refused)})
            return f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{error}</Error></ErrorResponse>', 400
        inner = f"<{action}Result>{xml(found)}</{action}Result>"
        return f'<{action}Response xmlns="{NAMESPACE}">{inner}</{action}Response>', 200

    def find(self, form: Form) -> Stack:
        """The stack that is named, by its name or id; one that was deleted only by its id."""
        named = form["StackName"]
        for one in self.stacks.values():
            if one.id == named or (one.name == named and one.status != "DELETE_COMPLETE"):
                return one
        raise NotTaken(f"Stack with id {named} does not exist")

    def do_CreateStack(self, form: Form) -> dict[str, Any]:
        name = form["StackName"]
        if any(
            one.name == name and one.status != "DELETE_COMPLETE" for one in self.stacks.values()
        ):
            raise NotTaken(f"Stack [{name}] already exists")
        arn = f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{name}/{uuid.uuid4()}"
        made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stack = Stack(arn, name, "", {}, {}, members(form, "Tags"), made_at)
        self.fill(stack, form)
        self.stacks[arn] = stack
        return {"StackId": arn}

    def do_UpdateStack(self, form: Form) -> dict[str, Any]:
        stack = self.find(form)
        self.fill(stack, form)
        stack.status = "UPDATE_COMPLETE"
        return {"StackId": stack.id}

    def do_DeleteStack(self, form: Form) -> dict[str, Any]:
        self.find(form).status = "DELETE_COMPLETE"
        return {}

    def do_DescribeStacks(self, form: Form) -> dict[str, Any]:
        one = self.find(form)
        return {"Stacks": [{
            "StackId": one.id, "StackName": one.name, "CreationTime": one.made_at, "StackStatus": one.status,
            "DisableRollback": "false", "Tags": one.tags,
            "Parameters": listed("Parameter", one.parameters), "Outputs": listed("Output", one.outputs),
        }]}  # fmt: skip

    def do_GetTemplate(self, form: Form) -> dict[str, Any]:
        return {"TemplateBody": self.find(form).body, "StagesAvailable": ["Original", "Processed"]}

    def fill(self, stack: Stack, form: Form) -> None:
        """Hold a template and its parameters to what CloudFormation and QuickSight take."""
        body = form.get("TemplateBody", "")
        if not body or len(body.encode()) > MOST_BYTES:
            raise NotTaken(f"TemplateBody takes 1 to {MOST_BYTES} bytes")
        template = yaml.safe_load(body)
        given = {one["ParameterKey"]: one["ParameterValue"] for one in members(form, "Parameters")}
        values = values_of(template["Parameters"], given)
        for name, call, parameters in calls(template, values, self.account):
            for fault in faults(call, parameters):
                raise NotTaken(f"{name}: {fault}")
        outputs = {key: one["Value"] for key, one in template["Outputs"].items()}
        stack.body, stack.parameters = body, values
        stack.outputs = resolved(outputs, template, values, self.account)


def values_of(parameters: Mapping[str, Any], given: Form) -> Form:
    """A value for each parameter of a template."""
    if unknown := set(given) - set(parameters):
        raise NotTaken(f"Parameters: {sorted(unknown)} do not exist in the template")
    if missing := [
        key for key, one in parameters.items() if key not in given and "Default" not in one
    ]:
        raise NotTaken(f"Parameters: {missing} must have values")
    values = {key: given.get(key, one.get("Default", "")) for key, one in parameters.items()}
    for key, text in values.items():
        if not re.fullmatch(parameters[key].get("AllowedPattern", ".*"), text):
            raise NotTaken(f"Parameter {key} failed to satisfy constraint")
    return values


def members(form: Form, name: str) -> list[dict[str, str]]:
    """The members of a list of structures, such as Parameters.member.1.ParameterKey."""
    found: dict[int, dict[str, str]] = {}
    for key, text in form.items():
        if at := re.fullmatch(rf"{name}\.member\.([0-9]+)\.(\w+)", key):
            found.setdefault(int(at[1]), {})[at[2]] = text
    return [found[number] for number in sorted(found)]


def listed(word: str, texts: Form) -> list[dict[str, str]]:
    """Texts by key, as a list of structures."""
    return [{f"{word}Key": key, f"{word}Value": text} for key, text in texts.items()]


def xml(value: Any) -> str:
    """A value as AWS writes it in its query protocol."""
    if isinstance(value, dict):
        return "".join(f"<{key}>{xml(one)}</{key}>" for key, one in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{xml(one)}</member>" for one in value)
    return escape(str(value))


def is_about_stacks(environ: Mapping[str, Any]) -> bool:
    """Whether a request is signed for CloudFormation."""
    return "/cloudformation/" in environ.get("HTTP_AUTHORIZATION", "")
