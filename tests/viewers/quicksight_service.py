"""A small QuickSight: it takes what botocore's model of the service describes, and nothing else.

It knows datasets by their ids and does their refreshes as it is told. It is no evidence of what AWS does; it
holds that our requests have the form that AWS's own description gives them.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from botocore.model import ServiceModel
from botocore.session import get_session
from botocore.validate import ParamValidator

OPERATIONS = ("CreateIngestion", "DescribeIngestion")


@dataclass
class QuickSightService:
    """What came in, and how refreshes go.

    Args:
        statuses: what a refresh of a dataset says each time that it is looked at; the last one stays.
        requests: operation and parameters of each request, in order.
        known: the ids of refreshes.
        lost: so many requests for a refresh are taken and answered as if they were not.
    """

    data_sets: tuple[str, ...] = ("rules", "charges")
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    lost: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def refreshed(self) -> list[str]:
        """The datasets whose refresh was asked for, in order."""
        return [one["DataSetId"] for name, one in self.requests if name == "CreateIngestion"]

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The answer to a request."""
        operation, parameters = read_request(method, path, body)
        self.requests.append((operation, parameters))
        data_set, ingestion = parameters["DataSetId"], parameters["IngestionId"]
        if data_set not in self.data_sets:
            return 404, error("ResourceNotFoundException", f"DataSet {data_set} is not found")
        arn = f"arn:aws:quicksight:us-east-1:{parameters['AwsAccountId']}:dataset/{data_set}"
        if operation == "CreateIngestion":
            self.lost -= 1
            if ingestion in self.known:
                return 409, error("ResourceExistsException", f"{ingestion} exists already")
            self.known.add(ingestion)
            if self.lost >= 0:
                return 500, error("InternalFailureException", "the answer is lost")
            return 201, {"Arn": f"{arn}/ingestion/{ingestion}", "IngestionId": ingestion,
                         "IngestionStatus": "INITIALIZED", "RequestId": "r", "Status": 201}  # fmt: skip
        asked = [one for name, one in self.requests if name == operation and one == parameters]
        usual = [{"IngestionStatus": "RUNNING"}, {"IngestionStatus": "COMPLETED"}]
        steps = self.statuses.get(data_set) or usual
        step = steps[min(len(asked), len(steps)) - 1]
        return 200, {
            "Ingestion": {"Arn": arn, "IngestionId": ingestion, "CreatedTime": 1.0, **step}
        }


@functools.cache
def service_model() -> ServiceModel:
    """botocore's description, a large file."""
    return get_session().get_service_model("quicksight")


def error(code: str, message: str) -> dict[str, Any]:
    """An error as QuickSight says it."""
    return {"__type": code, "Message": message}


def read_request(method: str, path: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation of a request and its parameters, which must be what the model describes."""
    model = service_model()
    for name in OPERATIONS:
        operation = model.operation_model(name)
        form = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
        found = re.fullmatch(form, path)
        if found and operation.http["method"] == method:
            named = {key: unquote(value) for key, value in found.groupdict().items()}
            parameters = {**named, **json.loads(body or b"{}")}
            report = ParamValidator().validate(parameters, operation.input_shape)
            assert not report.has_errors(), report.generate_report()
            assert re.fullmatch("[a-zA-Z0-9-_]+", named["IngestionId"])
            assert re.fullmatch("[0-9]{12}", named["AwsAccountId"])
            return name, parameters
    raise AssertionError(f"QuickSight has no {method} {path}")


@contextmanager
def serving(service: QuickSightService) -> Iterator[QuickSightService]:
    """The service at a port of this machine."""

    class Door(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, found = service.answer(self.command, self.path, body)
            except AssertionError as refused:
                status, found = 400, error("InvalidParameterValueException", str(refused))
            content = json.dumps(found).encode()
            self.send_response(status)
            if "__type" in found:
                self.send_header("x-amzn-ErrorType", found["__type"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = handle_any

        def log_message(self, *arguments: object) -> None:
            pass

    service_model()  # before somebody waits for an answer
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
