"""The flow module as Terraform applies it: the machines are those that the other tests execute."""

from __future__ import annotations

import json
import subprocess

import boto3
import pytest

from tests.flow.machines import TEMPLATE, filled
from tests.flow.steps import CLOSE, DAILY
from tests.flow.terraform import ACCOUNT, MODULES, REGION, Terraform, account, terraform_program

pytestmark = pytest.mark.slow

DIGEST = "0" * 64
ROLE = f"arn:aws:iam::{ACCOUNT}:role/chargeback"
ROLES = ("close", "rendering", "daily")
EXECUTION = f"arn:aws:iam::{ACCOUNT}:role/chargeback/insurer-execution"
NETWORK = """
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 1
}

resource "aws_vpc" "this" { cidr_block = "10.0.0.0/16" }

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.0.1.0/24"
}

module "registry" {
  source = "../modules/registry"
  name   = "chargeback"
}

output "flow" { value = module.flow }
"""


def root(**changed: str) -> str:
    """A root module that calls the flow module; keywords replace an argument, as HCL."""
    arguments = {
        "name": '"insurer"', "boundary_arn": f'"arn:aws:iam::{ACCOUNT}:policy/chargeback/boundary"',
        "image": f'"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/chargeback@sha256:{DIGEST}"',
        "task_role_arns": "{ " + ", ".join(f'{one} = "{ROLE}/{one}"' for one in ROLES) + " }",
        "repository_arn": "module.registry.repository.arn", "vpc_id": "aws_vpc.this.id",
        "subnet_ids": "[aws_subnet.this.id]", "approvers": "false", "books": '"s3://insurer-books/books"',
        "cur": '{ close = "athena", daily = "s3://insurer-report/exports/cur2" }', **changed,
    }  # fmt: skip
    lines = [f"  {name} = {value}" for name, value in arguments.items()]
    return NETWORK + "\n".join(['module "flow" {', '  source = "../modules/flow"', *lines, "}", ""])


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    """The module applied once: Terraform, its outputs, and a maker of clients."""
    with account() as address:
        terraform = Terraform(tmp_path_factory.mktemp("flow"), address, root())
        terraform.run("init", "-input=false")
        terraform.run("apply", "-auto-approve", "-input=false")
        outputs = json.loads(terraform.run("output", "-json"))["flow"]["value"]

        def client(service):
            return boto3.client(
                service, REGION, endpoint_url=address,
                aws_access_key_id="testing", aws_secret_access_key="testing",
            )  # fmt: skip

        yield terraform, outputs, client


def test_a_second_plan_is_empty(applied):
    terraform, _, _ = applied
    assert terraform.ask("plan", "-detailed-exitcode", "-input=false").returncode == 0


def definition(applied, flow):
    """The text of a state machine that was applied."""
    _, outputs, client = applied
    arn = outputs["state_machine_arns"][flow]
    return client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]


@pytest.mark.parametrize(
    ("flow", "named_by", "steps", "settle"), [("close", "period", CLOSE, 72), ("daily", "date", DAILY, 12)]
)  # fmt: skip
def test_the_machines_are_those_that_are_executed_here(applied, flow, named_by, steps, settle):
    _, outputs, client = applied
    network = client("ec2")
    [subnet] = [
        one for one in network.describe_subnets()["Subnets"] if one["CidrBlock"] == "10.0.1.0/24"
    ]
    [group] = [
        one for one in network.describe_security_groups()["SecurityGroups"]
        if one["GroupName"] == "insurer-tasks"
    ]  # fmt: skip
    roles = {"verify": "rendering", "daily": "daily", "freshness": "daily"}
    curs = {"monthly-close": "athena", "daily": "s3://insurer-report/exports/cur2"}
    curs["freshness"] = curs["daily"]
    values = {
        "flow": flow, "named_by": named_by, "partition": "aws", "table": "insurer-flow",
        "cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/insurer", "container": "chargeback",
        "task_definition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/insurer:1",
        "log_group": "/insurer/tasks", "subnets": json.dumps([subnet["SubnetId"]]),
        "security_groups": json.dumps([group["GroupId"]]),
        "decisions_topic": outputs["topic_arns"]["decisions"],
        "operations_topic": outputs["topic_arns"]["operations"],
        "settle_seconds": str(settle * 3600), "ask_again_seconds": "21600", "ask_times": "48",
        "retry_seconds": "900", "retry_times": "4", "timeout_seconds": "14400",
        "service_retry": json.dumps([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 6,
                                      "BackoffRate": 2, "JitterStrategy": "FULL"}]),
        "steps": json.dumps([
            {**one, "cur": curs.get(one["name"], ""),
             "task_role_arn": f"{ROLE}/{roles.get(one['name'], 'close')}"}
            for one in steps
        ]),
    }  # fmt: skip
    expected = json.loads(filled(TEMPLATE.read_text(encoding="utf-8"), values))
    assert json.loads(definition(applied, flow)) == expected


def test_what_starts_on_schedule_names_its_day(applied):
    _, outputs, client = applied
    schedules = client("scheduler")
    found = {
        one["Name"]: schedules.get_schedule(Name=one["Name"])
        for one in schedules.list_schedules()["Schedules"]
    }
    assert {name: one["ScheduleExpression"] for name, one in found.items()} == {
        "insurer-close": "cron(59 23 L * ? *)", "insurer-daily": "cron(59 23 * * ? *)",
    }  # fmt: skip
    for name, one in found.items():
        assert (
            one["FlexibleTimeWindow"]["Mode"] == "OFF"
            and one["ScheduleExpressionTimezone"] == "UTC"
        )
        assert one["Target"]["Arn"] == outputs["state_machine_arns"][name.removeprefix("insurer-")]
        assert json.loads(one["Target"]["Input"]) == {
            "date": "<aws.scheduler.scheduled-time>",
            "scheduled": True,
        }


def test_a_task_writes_nowhere_but_where_it_works_and_has_no_role_of_its_own(applied):
    _, _, client = applied
    task = client("ecs").describe_task_definition(taskDefinition="insurer")["taskDefinition"]
    [container] = task["containerDefinitions"]
    assert container["readonlyRootFilesystem"] is True
    assert {one["containerPath"] for one in container["mountPoints"]} == {"/data", "/tmp"}
    assert not task.get("taskRoleArn")
    assert {one["name"]: one["value"] for one in container["environment"]} == {
        "AWS_REGION": REGION, "CHARGEBACK_BOOKS": "s3://insurer-books/books",
        "CHARGEBACK_STATE": "dynamodb:insurer-daily",
    }  # fmt: skip


def test_the_machines_role_does_nothing_beside_its_flows(applied):
    _, _, client = applied
    policy = client("iam").get_role_policy(RoleName="insurer-states", PolicyName="states")[
        "PolicyDocument"
    ]
    wide = [one["Sid"] for one in policy["Statement"] if "*" in listed(one["Resource"])]
    assert wide == ["Log"]
    passed = {one["Sid"]: one for one in policy["Statement"]}["HandRolesToTasks"]
    assert set(listed(passed["Resource"])) == {EXECUTION, *(f"{ROLE}/{one}" for one in ROLES)}
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }
    assert all(
        not action.endswith("*") for one in policy["Statement"] for action in listed(one["Action"])
    )


def listed(value):
    """What a policy has as a text or as a list."""
    return [value] if isinstance(value, str) else value


def test_what_would_be_unsafe_is_refused(tmp_path):
    unsafe = {
        "image": '"insurer/chargeback:latest"',
        "books": '"/books"',
        "environment": '{ SMTP_PASSWORD = "x" }',
        "secrets": '{ SMTP_PASSWORD = "x" }',
    }
    with account() as address:
        terraform = Terraform(tmp_path, address, root(**unsafe))
        terraform.run("init", "-input=false")
        ended = terraform.ask("plan", "-input=false")
    assert ended.returncode == 1
    said = " ".join(ended.stderr.replace("\u2502", " ").split())
    for words in (
        "the workflow image prints it",
        "A task has no disk of its own",
        "A secret goes into secrets",
        "no values, no wildcards",
    ):
        assert words in said


def test_the_module_is_formatted():
    program, _ = terraform_program()
    ended = subprocess.run(
        [program, "fmt", "-check", "-recursive", str(MODULES / "flow")], check=False
    )
    assert ended.returncode == 0
