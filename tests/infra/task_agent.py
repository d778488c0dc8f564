"""Where a task of ECS asks for the credentials of its role, as the agent beside it answers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: How a task is told where that is.
VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI"


@contextlib.contextmanager
def answering(role: str, take: Callable[[], dict[str, str]]) -> Iterator[str]:
    """An agent of a task; its address.

    Args:
        role: its ARN.
        take: a session of the role, as boto3 takes it; asked whenever the task asks.
    """

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            taken = take()
            content = json.dumps({
                "RoleArn": role, "AccessKeyId": taken["aws_access_key_id"],
                "SecretAccessKey": taken["aws_secret_access_key"], "Token": taken["aws_session_token"],
                "Expiration": f"{datetime.now(UTC) + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
            }).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2/credentials"
    finally:
        server.shutdown()
        server.server_close()
