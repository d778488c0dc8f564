"""The task of a state machine's step as a process of this machine, where moto has none.

`tasks_run` puts it into moto's `ecs:runTask.sync`: the override's command runs the program, and how it ends is
told as ECS tells it. What the process is told, and where it is told that it ended, is for whoever asks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

#: Parameters of ecs:RunTask as boto3 names them.
Asked = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One task that was run: the step's command, how it ended, and what it said."""

    command: list[str]
    exit_code: int
    said: str


@contextmanager
def tasks_run(
    begin: Callable[[Asked], Any],
    variables: Callable[[Asked], Mapping[str, str]],
    ended: Callable[[Task], object],
) -> Iterator[None]:
    """Until it ends, `ecs:runTask.sync` of moto runs the program.

    Args:
        begin: asks ECS for the task; what ECS has of it.
        variables: the whole environment of the process.
        ended: told of each task that ended, in order.
    """

    def asks_for_task(_: Any, env: Environment, **given: Any) -> None:
        env.stack.append(begin(begun_small(given["normalised_parameters"])))

    def runs_program(_: Any, env: Environment, **given: Any) -> Callable[[], Any]:
        task, asked = env.stack.pop(), begun_small(given["normalised_parameters"])
        [override] = asked["overrides"]["containerOverrides"]
        running = subprocess.Popen(
            [sys.executable, "-I", "-m", "chargeback", *override["command"]], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=variables(asked),
        )  # fmt: skip

        def has_ended() -> dict[str, Any]:
            said, _ = running.communicate()
            ended(Task(list(override["command"]), running.returncode, said))
            container = {
                "Name": override["name"],
                "ExitCode": running.returncode,
                "LastStatus": "STOPPED",
            }
            told = {"Containers": [container], "LastStatus": "STOPPED", "TaskArn": task["taskArn"]}
            if running.returncode:
                raise task_failed(env, json.dumps(told, separators=(",", ":")))
            return told

        return has_ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateTaskServiceEcs, "_eval_service_task", asks_for_task)
        patch.setattr(StateTaskServiceEcs, "_build_sync_resolver", runs_program)
        yield


def told(asked: Asked) -> dict[str, str]:
    """The variables that a step gives its container."""
    [override] = asked["overrides"]["containerOverrides"]
    return {one["name"]: one["value"] for one in override["environment"]}


def begun_small(value: Any) -> Any:
    """Parameters as boto3 names them: Step Functions begins the same names with a capital."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: begun_small(one) for name, one in value.items()}
    return [begun_small(one) for one in value] if isinstance(value, list) else value


def task_failed(env: Environment, cause: str) -> FailureEventException:
    """What Step Functions makes of a task whose container did not end with 0."""
    details = TaskFailedEventDetails(
        resource="runTask.sync", resourceType="ecs", error="States.TaskFailed", cause=cause
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )
