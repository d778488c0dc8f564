"""An AWS account on this machine, as a process of its own:

    python -m tests.infra.account_server PORT FOLDER

moto's application answers, with services before it that it lacks: Data Exports, the cost allocation tags of
Cost Explorer, stacks of CloudFormation, and the queries of Athena, which run on the objects of moto's S3
(tests/athena/athena_service.py) in the workgroups that were made. Two calls of Step Functions that moto lacks
are answered as AWS answers them for a definition that is valid and for a machine without versions.
State machines are executed, their tasks being the program (tests/infra/fargate.py).
A bucket's replication is kept whole; nothing is replicated. When a test asks for it, every request must be
allowed by the policies that were applied (tests/infra/guard.py).

It runs in a process of its own because moto keeps an account's resources for its whole process.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from moto.core.config import default_user_config
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket
from werkzeug.serving import run_simple
from werkzeug.wrappers import Request, Response

from tests.athena.athena_service import AthenaService, Refused
from tests.flow.tasks import tasks_run
from tests.infra.asked import action_of
from tests.infra.cloud_formation import Stacks, is_about_stacks
from tests.infra.cost_explorer import TARGET as COST_EXPLORER
from tests.infra.cost_explorer import CostExplorer
from tests.infra.data_exports import TARGET as DATA_EXPORTS
from tests.infra.data_exports import DataExports, NotTaken
from tests.infra.fargate import Fargate
from tests.infra.guard import ACCOUNT, REGION, Guard, NotAllowed

#: POST …/guard?on: from then on requests must be allowed by policies; …/guard?off ends that. …/guard?asked
#: answers which actions were asked for since it was asked before.
GUARD = "/guard"

#: POST …/tag-keys-seen?KEY,…: Billing has seen these keys of tags, and takes them for allocation.
SEEN = "/tag-keys-seen"
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

#: The services' own requests to each other, on behalf of somebody who was let in.
OWN_KEYS = {"aws_access_key_id": "inside", "aws_secret_access_key": "inside"}
INNER = "AWS4-HMAC-SHA256 Credential=inside"
JSON = "application/x-amz-json-1.1"

#: Calls that moto lacks and Terraform makes, and what AWS answers.
LACKING: dict[str, dict[str, Any]] = {
    "AWSStepFunctions.ValidateStateMachineDefinition": {"result": "OK", "diagnostics": [], "truncated": False},
    "AWSStepFunctions.ListStateMachineVersions": {"stateMachineVersions": []},
}  # fmt: skip

#: What stands before an action of ECS, and what moto drops of a service.
ECS = "AmazonEC2ContainerServiceV20141113"
KEPT_OF_SERVICES = (
    "availabilityZoneRebalancing", "deploymentConfiguration", "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)  # fmt: skip

Start = Callable[..., Any]


class Queries(AthenaService):
    """Athena whose workgroups are those that moto has."""

    def __init__(self, url: str, folder: Path) -> None:
        client = lambda service: boto3.client(  # noqa: E731
            service, endpoint_url=url, region_name=REGION, **OWN_KEYS
        )
        super().__init__(client("s3"), client("glue"), folder)
        self.athena = client("athena")

    def do_GetWorkGroup(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self.athena.get_work_group(WorkGroup=body["WorkGroup"])
        return {"WorkGroup": found["WorkGroup"]}


class Account:
    """The account as a WSGI application."""

    def __init__(self, url: str, folder: Path) -> None:
        self.services_of_moto = DomainDispatcherApplication(create_backend_app)
        self.turn = threading.Lock()
        self.exports = DataExports(ACCOUNT)
        self.costs = CostExplorer()
        self.queries = Queries(url, folder)
        self.guard = Guard(lambda one: self.queries.executions[one].request["WorkGroup"])
        self.is_guarded = False
        self.replications: dict[str, bytes] = {}
        self.kept_of_services: dict[str, dict[str, Any]] = {}
        self.stacks = Stacks(ACCOUNT, REGION)
        self.asked: set[str] = set()

    def guarding(self, what: str) -> Response:
        """What a test asks of the account itself."""
        if what == "asked":
            asked, self.asked = self.asked, set()
            return Response(json.dumps(sorted(asked - {""})))
        self.is_guarded = what == "on"
        return Response("")

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == GUARD:
            return self.guarding(environ["QUERY_STRING"])(environ, start)
        if environ["PATH_INFO"] == SEEN:
            self.costs.see(environ["QUERY_STRING"].split(","))
            return Response("")(environ, start)
        self.asked.add(action_of(environ, content_of(environ)))
        if self.is_guarded and environ.get("HTTP_AUTHORIZATION", "").partition("/")[0] != INNER:
            try:
                self.guard.check(environ, content_of(environ))
            except NotAllowed as refused:
                return denied(str(refused), environ)(environ, start)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target in LACKING:
            return Response(json.dumps(LACKING[target]), content_type=JSON)(environ, start)
        service, _, action = target.rpartition(".")
        if service == DATA_EXPORTS:
            return self.answer(self.exports.call, action, environ, start)
        if service == COST_EXPLORER:
            return self.answer(self.costs.call, action, environ, start)
        if service == "AmazonAthena" and "Quer" in action and "NamedQuer" not in action:
            return self.answer(self.queries.call, action, environ, start)
        if service == ECS and action in ("CreateService", "UpdateService", "DescribeServices"):
            return self.services(action, environ, start)
        if is_about_stacks(environ):
            return self.stack(environ, start)
        if environ["QUERY_STRING"].partition("=")[0] == "replication":
            return self.replication(environ, start)
        return self.moto(environ, start)

    def moto(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """moto's answer, one request at a time: its services change dictionaries while others read them."""
        with self.turn:
            return self.services_of_moto(environ, start)

    def replication(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """A bucket's replication as it was put: moto checks it, and leaves half of it out of its answer."""
        bucket, method = environ["PATH_INFO"].strip("/"), environ["REQUEST_METHOD"]
        if method == "PUT":
            self.replications[bucket] = content_of(environ)
        elif method == "DELETE":
            self.replications.pop(bucket, None)
        elif bucket in self.replications:
            kept = self.replications[bucket]
            return Response(kept, content_type="application/xml")(environ, start)
        return self.moto(environ, start)

    def services(self, action: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """A service of ECS with all that was said of it: moto leaves half of that out of its answer."""
        body = json.loads(content_of(environ))
        if action != "DescribeServices":
            kept = self.kept_of_services.setdefault(body.get("serviceName") or body["service"], {})
            kept |= {name: body[name] for name in KEPT_OF_SERVICES if name in body}
            return self.moto(environ, start)
        answer = Response.from_app(self.moto, environ)
        found = json.loads(answer.get_data())
        for one in found.get("services", ()):
            one |= self.kept_of_services.get(one["serviceName"], {})
        answer.set_data(json.dumps(found))
        return answer(environ, start)

    def stack(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer a request about a stack of CloudFormation."""
        content, status = self.stacks.answer(content_of(environ).decode())
        return Response(content, status, content_type="text/xml")(environ, start)

    def answer(
        self, call: Callable[..., Any], action: str, environ: dict[str, Any], start: Start
    ) -> Iterable[bytes]:
        """Answer a request in AWS's JSON protocol."""
        body = json.loads(content_of(environ) or b"{}")
        try:
            content, status = json.dumps(call(action, body), default=written), 200
        except (NotTaken, Refused) as refused:
            error = {"__type": refused.code, "message": str(refused), "Message": str(refused)}
            content, status = json.dumps(error), 400
        return Response(content, status, content_type=JSON)(environ, start)


def content_of(environ: dict[str, Any]) -> bytes:
    """The body of a request, which whoever comes next can read again."""
    content = Request(environ).get_data()
    environ["wsgi.input"] = io.BytesIO(content)
    return content


def denied(words: str, environ: dict[str, Any]) -> Response:
    """That a request is not allowed, in the form of its service: JSON, XML, or XML in an answer to a form."""
    if "HTTP_X_AMZ_TARGET" in environ:
        text = json.dumps({"__type": "AccessDeniedException", "message": words})
        return Response(text, 400, content_type=JSON)
    error = f"<Error><Code>AccessDenied</Code><Message>{words}</Message></Error>"
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    return Response(error, 403, content_type="application/xml")


def written(when: datetime) -> str:
    """A time as the model of Data Exports has it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Serve until killed."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # The guard reads policies of buckets whole; moto takes every condition in them for one that holds.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    # moto keeps the description of a rule that names another group, and leaves it out of its answer.
    SecurityGroupRule.description = property(
        lambda rule: (rule.ip_range or rule.source_group).get("Description")
    )
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    os.environ["MOTO_PORT"] = str(port)  # where state machines find the services that they call
    url = f"http://127.0.0.1:{port}"
    account, fargate = Account(url, folder), Fargate(url, folder, OWN_KEYS)
    with tasks_run(fargate.begin, fargate.variables, fargate.ended):
        run_simple("127.0.0.1", port, account, threaded=True)


if __name__ == "__main__":
    main()
