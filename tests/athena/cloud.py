"""A cloud for tests: moto's S3, Glue and STS, a small Athena, and one door to all of them that can fail.

boto3 and PyAthena are used as they are; AWS_ENDPOINT_URL names the door. It counts the calls that pass, and a
fault can be planted at any of them: once, or from there on. Tests that prepare or look at what is in the cloud
use another door, which counts nothing. Behind both is moto's own application, without a server of its own.
"""

from __future__ import annotations

import io
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import boto3
import pyarrow.parquet as pq
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from chargeback.aws.athena_settings import AthenaSettings
from tests.athena.athena_service import AthenaService, Refused, error_body

REGION, DATABASE, TABLE, WORKGROUP = "us-east-1", "insurer_billing", "cur2", "chargeback"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

#: Seconds that a request may take in tests whose answer hangs; in others, as a busy machine needs.
TIMEOUT, PATIENCE = 1.0, 30.0

GLUE_TYPES = {
    "string": "string",
    "double": "double",
    "int64": "bigint",
    **{f"timestamp[{unit}]": "timestamp" for unit in ("ms", "us", "ns")},
    "map<string, string>": "map<string,string>",
    "map<string, double>": "map<string,double>",
}


@dataclass
class Fault:
    """What happens to the calls from a number on, `times` times."""

    at: int
    kind: str
    times: int = 1


@dataclass
class Call:
    """A call that came to the door."""

    service: str
    action: str

    def __str__(self) -> str:
        return f"{self.service}:{self.action}"


class Services(DomainDispatcherApplication):
    """moto's services; which of them a host is, it looks for once, where moto lists its folders each time."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The service of a host."""
        if host not in self.found:
            self.found[host] = super().get_backend_for_host(host)
        return self.found[host]


@dataclass
class Door:
    """Counts calls, plants faults, and sends each call where it belongs."""

    services: Services
    athena: AthenaService | None = None
    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, call: Call) -> str:
        """Count a call; answers the kind of fault that it meets, or an empty text."""
        with self.lock:
            self.calls.append(call)
            fault = self.fault
            if fault and fault.at <= len(self.calls) < fault.at + fault.times:
                return fault.kind
        return ""


class Handler(BaseHTTPRequestHandler):
    """One request at the door."""

    protocol_version = "HTTP/1.1"
    wbufsize = 2**16
    door: Door

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def handle_expect_100(self) -> bool:
        """A client that asks whether to go on waits for the answer, so it is not kept back."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self.named()
        kind = self.door.count(call)
        if kind:
            self.fail(kind, call, body)
        elif call.service == "athena":
            self.ask_athena(call.action, json.loads(body or b"{}"))
        else:
            self.forward(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def named(self) -> Call:
        """Service and action of the request."""
        target = self.headers.get("X-Amz-Target", "")
        if target:
            service = "athena" if target.startswith("AmazonAthena.") else "glue"
            return Call(service, target.rpartition(".")[2])
        return Call("s3", "List" if "list-type" in self.path else self.command.title() + "Object")

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "application/x-amz-json-1.1"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, kind: str, call: Call, body: bytes) -> None:
        """Do what goes wrong."""
        if kind == "lost":
            self.door.athena.call(call.action, json.loads(body))
            self.close_connection = True
        elif kind == "timeout":
            time.sleep(TIMEOUT * 1.5)
            self.close_connection = True
        elif kind == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif kind == "half":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.send_header("ETag", '"half"')
            self.end_headers()
            self.wfile.write(b"{")
            self.close_connection = True
        else:
            status, code, message = {
                "500": (500, "InternalError", "We encountered an internal error."),
                "503": (503, "SlowDown", "Please reduce your request rate."),
                "throttled": (400, "ThrottlingException", "Rate exceeded"),
                "busy": (400, "TooManyRequestsException", "You have exceeded the limit of queries"),
                "expired": (400, "ExpiredToken", "The provided token has expired."),
                "denied": (403, "AccessDenied", "User is not authorized to perform this action"),
            }[kind]
            if call.service == "s3":
                text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
                self.reply(status, text.encode(), {"Content-Type": "application/xml"})
            else:
                self.reply(status, error_body(code, message))

    def ask_athena(self, action: str, body: dict[str, Any]) -> None:
        """Answer for Athena."""
        try:
            self.reply(200, json.dumps(self.door.athena.call(action, body)).encode())
        except Refused as refused:
            self.reply(400, error_body(refused.code, str(refused)))

    def forward(self, body: bytes) -> None:
        """Ask moto."""
        path, _, query = self.path.partition("?")
        host, port = self.headers["Host"].split(":")
        environment = {
            "REQUEST_METHOD": self.command, "SCRIPT_NAME": "", "QUERY_STRING": query,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "RAW_URI": self.path,
            "REQUEST_URI": self.path, "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": host,
            "SERVER_PORT": port, "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        for name, value in self.headers.items():
            named = name.upper().replace("-", "_")
            plain = named in ("CONTENT_TYPE", "CONTENT_LENGTH")
            environment[named if plain else f"HTTP_{named}"] = value
        answer, status, headers = run_wsgi_app(self.door.services, environment, buffered=True)
        found = b"".join(answer)
        self.send_response(int(status.split()[0]))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        length = headers.get("Content-Length")
        self.send_header(
            "Content-Length", length if self.command == "HEAD" and length else str(len(found))
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found)


def serve(door: Door) -> ThreadingHTTPServer:
    """A door that is open, on a free port of this machine."""
    handler = type("DoorHandler", (Handler,), {"door": door})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def address(server: ThreadingHTTPServer) -> str:
    """The address of a server."""
    return f"http://127.0.0.1:{server.server_address[1]}"


class Cloud:
    """All of it, running; `close` stops it."""

    def __init__(self, folder: Path) -> None:
        services = Services()
        self.inside = serve(Door(services))
        self.s3 = self.client("s3", address(self.inside))
        self.glue = self.client("glue", address(self.inside))
        self.athena = AthenaService(self.s3, self.glue, folder)
        self.door = Door(services, self.athena)
        self.server = serve(self.door)
        self.url = address(self.server)
        self.made: list[str] = []

    @staticmethod
    def client(service: str, url: str) -> Any:
        """A boto3 client of moto itself."""
        return boto3.client(
            service, endpoint_url=url, region_name=REGION, aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """What points boto3 here, and repeats little."""
        return {
            **CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_MAX_ATTEMPTS": "2",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/none",
            "AWS_SHARED_CREDENTIALS_FILE": "/none", "CHARGEBACK_AWS_TIMEOUT": str(PATIENCE),
        }  # fmt: skip

    def close(self) -> None:
        """Stop what was started."""
        for one in (self.server, self.inside):
            one.shutdown()
            one.server_close()


@dataclass
class Account:
    """A bucket with an export, a table over it and a guarded workgroup, in a cloud."""

    cloud: Cloud
    bucket: str
    results: str
    settings: AthenaSettings
    prefix: str = "exports/tiny/"

    def deliver(self, report: Path, period: str | None = None) -> None:
        """Put a report's folder, or one period of it, into the bucket, manifests last."""
        paths = [
            one for one in sorted(report.rglob("*")) if one.is_file() and ".sample" not in one.parts
        ]
        paths = [one for one in paths if period is None or f"BILLING_PERIOD={period}" in str(one)]
        for path in sorted(paths, key=lambda one: "metadata" in one.parts):
            key = self.prefix + path.relative_to(report).as_posix()
            self.cloud.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

    def put(self, path: str, body: bytes) -> None:
        """Write one object of the export."""
        self.cloud.s3.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=body)

    def create_table(
        self, report: Path, change: Callable[[dict[str, str]], Any] = lambda _: None
    ) -> None:
        """The table over the export, with the columns of all files, changed as a test likes."""
        columns: dict[str, str] = {}
        for path in sorted(report.rglob("*.parquet")):
            for entry in pq.read_schema(path):
                columns[entry.name] = GLUE_TYPES[re.sub(r" \(.*\)| not null", "", str(entry.type))]
        change(columns)
        self.cloud.glue.create_table(
            DatabaseName=self.settings.database,
            TableInput={
                "Name": self.settings.table,
                "PartitionKeys": [{"Name": "billing_period", "Type": "string"}],
                "StorageDescriptor": {
                    "Location": f"s3://{self.bucket}/{self.prefix}data/",
                    "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
                },
            },
        )

    def guard(self, **configuration: Any) -> None:
        """Set up the workgroup; keywords replace what is in its configuration."""
        self.cloud.athena.workgroups[self.settings.workgroup] = {
            "Name": self.settings.workgroup,
            "State": "ENABLED",
            "Configuration": {
                "EnforceWorkGroupConfiguration": True,
                "BytesScannedCutoffPerQuery": 10_000_000_000,
                "ResultConfiguration": {"OutputLocation": f"s3://{self.results}/close/"},
                **configuration,
            },
        }


def open_account(cloud: Cloud, report: Path) -> Account:
    """An account of its own in the cloud, with a report delivered and everything set up."""
    number = len(cloud.made) + 1
    cloud.made.append(str(number))
    settings = AthenaSettings(DATABASE, f"{TABLE}_{number}", f"{WORKGROUP}-{number}", REGION)
    account = Account(cloud, f"billing-{number}", f"results-{number}", settings)
    for bucket in (account.bucket, account.results):
        cloud.s3.create_bucket(Bucket=bucket)
    cloud.s3.put_bucket_versioning(
        Bucket=account.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    if number == 1:
        cloud.glue.create_database(DatabaseInput={"Name": DATABASE})
    account.deliver(report)
    account.create_table(report)
    account.guard()
    cloud.door.calls.clear()
    cloud.door.fault = None
    cloud.athena.hold = False
    return account
