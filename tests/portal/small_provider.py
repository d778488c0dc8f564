"""A small identity provider of these tests: it signs whatever a test tells it to, by real keys, over HTTP."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}, private=True)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"}, private=True)

Claims = dict[str, Any]


class SmallProvider:
    """A provider on a free port of this machine.

    Args:
        change: makes of the claims of an id token those that are sent.
    """

    def __init__(self, client_id: str = "showback") -> None:
        self.client_id = client_id
        self.keys = [KEY]
        self.key, self.change = KEY, lambda claims: claims
        self.person: Claims = {"sub": "u-1", "name": "Dana Whitfield", "groups": ["finops-claims"]}
        self.answers: dict[str, Callable[[], tuple[int, Any]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self.answer({name: values[0] for name, values in parse_qs(body).items()})

            def answer(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                provider.asked.append((path, form))
                status, content = provider.answer(path, form)
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """What is answered at a path: what a test says, else what a good provider does."""
        if path in self.answers:
            return self.answers[path]()
        if path == "/.well-known/openid-configuration":
            return 200, self.discovery()
        if path == "/keys":
            return 200, {"keys": [one.as_dict(private=False) for one in self.keys]}
        if path == "/token":
            return self.token(form)
        return 404, {"error": "not_found"}

    def discovery(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        }

    def sign_in(self, address: str) -> dict[str, str]:
        """What a browser that was sent to an address brings back: state and code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"state": asked["state"], "code": code}

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        verifier = sha256(form["code_verifier"].encode()).digest()
        if urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        claims = self.change(self.claims(asked["nonce"]))
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self.signed(claims)}

    def claims(self, nonce: str) -> Claims:
        now = int(time.time())
        return {
            "iss": self.issuer, "aud": self.client_id, "exp": now + 300, "iat": now, "nonce": nonce,
            **self.person,
        }  # fmt: skip

    def signed(self, claims: Claims, **header: Any) -> str:
        """Claims, signed with the provider's key."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)
