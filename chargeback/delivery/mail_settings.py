"""Where mail is sent through: sources.toml and the environment.

    smtp = "smtp://mail.insurer.example:587"        STARTTLS is required, but on this machine itself
    smtp = "smtps://mail.insurer.example:465"       TLS from the beginning
    smtp_from = "cloud-billing@insurer.example"     who sends
    smtp_ca = "/etc/ssl/company.pem"                the authorities to trust, where they are the company's own

CHARGEBACK_SMTP, CHARGEBACK_SMTP_FROM and CHARGEBACK_SMTP_CA take precedence. User and password are secrets
(chargeback/secrets): smtp_user and smtp_password. They go over TLS only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chargeback.core.errors import bad_params
from chargeback.params.handout_policy import check_address, is_loopback
from chargeback.params.toml_files import read_toml, text_value

FILE = "sources.toml"
KEYS = ("smtp", "smtp_from", "smtp_ca")
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class MailSettings:
    """Where mail is sent through; nowhere, where `host` is blank.

    Args:
        is_tls: from the beginning of the connection.
        sender: whom mails are from; blank in drafts.
        authorities: a file of certificates; blank for those of the machine.
    """

    host: str = ""
    port: int = 0
    is_tls: bool = False
    sender: str = ""
    authorities: str = ""

    @property
    def place(self) -> str:
        """The server, for people."""
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, so that nobody else can listen."""
        return is_loopback(self.host)


def read_mail_settings(params_folder: Path) -> MailSettings:
    """The settings of a params folder, whose sources.toml is optional.

    Raises:
        Refusal: (exit 2) the address or the sender is malformed, or one of the two is missing.
    """
    table = read_toml(params_folder, FILE).table if (params_folder / FILE).is_file() else {}
    values = {
        key: os.environ.get(f"CHARGEBACK_{key.upper()}", "") or text_value(FILE, table, key, "")
        for key in KEYS
    }
    if values["smtp_from"]:
        check_address(values["smtp_from"], "smtp_from", FILE)
    if not values["smtp"]:
        return MailSettings(sender=values["smtp_from"])
    if not values["smtp_from"]:
        raise bad_params(
            "nobody is named to send mail from", 'smtp_from = "cloud-billing@insurer.example"', "nothing",
            [f"{FILE}, beside smtp"],
        )  # fmt: skip
    host, port, is_tls = read_address(values["smtp"])
    return MailSettings(host, port, is_tls, values["smtp_from"], values["smtp_ca"])


def read_address(text: str) -> tuple[str, int, bool]:
    """Host, port, and whether TLS is spoken from the beginning (exit 2 for anything else)."""
    try:
        address = urlsplit(text)
        port = address.port or PORTS.get(address.scheme, 0)
        host = address.hostname or ""
    except ValueError:
        host, port, address = "", 0, urlsplit("")
    only = not (address.path.strip("/") or address.query or address.fragment)
    if not (address.scheme in PORTS and host and port and only) or "@" in address.netloc:
        raise bad_params(
            "smtp is no address of a mail server",
            "smtp://host:587 or smtps://host:465, without a user or password",
            repr(text.rpartition("@")[2]), [f"{FILE}, smtp"],
            ["user and password are secrets: CHARGEBACK_SMTP_USER and CHARGEBACK_SMTP_PASSWORD"],
        )  # fmt: skip
    return host, port, address.scheme == "smtps"
