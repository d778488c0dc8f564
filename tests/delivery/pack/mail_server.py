"""A real mail server on this machine, with TLS by an authority of its own, accounts, and faults on demand."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: make .venv/.ready-to-test")
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

USER, PASSWORD = "chargeback", "canary-7f1d-smtp"


@dataclass
class Received:
    """A mail that arrived, whether or not the server said so."""

    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> Message:
        """As a mail program reads it."""
        return message_from_bytes(self.content)


@dataclass
class Faults:
    """What goes wrong.

    Args:
        refused: addresses that do not exist.
        answers: by the number of a DATA from 1 on: another answer; "close" is none, and "slow" a late one.
        on_mail: called with each mail that arrived, before the answer.
    """

    refused: set[str] = field(default_factory=set)
    answers: dict[int, str] = field(default_factory=dict)
    on_mail: Callable[[int], None] = lambda _: None


@dataclass
class Server:
    """The server: where it is, and what arrived."""

    port: int = 0
    authorities: str = ""
    received: list[Received] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    logins: list[str] = field(default_factory=list)
    datas: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """The settings that name it."""
        return {
            "CHARGEBACK_SMTP": f"smtp://127.0.0.1:{self.port}",
            "CHARGEBACK_SMTP_FROM": "cloud-billing@insurer.example",
            "CHARGEBACK_SMTP_CA": self.authorities,
            "CHARGEBACK_SMTP_USER": USER,
            "CHARGEBACK_SMTP_PASSWORD": PASSWORD,
        }

    def ids(self) -> list[str]:
        """The Message-IDs of what arrived, in order."""
        return [one.message["Message-ID"] for one in self.received]

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address that exists."""
        if address in self.faults.refused:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Take a mail, unless this one is to go wrong."""
        self.datas += 1
        number, answer = self.datas, self.faults.answers.get(self.datas, "250 OK")
        if answer.startswith("250") or answer in ("close", "slow"):
            assert isinstance(envelope.content, bytes)
            self.received.append(Received(tuple(envelope.rcpt_tos), envelope.content))
        self.faults.on_mail(number)
        if answer == "close":
            server.transport.abort()
            return "250 nobody hears this"
        if answer == "slow":
            await asyncio.sleep(3)
            return "250 late"
        return answer

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        """Know one account."""
        self.logins.append(data.login.decode())
        known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=known)


@contextlib.contextmanager
def serving(
    folder: Path, host: str = "127.0.0.1", tls: str = "starttls", accounts: bool = True
) -> Iterator[Server]:
    """A server that runs.

    Args:
        tls: "starttls", "smtps" or "none".
    """
    authority, context = certificates(folder)
    server = Server(authorities=str(authority))
    options: dict[str, Any] = {"auth_required": accounts, "authenticator": server.authenticate}
    options["auth_require_tls"] = tls == "starttls"
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(
        server, hostname=host, port=0, ready_timeout=30,
        ssl_context=context if tls == "smtps" else None, **options,
    )  # fmt: skip
    started = port_of(controller)
    server.port = started
    try:
        yield server
    finally:
        controller.stop()


def port_of(controller: Controller) -> int:
    """Start a server on a free port; its number."""
    import socket

    with socket.socket() as probe:
        probe.bind((controller.hostname, 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    return int(controller.port)


def certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """An authority as a file, and a server's certificate by it, for this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    above, above_key = certificate("authority", None, None)
    own, own_key = certificate("mail server", above, above_key)
    path, chain = folder / "authority.pem", folder / "server.pem"
    path.write_bytes(above.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        own_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + own.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return path, context


def certificate(
    name: str, issuer: x509.Certificate | None, issuer_key: ec.EllipticCurvePrivateKey | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate by an issuer, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
    )  # fmt: skip
    return builder.sign(issuer_key or key, hashes.SHA256()), key


def kill_when_written(pid_file: Path) -> None:
    """End the program whose number stands in a file, as kill -9 does, and wait until it is gone."""
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
