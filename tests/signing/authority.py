"""A time stamp authority on this machine that may answer badly: openssl's, behind HTTP.

What a good one answers is tested with `tests.signing.loopback`.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.programs import program
from tests.signing.key_files import TODAY, named, pem, rsa_key

CONFIGURATION = """
[tsa]
default_tsa = stamps
[stamps]
serial = {folder}/serial
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = {ess}
signer_digest = {digest}
"""


def stamping_certificate(
    key: object, usage: bool = True, padding_bytes: int = 0
) -> x509.Certificate:
    """A certificate that signed itself, for time stamps; as long as one wants."""
    made = (
        x509.CertificateBuilder()
        .subject_name(named("Stamps"))
        .issuer_name(named("Stamps"))
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY - timedelta(days=1))
        .not_valid_after(TODAY + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if padding_bytes:
        padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(padding_bytes))
        made = made.add_extension(padding, critical=False)
    kinds = [ExtendedKeyUsageOID.TIME_STAMPING] if usage else [ExtendedKeyUsageOID.CODE_SIGNING]
    return made.add_extension(x509.ExtendedKeyUsage(kinds), critical=True).sign(
        key,  # type: ignore[arg-type]
        hashes.SHA256(),
    )


class Authority:
    """openssl's time stamps; `answer` changes what it sends."""

    def __init__(
        self, folder: Path, key: object = None, digest: str = "sha256", padding_bytes: int = 0
    ) -> None:
        self.folder, self.openssl = folder, program("openssl")
        self.key = key or rsa_key()
        self.certificate = stamping_certificate(self.key, padding_bytes=padding_bytes)
        self.asked = 0
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(
            CONFIGURATION.format(folder=folder, ess=digest, digest=digest)
        )
        (folder / "tsa.pem").write_bytes(pem(self.key, self.certificate))  # type: ignore[arg-type]

    def answer(self, query: bytes) -> bytes:
        """The answer to a query."""
        self.asked += 1
        asked, made = self.folder / "query.tsq", self.folder / "answer.tsr"
        asked.write_bytes(query)
        subprocess.run(
            [self.openssl, "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", asked,
             "-signer", self.folder / "tsa.pem", "-inkey", self.folder / "tsa.pem", "-out", made],
            check=True, capture_output=True,
        )  # fmt: skip
        return made.read_bytes()


@contextlib.contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """An authority at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            content = authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
