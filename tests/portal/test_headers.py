"""What every answer carries, whoever gives it and however it went."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re

import pytest

from chargeback.portal.headers import content_policy, digest_of
from chargeback.portal.loopback import resident_of
from chargeback.portal.plain_page import plain_page
from tests.portal.opened import Opened

CARRIED = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def test_every_answer_carries_them():
    resident = resident_of(["finops-claims"])
    opened = Opened(resident=resident)
    browser = opened.browser()
    stranger = opened.browser()
    browser.get(f"/start?token={resident.token}")
    answers = [
        browser.get("/"), browser.get("/unit/claims"), browser.get("/nowhere"), browser.get("/broken"),
        browser.post("/answer"), browser.post("/answer", content="x" * 70_000), stranger.get("/"),
        stranger.get("/start"), stranger.get("/health"), stranger.get("/", headers={"host": "evil.example"}),
    ]  # fmt: skip
    statuses = [one.status_code for one in answers]
    assert statuses == [200, 200, 404, 500, 403, 413, 401, 401, 200, 400]
    for one in answers:
        assert CARRIED.items() <= dict(one.headers).items(), one.request.url
        assert "frame-ancestors 'none'" in one.headers["content-security-policy"]
        assert "default-src 'none'" in one.headers["content-security-policy"]
        assert "camera=()" in one.headers["permissions-policy"]
        assert "server" not in one.headers
        assert "strict-transport-security" not in one.headers, "there is no TLS on this machine"


def test_after_tls_a_browser_is_told_to_keep_to_it():
    opened = Opened(
        address="https://showback.insurer.example", proxies=(ipaddress.ip_network("10.0.3.9"),)
    )
    answer = opened.browser("10.0.3.9").get("/signed-out", headers={"x-forwarded-proto": "https"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_policy_names_the_styles_and_scripts_of_a_page_and_no_others():
    content = "<style>p{}</style><script>1</script><style media='print'>a{}</style>"
    script = "1"
    policy = content_policy(content, [digest_of(script)])

    def said(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert f"script-src {said('1')};" in policy
    assert f"style-src {said('p{}')} {said('a{}')};" in policy
    assert "unsafe-inline" not in policy
    assert "script-src" not in content_policy(content)
    assert "style-src-attr 'unsafe-inline'" in content_policy(content, style_attributes=True)


def test_a_page_of_the_door_is_allowed_by_its_own_policy_and_asks_for_nothing():
    answer = plain_page("Heading", ["<script>alert(1)</script>"], code="two\nlines")
    text = bytes(answer.body).decode()
    for style in re.findall("<style>(.*?)</style>", text, re.DOTALL):
        assert digest_of(style) in answer.headers["content-security-policy"]
    assert "<script" not in text
    assert " style=" not in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)


@pytest.mark.parametrize("way", ["javascript:alert(1)", '"><img src=x>'])
def test_what_somebody_is_called_is_text(way: str):
    text = bytes(plain_page(way, [way]).body).decode()
    assert "<img" not in text
