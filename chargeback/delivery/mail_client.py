"""One connection to a mail server, and what it said of each mail: taken, refused, not taken, or nothing.

SMTP has no way to ask what became of a mail. What always holds: a mail counts as taken only after the server
has answered 250 to all of it; what no answer came for is `NoAnswer`, and may or may not have arrived. Of a mail
of which one address is refused nobody receives anything, so that it is sent again as a whole when that address
is corrected.

Nothing that the server writes is shown to anybody but its three digits: it could have anything in it.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.delivery.mail_settings import MailSettings
from chargeback.secrets import secret

TIMEOUT_SECONDS = 60.0
CLOSING = 421


class NotTaken(Exception):
    """The server did not take a mail, now; says why. `is_over` where it takes none of the others either."""

    def __init__(self, why: str, is_over: bool = False) -> None:
        super().__init__(why)
        self.is_over = is_over


class NoAnswer(Exception):
    """Nobody knows whether a mail was taken."""


class Refused(Exception):
    """The server will never take a mail as it is.

    Args:
        addresses: those that it refused, with its digits; none where it is the mail.
    """

    def __init__(self, why: str, addresses: Sequence[tuple[str, int]] = ()) -> None:
        super().__init__(why)
        self.addresses = tuple(addresses)


class MailClient:
    """A connection that is made when the first mail is sent, and again after it was lost."""

    def __init__(self, settings: MailSettings, timeout: float = TIMEOUT_SECONDS) -> None:
        self.settings = settings
        self.timeout = timeout
        self._server: smtplib.SMTP | None = None

    def send(self, recipients: Sequence[str], message: bytes) -> None:
        """Send a mail; it is taken when this returns.

        Raises:
            NotTaken, NoAnswer, Refused: as they say.
            Refusal: (exit 2) the credentials are wrong; (exit 6) the server cannot be spoken to.
        """
        server = self._server or self._connect()
        self._server = server
        try:
            self._envelope(server, recipients)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise NotTaken(f"the connection ended: {type(error).__name__}") from None
        try:
            server.send(stuffed(message) + b".\r\n")
            code, _ = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None
        self._after_content(code)

    def close(self) -> None:
        """End the connection."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.close()

    def quit(self) -> None:
        """End the connection as it is done between two that work."""
        if self._server is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._server.quit()
        self.close()

    def _envelope(self, server: smtplib.SMTP, recipients: Sequence[str]) -> None:
        """Say from whom and to whom, and ask to send the content."""
        code, _ = server.mail(self.settings.sender)
        if code != 250:
            self._give_up(code, "the sender", self.settings.sender)
        refused: list[tuple[str, int]] = []
        for one in recipients:
            code, _ = server.rcpt(one)
            if code == CLOSING or 400 <= code < 500:
                self._give_up(code, "a recipient", one)
            if code not in (250, 251):
                refused.append((one, code))
        if refused:
            self._reset()
            raise Refused("recipients were refused", refused)
        code, _ = server.docmd("DATA")
        if code != 354:
            self._give_up(code, "the mail", "")

    def _give_up(self, code: int, what: str, address: str) -> None:
        """Leave a mail that the server does not want, now or ever."""
        if code == CLOSING:
            self.close()
            raise NotTaken("the server is closing (421)")
        self._reset()
        if 400 <= code < 500:
            raise NotTaken(f"the server answered {code} to {what} {address}".rstrip())
        raise Refused(f"{what} was refused", [(address, code)] if address else [("", code)])

    def _after_content(self, code: int) -> None:
        if code == 250:
            return
        if code == CLOSING:
            self.close()
            raise NotTaken("the server is closing (421)")
        if 400 <= code < 500:
            raise NotTaken(f"the server answered {code} to the mail")
        raise Refused("the mail was refused", [("", code)])

    def _reset(self) -> None:
        """Forget the mail that was begun; a connection that cannot is closed."""
        try:
            if self._server is not None and self._server.rset()[0] == 250:
                return
        except (smtplib.SMTPException, OSError):
            pass
        self.close()

    def _connect(self) -> smtplib.SMTP:
        """A connection over TLS, logged in where there are credentials."""
        settings = self.settings
        try:
            server = self._opened()
            server.ehlo_or_helo_if_needed()
            if not settings.is_tls and (server.has_extn("starttls") or not settings.is_local):
                if not server.has_extn("starttls"):
                    server.close()
                    raise no_tls(settings)
                server.starttls(context=trusting(settings))
                server.ehlo()
            log_in(server, settings)
        except ssl.SSLCertVerificationError as error:
            raise unreachable(
                "the mail server's certificate cannot be trusted",
                f"one of {settings.host} by a known authority", error.verify_message, [settings.place],
                ["name the file of your own authority as smtp_ca in sources.toml"],
            ) from None  # fmt: skip
        except (smtplib.SMTPException, OSError) as error:
            code = getattr(error, "smtp_code", 0)
            found = f"{type(error).__name__}{f', {code}' if code else ''}"
            raise NotTaken(f"{settings.place} does not answer: {found}", is_over=True) from None
        return server

    def _opened(self) -> smtplib.SMTP:
        settings = self.settings
        name = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
        if settings.is_tls:
            return smtplib.SMTP_SSL(
                settings.host, settings.port, local_hostname=name, timeout=self.timeout,
                context=trusting(settings),
            )  # fmt: skip
        return smtplib.SMTP(settings.host, settings.port, local_hostname=name, timeout=self.timeout)


def stuffed(message: bytes) -> bytes:
    """A mail as it goes over the wire: lines end with CR LF, and one that begins with a point has two."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    lines = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def trusting(settings: MailSettings) -> ssl.SSLContext:
    """What a server's certificate is checked by.

    Raises:
        Refusal: (exit 2) the file of authorities cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=settings.authorities or None)
    except (OSError, ssl.SSLError) as error:
        raise bad_params(
            "smtp_ca is no file of certificates", "a PEM file", type(error).__name__,
            [settings.authorities],
        ) from None  # fmt: skip


def log_in(server: smtplib.SMTP, settings: MailSettings) -> None:
    """Say who we are, where there are credentials (exit 2 where they are refused)."""
    user, password = secret("smtp_user"), secret("smtp_password")
    if not user:
        return
    try:
        server.login(user, password)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
        code = getattr(error, "smtp_code", 0)
        server.close()
        if 400 <= code < 500:
            raise NotTaken(f"{settings.place} answered {code} to our name", is_over=True) from None
        raise refused_login(settings, code) from None
    except UnicodeEncodeError:
        server.close()
        raise refused_login(settings, 0) from None


def refused_login(settings: MailSettings, code: int) -> Refusal:
    """That the server does not know us."""
    return bad_params(
        "the mail server does not take our name and password", "those of an account that may send",
        f"answer {code}" if code else "no way to log in that both know", [settings.place],
        ["they are secrets: CHARGEBACK_SMTP_USER and CHARGEBACK_SMTP_PASSWORD, or _FILE with a path",
         "everything else is handed out; run it again"],
    )  # fmt: skip


def no_tls(settings: MailSettings) -> Refusal:
    """That a mail would be read by whoever is on the way."""
    return unreachable(
        "the mail server offers no encryption", "STARTTLS", "none", [settings.place],
        ["nothing was sent: have it offer STARTTLS, or name a port for TLS: smtps://host:465"],
    )  # fmt: skip
