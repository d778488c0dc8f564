"""State machines as moto executes them, whose tasks are the real program.

The definition is the module's own template, filled here as Terraform fills it (tests/infra/test_flow.py
compares). moto interprets it: its DynamoDB is written, its SNS is published to, its ECS is asked for a task.
What moto has not is the task itself: `program_runs` puts it there (tests/flow/tasks.py).
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from chargeback.core.paths import ROOT
from tests.flow.tasks import Task, tasks_run, told

REGION, ACCOUNT = "us-east-1", "123456789012"
TEMPLATE = ROOT / "infra" / "modules" / "flow" / "flow.asl.json.tftpl"
#: What a step has unless it says otherwise.
SMALLEST = {"stops": True, "about_platform": False}
#: Longer than any execution here takes on a machine that is busy.
PATIENCE_SECONDS = 300


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with `${name}` replaced, as Terraform does it; a name without a value is a KeyError."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], template)


@contextmanager
def program_runs(environment: Mapping[str, str]) -> Iterator[list[Task]]:
    """Until it ends, tasks run the program with these variables; the tasks that ended, in order."""
    ended: list[Task] = []

    def begin(asked: dict[str, Any]) -> Any:
        return boto3.client("ecs", REGION).run_task(**asked)["tasks"][0]

    def variables(asked: dict[str, Any]) -> dict[str, str]:
        return {**os.environ, **environment, **told(asked)}

    with tasks_run(begin, variables, ended.append):
        yield ended


@dataclass
class Flow:
    """A flow that stands in moto: how it is started, and what it left."""

    machine: str
    table: str
    queues: Mapping[str, str]
    tasks: list[Task] = field(default_factory=list)

    def start(self, **given: str) -> str:
        """Start an execution; its ARN."""
        states = boto3.client("stepfunctions", REGION)
        begun = states.start_execution(
            stateMachineArn=self.machine, name=uuid.uuid4().hex, input=json.dumps(given)
        )
        return str(begun["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """How an execution ended, once it has."""
        states, until = boto3.client("stepfunctions", REGION), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            found: dict[str, Any] = states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.2)
        raise AssertionError(f"still running after {PATIENCE_SECONDS} seconds: {self.steps()}")

    def run(self, **given: str) -> dict[str, Any]:
        """Start an execution and wait until it has ended."""
        return self.ended(self.start(**given))

    def causes(self, execution: str) -> list[str]:
        """What went wrong in an execution, as its history has it."""
        states = boto3.client("stepfunctions", REGION)
        history = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        return [
            str(one[kind]) for one in history for kind in one if kind.endswith("FailedEventDetails")
        ]

    def steps(self) -> dict[tuple[str, str], dict[str, str]]:
        """What the table has of each run's steps."""
        items = boto3.client("dynamodb", REGION).scan(TableName=self.table)["Items"]
        plain = [{name: next(iter(cell.values())) for name, cell in one.items()} for one in items]
        return {(one["run"], one["step"]): one for one in plain}

    def until(self, run: str, step: str, status: str) -> None:
        """Wait until a step of a run has a status."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if self.steps().get((run, step), {}).get("status") == status:
                return
            time.sleep(0.1)
        raise AssertionError(f"{run} {step} never was {status}: {self.steps()}")

    def told(self, topic: str) -> list[dict[str, Any]]:
        """The messages that came to a topic and were not looked at before."""
        queue = boto3.client("sqs", REGION)
        found = queue.receive_message(QueueUrl=self.queues[topic], MaxNumberOfMessages=10)
        return [json.loads(one["Body"]) for one in found.get("Messages", [])]


@contextmanager
def cloud() -> Iterator[None]:
    """moto, which executes state machines."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


def queue_of(topic: str) -> str:
    """A queue that gets what is published to a topic; its address."""
    queues = boto3.client("sqs", REGION)
    url: str = queues.create_queue(QueueName=topic.rpartition(":")[2])["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    boto3.client("sns", REGION).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def make_flow(
    flow: str, named_by: str, steps: list[dict[str, Any]], cur: Path, **values: str
) -> Flow:
    """A flow with all that it needs, in moto, with waits of a second."""
    topics = {
        name: boto3.client("sns", REGION).create_topic(Name=name)["TopicArn"]
        for name in ("decisions", "operations")
    }
    boto3.client("dynamodb", REGION).create_table(
        TableName="flow", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "step", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("run", "step")],
    )  # fmt: skip
    network = boto3.client("ec2", REGION)
    subnet = network.describe_subnets()["Subnets"][0]
    group = network.describe_security_groups()["SecurityGroups"][0]
    tasks = boto3.client("ecs", REGION)
    tasks.create_cluster(clusterName="chargeback")
    definition = tasks.register_task_definition(
        family="chargeback", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="1024",
        memory="4096", containerDefinitions=[{"name": "chargeback", "image": "chargeback", "memory": 4096}],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    role = f"arn:aws:iam::{ACCOUNT}:role/task"
    text = filled(TEMPLATE.read_text(encoding="utf-8"), {
        "flow": flow, "named_by": named_by, "partition": "aws", "table": "flow", "cluster": "chargeback",
        "task_definition": definition, "container": "chargeback", "log_group": "/chargeback/tasks",
        "subnets": json.dumps([subnet["SubnetId"]]), "security_groups": json.dumps([group["GroupId"]]),
        "steps": json.dumps([{"cur": str(cur), "task_role_arn": role, **SMALLEST, **one} for one in steps]),
        "decisions_topic": topics["decisions"], "operations_topic": topics["operations"],
        "service_retry": json.dumps([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]),
        "settle_seconds": "1", "ask_again_seconds": "1", "ask_times": "60", "retry_seconds": "1",
        "retry_times": "2", "timeout_seconds": "600", **values,
    })  # fmt: skip
    machine = boto3.client("stepfunctions", REGION).create_state_machine(
        name=flow, definition=text, roleArn=f"arn:aws:iam::{ACCOUNT}:role/states"
    )["stateMachineArn"]
    return Flow(machine, "flow", {name: queue_of(topic) for name, topic in topics.items()})
