"""Forms count where somebody sent them from a page of their own session, and nowhere else."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from chargeback.portal.loopback import Resident, resident_of
from tests.portal.opened import ADDRESS, Opened

FORM = "application/x-www-form-urlencoded"


def come_in(opened: Opened, resident: Resident) -> TestClient:
    browser = opened.browser()
    assert browser.get(f"/start?token={resident.token}").status_code == 303
    return browser


@pytest.fixture
def resident() -> Resident:
    return resident_of(["finops-claims"])


@pytest.fixture
def opened(resident: Resident) -> Opened:
    return Opened(resident=resident)


@pytest.fixture
def browser(opened: Opened, resident: Resident) -> TestClient:
    return come_in(opened, resident)


def test_a_form_of_ones_own_is_taken(opened: Opened, browser: TestClient):
    fields = {"form_token": opened.form_token(browser), "note": "that is ours"}
    for headers in ({"origin": ADDRESS}, {"sec-fetch-site": "same-origin"},
                    {"origin": ADDRESS, "sec-fetch-site": "same-origin"}):  # fmt: skip
        answer = browser.post("/answer", data=fields, headers=headers)
        assert answer.json() == {"note": "that is ours"}
    answer = browser.post("/answer", files={name: (None, text) for name, text in fields.items()},
                          headers={"origin": ADDRESS})  # fmt: skip
    assert answer.json() == {"note": "that is ours"}, "also as multipart"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8096"},
        {"origin": "https://127.0.0.1:8095"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": ADDRESS, "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_form_from_elsewhere_is_not(opened: Opened, browser: TestClient, headers: dict[str, str]):
    fields = {"form_token": opened.form_token(browser), "note": "x"}
    assert browser.post("/answer", data=fields, headers=headers).status_code == 403


def test_a_form_without_the_token_of_its_own_session_is_not(
    opened: Opened, browser: TestClient, resident: Resident
):
    other = opened.form_token(come_in(opened, resident))
    own = opened.form_token(browser)
    assert own != other
    for token in ("", other, own[:-1], own + "x", "ä", "\x00"):
        answer = opened.post(browser, "/answer", data={"form_token": token, "note": "x"})
        assert answer.status_code == 403
    assert opened.post(browser, "/answer", data={"note": "x"}).status_code == 403


@pytest.mark.parametrize("encoding", ["text/plain", "application/json", "", "application/xml"])
def test_what_is_no_form_is_not(opened: Opened, browser: TestClient, encoding: str):
    content = f"form_token={opened.form_token(browser)}&note=x"
    answer = browser.post(
        "/answer", content=content, headers={"origin": ADDRESS, "content-type": encoding}
    )
    assert answer.status_code == 403


def test_a_file_is_not_taken(opened: Opened, browser: TestClient):
    fields = {"form_token": opened.form_token(browser), "note": "x"}
    answer = opened.post(browser, "/answer", data=fields, files={"file": ("a.txt", b"x")})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "content",
    [b"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx", b"\xff\xfe", b"--b", b""],
)  # fmt: skip
def test_what_is_broken_is_answered_and_not_a_defect(
    opened: Opened, browser: TestClient, content: bytes
):
    for encoding in (
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        FORM,
        "multipart/form-data; boundary=",
    ):
        headers = {"origin": ADDRESS, "content-type": encoding}
        assert browser.post("/answer", content=content, headers=headers).status_code in (400, 403)
    assert not [line for line in opened.log if "defect" in line]


def test_nobody_is_signed_out_from_elsewhere(opened: Opened, browser: TestClient):
    fields = {"form_token": opened.form_token(browser)}
    assert (
        browser.post(
            "/sign-out", data=fields, headers={"origin": "https://evil.example"}
        ).status_code
        == 403
    )
    assert browser.get("/sign-out").status_code == 404
    assert browser.get("/").status_code == 200
    assert opened.post(browser, "/sign-out", data=fields).status_code == 303
    assert browser.get("/").status_code == 401
