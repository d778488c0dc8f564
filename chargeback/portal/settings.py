"""Settings: where the portal is, who signs people in, and how long they stay.

    [portal]                                             in sources.toml
    issuer = "https://login.insurer.example/realms/staff"
    client_id = "showback"
    address = "https://showback.insurer.example/cloud"   as browsers have it; TLS ends at the proxy
    proxies = ["10.0.3.0/24"]                            whose X-Forwarded-* are believed
    listen = "127.0.0.1:8095"
    groups_claim = "groups"                              or "roles", for app roles
    idle_minutes = 30
    session_hours = 8
    sign_ins_a_minute = 120                              from one address
    contact = "cloud-billing@insurer.example"            whom people ask

    CHARGEBACK_PORTAL_LISTEN, CHARGEBACK_PORTAL_PROXIES  say listen and proxies instead, both of them or neither

So params that stand in an image serve wherever the image runs. What always holds: an address without TLS is one
of this machine, and so is then what is listened on; an https address has a proxy that is named, and nothing is
answered that did not come through it by https.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from chargeback.core.errors import Refusal, apart, bad_params, together
from chargeback.params.handout_policy import is_loopback
from chargeback.params.toml_files import read_section, text_list, text_value
from chargeback.secrets import secret

FILE, TABLE = "sources.toml", "portal"
KEYS = (
    "issuer", "client_id", "address", "listen", "groups_claim", "idle_minutes", "session_hours", "proxies",
    "sign_ins_a_minute", "contact",
)  # fmt: skip

SECRET = "portal_client_secret"
LISTEN = "127.0.0.1:8095"

#: What says where the portal runs instead of the file; proxies are apart by commas.
LISTEN_VARIABLE, PROXIES_VARIABLE = "CHARGEBACK_PORTAL_LISTEN", "CHARGEBACK_PORTAL_PROXIES"

#: A path of an address that needs no encoding, so that it is compared as it is written.
PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Limits:
    """What one caller may ask for.

    Args:
        sign_ins_a_minute: sign-ins and answers of the provider, from one address.
        requests_a_minute: of one session.
        logouts_a_minute: of the provider, from one address; it may end everybody's at once.
        body_bytes: of one request.
    """

    sign_ins_a_minute: int = 120
    requests_a_minute: int = 600
    logouts_a_minute: int = 3000
    body_bytes: int = 65_536


@dataclass(frozen=True)
class Settings:
    """How the portal stands in the world.

    Args:
        address: as browsers have it, without a slash at the end.
        host, port: what is listened on.
        issuer: of the provider; blank where one person of this machine looks (chargeback/portal/loopback.py).
        client_secret: blank for a public client.
        proxies: whose X-Forwarded-* are believed.
        idle_seconds, session_seconds: how long somebody stays without, and with, asking for anything.
        contact: whom people ask; blank where nobody is named.
    """

    address: str
    host: str
    port: int
    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    groups_claim: str = "groups"
    proxies: tuple[Network, ...] = ()
    idle_seconds: int = 30 * 60
    session_seconds: int = 8 * 3600
    contact: str = ""
    limits: Limits = Limits()

    @property
    def is_https(self) -> bool:
        """Whether browsers come by TLS."""
        return self.address.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a browser names an origin."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def netloc(self) -> str:
        """Host and port, as a browser asks for them."""
        return urlsplit(self.address).netloc

    @property
    def path(self) -> str:
        """What every path begins with, such as "/cloud"; blank at the top of the host."""
        return urlsplit(self.address).path

    @property
    def callback(self) -> str:
        """Where the provider sends people back to, exactly so."""
        return f"{self.address}/callback"

    @property
    def signed_out(self) -> str:
        """Where the provider sends people who have signed out."""
        return f"{self.address}/signed-out"


def read_settings(params_folder: Path) -> Settings | None:
    """The settings of a params folder; None where it has no [portal].

    Raises:
        Refusal: (exit 2) a key is missing, unknown or malformed; what they say together is not safe; or the
            secret cannot be read.
    """
    section = read_section(params_folder, FILE, TABLE, KEYS)
    if section is None:
        return None
    where, raw = placed(*section)
    with together():
        issuer = read_issuer(where, text_value(where, raw, "issuer"))
        address = read_public_address(where, text_value(where, raw, "address"))
        host, port = read_listen(where, text_value(where, raw, "listen", LISTEN))
        proxies = read_proxies(where, text_list(where, raw, "proxies"))
    made = Settings(
        address, host, port, issuer, text_value(where, raw, "client_id"), secret(SECRET),
        text_value(where, raw, "groups_claim", "groups").strip() or "groups", proxies,
        whole_number(where, raw, "idle_minutes", 30, 24 * 60) * 60,
        whole_number(where, raw, "session_hours", 8, 24) * 3600,
        text_value(where, raw, "contact", ""),
        Limits(whole_number(where, raw, "sign_ins_a_minute", 120, 100_000)),
    )  # fmt: skip
    check_together(where, made)
    return made


def placed(where: str, raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The table of a file, with what the environment says of where the portal runs.

    Raises:
        Refusal: (exit 2) it says half of that. An address of one machine with the proxies of another would
            answer nobody, or believe whoever happens to be there.
    """
    names = (LISTEN_VARIABLE, PROXIES_VARIABLE)
    said = {name: os.environ.get(name, "").strip() for name in names}
    if not any(said.values()):
        return where, raw
    if not all(said.values()):
        raise bad_params(
            "the environment says half of where the portal runs", f"both {' and '.join(names)}, or neither",
            " ".join(name for name in names if said[name]), [where],
            ["the address to listen on, and the proxy that ends TLS before it, belong together"],
        )  # fmt: skip
    proxies = [one.strip() for one in said[PROXIES_VARIABLE].split(",")]
    listen = said[LISTEN_VARIABLE]
    return f"{where}, with {' and '.join(names)}", {**raw, "listen": listen, "proxies": proxies}


def check_together(where: str, settings: Settings) -> None:
    """Refuse settings by which something would be said without TLS to somebody else's machine (exit 2)."""
    if settings.is_https and not settings.proxies:
        raise bad_params(
            "no proxy is named that ends TLS for the portal", 'proxies = ["127.0.0.1"], or its network',
            "none", [where], ["the portal believes what a proxy says of a request only where it is named"],
        )  # fmt: skip
    if not settings.is_https and settings.proxies:
        raise bad_params(
            "the portal has a proxy and an address without https", "the https address of the proxy",
            repr(settings.address), [where],
        )  # fmt: skip
    if not settings.proxies and not is_loopback(settings.host):
        raise bad_params(
            "the portal would listen on a network without TLS", f'listen = "{LISTEN}", or a proxy',
            repr(f"{settings.host}:{settings.port}"), [where],
            ["name the proxy that ends TLS: proxies, and its https address"],
        )  # fmt: skip


def read_issuer(where: str, text: str) -> str:
    """The provider's address, exactly as its tokens have it (exit 2)."""
    parts = split(text)
    if parts is None or not is_safe(parts) or parts.query or parts.fragment:
        raise bad_params(
            "issuer is no address of a provider", "https://… as its tokens name it",
            repr(text.rpartition("@")[2]), [where],
            ["http is for a provider on this machine only"],
        )  # fmt: skip
    return text


def read_public_address(where: str, text: str) -> str:
    """The portal's address, without a slash at the end (exit 2)."""
    parts = split(text)
    path = parts.path.rstrip("/") if parts else ""
    if (
        parts is None
        or not is_safe(parts)
        or parts.query
        or parts.fragment
        or not PATH.fullmatch(path)
        or parts.netloc != parts.netloc.lower()
        or any(one.strip(".") == "" for one in path.split("/")[1:])
    ):
        raise bad_params(
            "address is no address of the portal", "https://showback.insurer.example/cloud", repr(text),
            [where], ["in small letters; http is for 127.0.0.1 and localhost only"],
        )  # fmt: skip
    default = {"https": 443, "http": 80}[parts.scheme]
    netloc = parts.netloc.removesuffix(f":{default}")
    return f"{parts.scheme}://{netloc}{path}"


def split(text: str) -> SplitResult | None:
    """An address in its parts; None where it is none, or has a user."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    clean = text.isascii() and not re.search(r"[\s\\\x00-\x20\x7f]", text)
    return parts if usable and clean and not parts.netloc.endswith(":") else None


def is_safe(parts: SplitResult) -> bool:
    """Whether an address is https, or http on this machine."""
    if parts.scheme == "http":
        return is_loopback(parts.hostname or "")
    return parts.scheme == "https"


def read_listen(where: str, text: str) -> tuple[str, int]:
    """Host and port to listen on (exit 2)."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        host, port = "", None
    if port is None or text not in (f"{host}:{port}", f"[{host}]:{port}"):
        raise bad_params(
            "listen is no address to listen on", f'listen = "{LISTEN}"', repr(text), [where]
        )
    return host, port


def read_proxies(where: str, texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and networks whose X-Forwarded-* are believed (exit 2)."""
    found = []
    for text in texts:
        with apart():
            found.append(network(where, text))
    return tuple(found)


def network(where: str, text: str) -> Network:
    """One address or network; never everybody."""
    refusal: Callable[[str], Refusal] = lambda found: bad_params(  # noqa: E731
        "proxies names no address of a proxy", '"10.0.3.7" or "10.0.3.0/24"', found, [where],
        ["whoever is named there says for everybody else whether a request came by https"],
    )  # fmt: skip
    try:
        made = ipaddress.ip_network(text)
    except ValueError as error:
        raise refusal(f"{text!r}: {error}") from None
    if made.prefixlen == 0:
        raise refusal(f"{text!r}, which is everybody")
    return made


def whole_number(where: str, raw: dict[str, Any], key: str, default: int, most: int) -> int:
    """A number of a key, between 1 and a limit (exit 2)."""
    found = raw.get(key, default)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
        raise bad_params(
            f"{key} is not usable", f"a whole number, 1 to {most}", repr(found), [where]
        )
    return found
