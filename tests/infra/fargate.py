"""Tasks in the account of tests, as Fargate starts them for a state machine.

A task gets the variables of its definition and those of its step, the credentials of its step's role, and an
empty disk. It runs the program that is checked out here, with its params, as the image has both in it. What it
says comes into the log group of its definition. Secrets of the definition are not put into the environment.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

from tests.flow.tasks import Asked, Task, told
from tests.infra.guard import REGION

#: What a process of this machine needs, and no task is told.
OF_THIS_MACHINE = ("HOME", "LANG", "PATH", "TMPDIR")


class Fargate:
    """Starts the tasks of an account.

    Args:
        url: where the account answers.
        folder: for the disks of tasks.
        keys: the services' own, with which ECS looks and takes roles.
    """

    def __init__(self, url: str, folder: Path, keys: Mapping[str, str]) -> None:
        self.url, self.folder, self.keys = url, folder, keys
        self.log_group = ""

    def client(self, service: str) -> Any:
        """A client of the services' own."""
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **self.keys)

    def begin(self, asked: Asked) -> Any:
        """A task as ECS has it, asked for with the rights of the state machine."""
        return boto_client_for(REGION, "ecs").run_task(**asked)["tasks"][0]

    def container(self, asked: Asked) -> dict[str, Any]:
        """The container of a task's definition."""
        named = {"taskDefinition": asked["taskDefinition"]}
        found = self.client("ecs").describe_task_definition(**named)["taskDefinition"]
        container: dict[str, Any] = found["containerDefinitions"][0]
        return container

    def variables(self, asked: Asked) -> dict[str, str]:
        """The whole environment of a task's process."""
        container, role = self.container(asked), asked["overrides"]["taskRoleArn"]
        self.log_group = container["logConfiguration"]["options"]["awslogs-group"]
        taken = self.client("sts").assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
        disk = self.folder / "tasks" / uuid.uuid4().hex
        disk.mkdir(parents=True)
        return {
            **{name: os.environ[name] for name in OF_THIS_MACHINE if name in os.environ},
            **{one["name"]: one["value"] for one in container["environment"]}, **told(asked),
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"], "AWS_SESSION_TOKEN": taken["SessionToken"],
            "AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_MAX_ATTEMPTS": "2",
            "CHARGEBACK_BUILD": str(disk),
        }  # fmt: skip

    def ended(self, task: Task) -> None:
        """What a task said comes into the log, in a stream of its own that is called after the verb."""
        logs, place = self.client("logs"), {"logGroupName": self.log_group}
        stream = f"{task.command[0]}/{uuid.uuid4().hex}"
        logs.create_log_stream(**place, logStreamName=stream)
        message = f"{task.said}exit {task.exit_code}"
        event = {"timestamp": int(time.time() * 1000), "message": message}
        logs.put_log_events(**place, logStreamName=stream, logEvents=[event])
