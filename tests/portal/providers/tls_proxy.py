"""A reverse proxy that ends TLS, as stands before the portal: it says who called, by what, for which host."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.programs import program

#: Of one connection, and so not handed on.
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "upgrade",
    "proxy-connection",
    "content-length",
}
PATIENCE_SECONDS = 60


@dataclass
class TlsProxy:
    """A running proxy.

    Args:
        port: where browsers come, by https.
        certificate: which they must trust.
        behind: the port of what it stands before; 0 while there is nothing yet.
        own: the address that it calls from.
    """

    port: int
    certificate: Path
    behind: int = 0
    own: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """As browsers have it."""
        return f"https://localhost:{self.port}"


class Handler(BaseHTTPRequestHandler):
    """Hands requests on, and answers back, without following anything."""

    protocol_version = "HTTP/1.1"
    proxy: TlsProxy

    def hand_on(self) -> None:
        """One request."""
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length) if length else None
        behind = http.client.HTTPConnection(
            "127.0.0.1", self.proxy.behind, PATIENCE_SECONDS, source_address=(self.proxy.own, 0)
        )
        try:
            behind.request(self.command, self.path, body, self.headers_onward())
            answer = behind.getresponse()
            content = answer.read()
        finally:
            behind.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def headers_onward(self) -> dict[str, str]:
        """What is handed on: nothing that a browser says of itself, and how its request came."""
        headers = {
            name: value for name, value in self.headers.items()
            if name.lower() not in HOP_BY_HOP and not name.lower().startswith("x-forwarded-")
        }  # fmt: skip
        headers["X-Forwarded-For"] = self.client_address[0]
        headers["X-Forwarded-Proto"] = "https"
        headers["X-Forwarded-Host"] = self.headers.get("host", "")
        return headers

    do_GET = do_POST = do_HEAD = hand_on

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Connections that a browser gives up are nothing to tell of."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running(folder: Path, kind: type[Handler] = Handler) -> Iterator[TlsProxy]:
    """A proxy on a free port, with a certificate that openssl made for it.

    Args:
        kind: how it hands requests on.
    """
    key, certificate = folder / "proxy.key", folder / "proxy.pem"
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    handler = type("Own", (kind,), {})
    server = Server(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The handshake is each connection's own: one that never ends must not keep the others waiting.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    handler.proxy = TlsProxy(server.server_port, certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler.proxy
    finally:
        server.shutdown()
        server.server_close()
