"""Headers: what every answer of the portal carries, and which scripts and styles a page may have.

What always holds: an answer says that nothing is kept of it, that no other page may frame or read it, and that
a browser loads and runs for it what this server names, and nothing else; a script runs only where whoever made
the page names its digest. An answer that says nothing of its own content gets the strictest policy.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "content-security-policy"

#: For whatever is no page: nothing is loaded, nothing runs.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#: What every answer says, whoever gives it.
ALWAYS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that, a browser hides from us where our own forms come from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(
        f"{one}=()"
        for one in (
            "accelerometer", "autoplay", "camera", "clipboard-read", "display-capture", "fullscreen",
            "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb",
        )
    ),
    "x-robots-tag": "noindex, nofollow",
}  # fmt: skip

#: Only after TLS; of this host alone, for others below it are not ours.
STRICT_TRANSPORT = ("strict-transport-security", "max-age=31536000")

_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)


def digest_of(text: str) -> str:
    """How a policy names a script or style that stands in a page.

    >>> digest_of("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(
    content: str, scripts: Sequence[str] = (), style_attributes: bool = False
) -> str:
    """The policy of a page whose styles stand in it.

    Args:
        scripts: the digests (`digest_of`) of the scripts that may run.
        style_attributes: whether elements may say their own style, as figures of Quarto's pages do.
    """
    styles = dict.fromkeys(digest_of(one) for one in _STYLE.findall(content))
    return "; ".join(
        (
            "default-src 'none'",
            *([f"script-src {' '.join(scripts)}"] if scripts else []),
            *([f"style-src {' '.join(styles)}"] if styles else []),
            *(["style-src-attr 'unsafe-inline'"] if style_attributes else []),
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def page(
    content: str, scripts: Sequence[str] = (), status: int = 200, style_attributes: bool = False
) -> HTMLResponse:
    """A page as an answer; see `content_policy`."""
    return HTMLResponse(
        content, status, {POLICY: content_policy(content, scripts, style_attributes)}
    )


class SafeAnswers:
    """Puts on every answer what all of them carry."""

    def __init__(self, app: ASGIApp, is_https: bool) -> None:
        self.app = app
        self.always = dict([*ALWAYS.items(), *([STRICT_TRANSPORT] if is_https else [])])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.always.items():
                    headers[name] = value
                headers.setdefault(POLICY, NOTHING)
                del headers["server"]
            await send(message)

        await self.app(scope, receive, send_safe)
