"""Vault and OpenBao: one session of this process, its token short-lived, renewed, and revoked in the end.

In: the settings of the environment. Out: the texts of a secret, and whatever else is asked through the session
(signatures: chargeback/signing/transit.py). What always holds: a token or lease that this process got is
renewed at half of its time for as long as the process runs, and revoked when it ends; a token that somebody
gave is renewed where it can be, and not revoked. A process that is killed leaves a token that soon expires.

KV of version 2 is read at its newest version. What else is mounted at the path is read as it stands: KV of
version 1, or an engine whose answer is leased.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import hvac
import requests
from hvac import exceptions
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from chargeback.core.confidential import keep_secret
from chargeback.secrets.texts import as_texts
from chargeback.secrets.vault_calls import (
    NOT_AS_EXPECTED,
    asking,
    call_refusal,
    expired_token,
    not_signed_in,
)  # fmt: skip
from chargeback.secrets.vault_settings import VaultSettings, check_path, vault_settings

#: Seconds that an answer may take, and the least between two renewals.
PATIENCE_SECONDS = 20
LEAST_WAIT_SECONDS = 1.0

Found = TypeVar("Found")


class VaultSession:
    """Asks one Vault as one identity; may be used from several threads."""

    def __init__(self, settings: VaultSettings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self.leases: dict[
            str, float
        ] = {}  # each with the second of the clock at which it is renewed
        self.renew_at = float("inf")
        self.renewer: threading.Thread | None = None
        http = requests.Session()
        http.mount("https://", HTTPAdapter(max_retries=Retry(2, read=0, backoff_factor=0.3)))
        # Somebody else's address, to which Vault might send us on, gets no token.
        self.client = hvac.Client(
            settings.address, token="", namespace=settings.namespace or None, session=http,
            verify=settings.authority or True, timeout=PATIENCE_SECONDS, allow_redirects=False,
        )  # fmt: skip
        http.verify = settings.authority or True

    def ask(self, action: str, do: Callable[[hvac.Client], Found]) -> Found:
        """Do something as somebody who is signed in.

        Args:
            action: what is asked for, for a refusal.

        Raises:
            Refusal: (exit 6) Vault is not reached, sealed, does not know us, denies it or has no such thing.
        """
        address = self.settings.address
        with self.lock:
            if not self.client.token:
                self._sign_in()
            try:
                return do(self.client)
            except exceptions.Forbidden as error:
                with asking(address, action):
                    known = self._is_known()
                if known:
                    raise call_refusal(error, address, action) from None
            except (exceptions.VaultError, requests.RequestException, *NOT_AS_EXPECTED) as error:
                raise call_refusal(error, address, action) from None
            self._sign_in()  # the token ran out, because this machine slept or its longest time is over
            with asking(address, action):
                return do(self.client)

    def read(self, path: str) -> Any:
        """What the server answers for a path, with its lease kept alive where it has one."""

        def do(client: hvac.Client) -> Any:
            answer = client.adapter.get(f"/v1/{path}")
            if not isinstance(answer, dict):
                raise ValueError("no JSON")
            return answer

        answer = self.ask(f"read {path}", do)
        lease, seconds = answer.get("lease_id"), answer.get("lease_duration") or 0
        if lease:
            with self.lock:
                self.leases[lease] = _half(seconds) if answer.get("renewable") else float("inf")
                self._keep_renewing()
        return answer

    def _sign_in(self) -> None:
        settings, client = self.settings, self.client
        client.token = ""
        if settings.auth == "token":
            client.token = settings.credential
            try:
                with_lookup = client.auth.token.lookup_self()["data"]
            except (exceptions.Forbidden, exceptions.Unauthorized):
                client.token = ""
                raise expired_token(settings.address) from None
            except Exception as error:
                client.token = ""
                raise call_refusal(error, settings.address, "look its token up") from None
            self._renewed(with_lookup.get("ttl") or 0, bool(with_lookup.get("renewable")))
            return
        try:
            auth = self._log_in()["auth"]
        except (exceptions.InvalidRequest, exceptions.Forbidden, exceptions.Unauthorized) as error:
            raise not_signed_in(settings.address, settings.auth, settings.mount, error) from None
        except (exceptions.VaultError, requests.RequestException, *NOT_AS_EXPECTED) as error:
            raise call_refusal(error, settings.address, f"sign in by {settings.auth}") from None
        keep_secret(client.token)
        self._renewed(auth.get("lease_duration") or 0, bool(auth.get("renewable")))

    def _log_in(self) -> Any:
        settings, auth = self.settings, self.client.auth
        if settings.auth == "approle":
            return auth.approle.login(
                settings.role, settings.credential, mount_point=settings.mount
            )
        from chargeback.aws.calls import AwsClients, patience

        own = AwsClients(None, patience()).credentials()
        keep_secret(own.secret_key or "")
        keep_secret(own.token or "")
        return auth.aws.iam_login(
            own.access_key, own.secret_key, own.token, header_value=settings.server_id or None,
            role=settings.role, mount_point=settings.mount,
        )  # fmt: skip

    def _is_known(self) -> bool:
        """Whether our token is one that holds; the policy that every token has lets it be looked up."""
        try:
            self.client.auth.token.lookup_self()
        except exceptions.Forbidden:
            return False
        return True

    def _renewed(self, seconds: int, renewable: bool) -> None:
        self.renew_at = _half(seconds) if renewable and seconds else float("inf")
        self._keep_renewing()

    def _keep_renewing(self) -> None:
        soonest = min(self.renew_at, *self.leases.values(), float("inf"))
        if self.renewer is None and soonest != float("inf"):
            self.renewer = threading.Thread(target=self._renew, name="vault", daemon=True)
            self.renewer.start()

    def _renew(self) -> None:
        """Renew what is due, until the session ends; what cannot be is asked for anew when it is needed."""
        while not self.ended.wait(LEAST_WAIT_SECONDS):
            with self.lock:
                now = time.monotonic()
                if self.ended.is_set() or not self.client.token:
                    continue
                if self.renew_at <= now:
                    self.renew_at = self._renew_token()
                for lease in [one for one, due in self.leases.items() if due <= now]:
                    self.leases[lease] = self._renew_lease(lease)

    def _renew_token(self) -> float:
        with contextlib.suppress(
            exceptions.VaultError, requests.RequestException, *NOT_AS_EXPECTED
        ):
            auth = self.client.auth.token.renew_self()["auth"]
            return _half(auth["lease_duration"])
        return float("inf")

    def _renew_lease(self, lease: str) -> float:
        with contextlib.suppress(
            exceptions.VaultError, requests.RequestException, *NOT_AS_EXPECTED
        ):
            return _half(self.client.sys.renew_lease(lease)["lease_duration"])
        return float("inf")

    def end(self) -> None:
        """Revoke what this process got; a server that does not answer lets it expire."""
        self.ended.set()
        with self.lock:
            if self.client.token:
                for lease in self.leases:
                    with contextlib.suppress(Exception):
                        self.client.sys.revoke_lease(lease)
                if self.settings.auth != "token":
                    with contextlib.suppress(Exception):
                        self.client.auth.token.revoke_self()
            self.client.token = ""
            self.leases.clear()
            self.client.adapter.close()


def _half(seconds: float) -> float:
    """When something that holds for so long from now is renewed."""
    return time.monotonic() + max(LEAST_WAIT_SECONDS, seconds / 2)


_session: VaultSession | None = None
_session_lock = threading.Lock()


def vault_session() -> VaultSession:
    """The session of this process; what it asks first signs it in.

    Raises:
        Refusal: (exit 2) a setting is missing or cannot be used.
    """
    global _session
    with _session_lock:
        settings = vault_settings()
        if _session is not None and _session.settings != settings:
            _session.end()
            _session = None
        if _session is None:
            _session = VaultSession(settings)
            atexit.register(_session.end)
        return _session


def sign_out() -> None:
    """End the session, where there is one."""
    global _session
    with _session_lock:
        if _session is not None:
            _session.end()
            _session = None


def read_texts(path: str) -> Mapping[str, str]:
    """The secrets that one path holds, by name.

    Raises:
        Refusal: (exit 2) this is no path, or it holds no texts; (exit 6) as `VaultSession.ask`.
    """
    place = f"vault:{path}"
    plain = check_path(path, place)
    session = vault_session()
    mounted = session.read(f"sys/internal/ui/mounts/{plain}")["data"]
    mount = str(mounted["path"])
    if (mounted.get("options") or {}).get("version") == "2":
        content = session.read(f"{mount}data/{plain.removeprefix(mount)}")["data"]["data"]
    else:
        content = session.read(plain)["data"]
    return as_texts(content, place)
