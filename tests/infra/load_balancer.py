"""A load balancer of AWS, as its documentation says that one treats requests; no evidence about AWS.

Modelled: TLS ends here; the caller's address is appended to X-Forwarded-For, and X-Forwarded-Proto and -Port
are those of the listener, whatever a browser says; the host and all else are handed on as they are, an
X-Forwarded-Host of a browser's too; fields whose names are not letters, digits and hyphens are dropped
(drop_invalid_header_fields); health is asked for from an address of its own, for the target's address and port
as the host, with no X-Forwarded-*.
"""

from __future__ import annotations

import http.client
import re
import uuid

from tests.portal.providers.tls_proxy import HOP_BY_HOP, PATIENCE_SECONDS, Handler

FIELD = re.compile(r"[A-Za-z0-9-]+")


class Balancer(Handler):
    """Hands requests on as a load balancer does."""

    def headers_onward(self) -> dict[str, str]:
        """What the target gets."""
        headers = {
            name: value for name, value in self.headers.items()
            if FIELD.fullmatch(name) and name.lower() not in HOP_BY_HOP
        }  # fmt: skip
        said = [value for name, value in headers.items() if name.lower() == "x-forwarded-for"]
        own = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port")
        headers = {name: value for name, value in headers.items() if name.lower() not in own}
        return {
            **headers,
            "X-Forwarded-For": ", ".join([*said, self.client_address[0]]),
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": str(self.proxy.port),
            "X-Amzn-Trace-Id": f"Root=1-{uuid.uuid4().hex}",
        }


def connection(own: str, port: int) -> http.client.HTTPConnection:
    """A connection of a load balancer's to its target."""
    return http.client.HTTPConnection("127.0.0.1", port, PATIENCE_SECONDS, source_address=(own, 0))


def health(line: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    """What a target answers when it is asked whether it is well."""
    line.request("GET", path, headers={
        "Host": f"{line.host}:{line.port}", "User-Agent": "ELB-HealthChecker/2.0",
        "Accept-Encoding": "gzip, compressed",
    })  # fmt: skip
    answer = line.getresponse()
    return answer.status, answer.read().decode()
