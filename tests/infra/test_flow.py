"""The flows as Terraform applied them: the machines are those that tests/flow executes."""

from __future__ import annotations

import json

import pytest

from tests.flow.machines import SMALLEST, TEMPLATE, filled
from tests.flow.steps import CLOSE, DAILY, DRILL
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED, variables_of
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.iam_rules import Request, allowed

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/chargeback/{NAME}"
ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
ROLES = ("close", "rendering", "daily", "posture")
REPORT, BOOKS = f"s3://{NAME}-report/exports/{NAME}-cur2/", f"s3://{NAME}-books/books"


@pytest.fixture(scope="module")
def applied(platform):
    """The outputs of the flow, and a maker of clients."""
    return platform.outputs["flow"], platform.account.client


def definition(applied, flow):
    """The text of a state machine that was applied."""
    outputs, client = applied
    arn = outputs["state_machine_arns"][flow]
    return client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]


@pytest.mark.parametrize(
    ("flow", "named_by", "steps", "settle"),
    [("close", "period", CLOSE, 72), ("daily", "date", DAILY, 12), ("drill", "date", DRILL, 0)],
)  # fmt: skip
def test_the_machines_are_those_that_are_executed_here(
    platform, applied, flow, named_by, steps, settle
):
    outputs, client = applied
    named = [{"Name": "group-name", "Values": [f"{NAME}-tasks"]}]
    [group] = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"]
    roles = {"verify": "rendering", "daily": "daily", "freshness": "daily", "posture": "posture"}
    curs = {
        "monthly-close": "athena", "posture": "athena",
        **dict.fromkeys(("daily", "freshness", "drill", "handout"), REPORT),
    }  # fmt: skip
    subnets = variables_of(platform.account)["flow"]["subnet_ids"]
    values = {
        "flow": flow, "named_by": named_by, "partition": "aws", "table": f"{NAME}-flow",
        "cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{NAME}", "container": "chargeback",
        "task_definition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{NAME}:1",
        "log_group": f"/{NAME}/tasks", "subnets": json.dumps(subnets),
        "security_groups": json.dumps([group["GroupId"]]),
        "decisions_topic": outputs["topic_arns"]["decisions"],
        "operations_topic": outputs["topic_arns"]["operations"],
        "settle_seconds": str(settle * 3600), "ask_again_seconds": "21600", "ask_times": "48",
        "retry_seconds": "900", "retry_times": "4", "timeout_seconds": "14400",
        "service_retry": json.dumps([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 6,
                                      "BackoffRate": 2, "JitterStrategy": "FULL"}]),
        "steps": json.dumps([
            {**SMALLEST, **one, "cur": curs.get(one["name"], ""),
             "task_role_arn": f"{ROLE}-{roles.get(one['name'], 'close')}"}
            for one in steps
        ]),
    }  # fmt: skip
    expected = json.loads(filled(TEMPLATE.read_text(encoding="utf-8"), values))
    assert json.loads(definition(applied, flow)) == expected


def test_what_starts_on_schedule_names_its_day(applied):
    outputs, client = applied
    schedules = client("scheduler")
    found = {
        one["Name"]: schedules.get_schedule(Name=one["Name"])
        for one in schedules.list_schedules(NamePrefix=NAME)["Schedules"]
    }
    assert {name: one["ScheduleExpression"] for name, one in found.items()} == {
        f"{NAME}-close": "cron(59 23 L * ? *)", f"{NAME}-daily": "cron(59 23 * * ? *)",
        f"{NAME}-drill": "cron(59 23 15 * ? *)",
    }  # fmt: skip
    for name, one in found.items():
        assert one["FlexibleTimeWindow"]["Mode"] == "OFF" and one["State"] == "DISABLED"
        assert one["ScheduleExpressionTimezone"] == "UTC"
        assert one["Target"]["Arn"] == outputs["state_machine_arns"][name.removeprefix(f"{NAME}-")]
        assert json.loads(one["Target"]["Input"]) == {
            "date": "<aws.scheduler.scheduled-time>",
            "scheduled": True,
        }


def test_a_task_writes_nowhere_but_where_it_works_and_has_no_role_of_its_own(platform):
    outputs, client = platform.outputs, platform.account.client
    task = client("ecs").describe_task_definition(taskDefinition=NAME)["taskDefinition"]
    [container] = task["containerDefinitions"]
    assert container["readonlyRootFilesystem"] is True
    assert {one["containerPath"] for one in container["mountPoints"]} == {"/data", "/tmp"}
    assert not task.get("taskRoleArn")
    assert {one["name"]: one["value"] for one in container["environment"]} == {
        "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
        "CHARGEBACK_BOOKS": BOOKS, "CHARGEBACK_STATE": f"dynamodb:{NAME}-daily",
        "CHARGEBACK_KMS_KEY_ID": outputs["books_key"], "CHARGEBACK_SIGNING_KEY": outputs["signing_key"],
        "CHARGEBACK_TOPICS": json.dumps(outputs["topics"], sort_keys=True, separators=(",", ":")),
        **VARIABLES["flow"]["environment"],
        **{f"CHARGEBACK_ATHENA_{name.upper()}": text for name, text in outputs["athena"].items()},
    }  # fmt: skip
    assert container["secrets"] == [
        {"name": name, "valueFrom": arn} for name, arn in VARIABLES["flow"]["secrets"].items()
    ]


def test_the_machines_role_does_nothing_beside_its_flows(applied):
    _, client = applied
    policy = client("iam").get_role_policy(RoleName=f"{NAME}-states", PolicyName="states")[
        "PolicyDocument"
    ]
    wide = [one["Sid"] for one in policy["Statement"] if "*" in listed(one["Resource"])]
    assert wide == ["Log"]
    passed = {one["Sid"]: one for one in policy["Statement"]}["HandRolesToTasks"]
    assert set(listed(passed["Resource"])) == {f"{ROLE}-{one}" for one in (*ROLES, "execution")}
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }
    assert all(
        not action.endswith("*") for one in policy["Statement"] for action in listed(one["Action"])
    )


def listed(value):
    """What a policy has as a text or as a list."""
    return [value] if isinstance(value, str) else value


@pytest.fixture(scope="module")
def may(platform):
    """Whether a role of the flow may do something, by its own policy and the boundary."""
    iam = platform.account.client("iam")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/chargeback/{NAME}-boundary"
    version = iam.get_policy(PolicyArn=boundary)["Policy"]["DefaultVersionId"]
    bounds = iam.get_policy_version(PolicyArn=boundary, VersionId=version)["PolicyVersion"]

    def ask(role: str, action: str, resource: str, **context: str) -> bool:
        own = iam.get_role_policy(RoleName=f"{NAME}-{role}", PolicyName=role)["PolicyDocument"]
        keys = {name.replace("__", ":").lower(): value for name, value in context.items()}
        request = Request(f"{ROLE}-{role}", action, resource, keys)
        return allowed(request, [own], bounds["Document"])

    return ask


def test_the_machines_role_may_make_each_call_of_a_machine_and_no_more(platform, applied, may):
    outputs, _ = applied
    cluster, key = outputs["cluster_arn"], outputs["key_arn"]
    tables = {name: one["arn"] for name, one in outputs["state_tables"].items()}
    definition, task = f"{ECS}:task-definition/{NAME}:1", f"{ECS}:task/{NAME}/0123456789abcdef"
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForECSTaskRule"
    tasks = {"iam__PassedToService": "ecs-tasks.amazonaws.com"}
    yes = [
        ("ecs:RunTask", definition, {"ecs__cluster": cluster}),
        ("ecs:TagResource", task, {"ecs__CreateAction": "RunTask"}),
        *((f"ecs:{one}", task, {}) for one in ("DescribeTasks", "StopTask")),
        *((f"events:{one}", rule, {}) for one in ("DescribeRule", "PutRule", "PutTargets")),
        *(("iam:PassRole", f"{ROLE}-{one}", tasks) for one in (*ROLES, "execution")),
        ("dynamodb:UpdateItem", tables["flow"], {}),
        *(("sns:Publish", outputs["topic_arns"][one], {}) for one in ("decisions", "operations")),
        *((f"kms:{one}", key, {}) for one in ("Decrypt", "GenerateDataKey")),
        *((f"logs:{one}", "*", {}) for one in ("CreateLogDelivery", "PutResourcePolicy")),
    ]
    no = [
        ("ecs:RunTask", definition, {"ecs__cluster": f"{cluster}-other"}),
        ("ecs:RunTask", f"{ECS}:task-definition/other:1", {"ecs__cluster": cluster}),
        ("ecs:TagResource", task, {"ecs__CreateAction": "CreateCluster"}),
        ("ecs:StopTask", f"{ECS}:task/other/0123456789abcdef", {}),
        *(("iam:PassRole", f"{ROLE}-{one}", tasks) for one in ("portal", "deploy", "states")),
        ("iam:PassRole", f"{ROLE}-close", {"iam__PassedToService": "ec2.amazonaws.com"}),
        ("dynamodb:UpdateItem", tables["daily"], {}), ("dynamodb:GetItem", tables["flow"], {}),
        ("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:another", {}),
        ("kms:Decrypt", platform.outputs["books_key"], {}),
        ("s3:GetObject", f"arn:aws:s3:::{NAME}-books/books/ledger/one", {}),
        ("states:StartExecution", outputs["state_machine_arns"]["close"], {}),
    ]  # fmt: skip
    found = {call: may("states", call[0], call[1], **dict(call[2])) for call in frozen(yes + no)}
    assert {call for call, is_allowed in found.items() if is_allowed} == set(frozen(yes))


def frozen(calls):
    """Calls as keys of a dictionary."""
    return [(action, resource, tuple(context.items())) for action, resource, context in calls]


def test_the_schedules_role_starts_the_flows_and_nothing_else(applied, may):
    outputs, _ = applied
    for machine in outputs["state_machine_arns"].values():
        assert may("schedule", "states:StartExecution", machine)
        assert not may("schedule", "states:StopExecution", machine)
    other = outputs["state_machine_arns"]["close"] + "-other"
    assert not may("schedule", "states:StartExecution", other)
    assert not may("schedule", "ecs:RunTask", f"{ECS}:task-definition/{NAME}:1")
