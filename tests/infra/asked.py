"""Which actions an account was asked for, as IAM names them: what an apply or a plan takes.

Known are the services whose requests name their action, and those whose paths the models of botocore have. S3
is left out: its actions of buckets have names of their own, and tests/infra/guard.py knows those of roles.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from botocore.session import get_session

#: Names in signatures or targets that are other than in policies.
NAMES = {"monitoring": "cloudwatch", "email": "ses"}


def action_of(environ: Mapping[str, Any], body: bytes) -> str:
    """The action that a request is about; blank for S3 and for what is not signed."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0]
    service = (scope.split("/") + [""] * 4)[3]
    if service in ("", "s3"):
        return ""
    name = NAMES.get(service, service)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return f"{name}:{target.rpartition('.')[2]}"
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        return f"{name}:{parse_qs(body.decode())['Action'][0]}"
    for method, path, operation in paths_of(service):
        if method == environ["REQUEST_METHOD"] and path.fullmatch(environ["PATH_INFO"]):
            return f"{name}:{operation}"
    return f"{name}:{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


@cache
def paths_of(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and operation of a service whose requests are told apart by these."""
    session = get_session()
    if service not in session.get_available_services():
        return []
    model, found = session.get_service_model(service), []
    for operation in model.operation_names:
        http = model.operation_model(operation).http
        path = re.escape(http["requestUri"].partition("?")[0])
        path = re.sub(r"\\\{[^/]*?\\\}", "[^/]+", path)
        found.append((http["method"], re.compile(path + "/?"), operation))
    return found
