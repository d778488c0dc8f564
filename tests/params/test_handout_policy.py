"""How delivery.toml has a period handed out, and budgets.csv: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.core.errors import Refusal
from chargeback.delivery.mail_settings import read_mail_settings
from chargeback.params import read_params
from chargeback.params.delivery import read_delivery
from chargeback.params.handout_policy import HandoutPolicy
from tests.params_folder import write_params

CONTACT = (
    '[[contact]]\nbusiness_unit_id = "shop"\nto = ["ann@example.com"]\nvalid_from = "2026-01"\n'
)


def written(folder: Path, text: str, name: str = "delivery.toml") -> Path:
    """A params folder with this file."""
    write_params(folder)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def policy_of(folder: Path, text: str, period: str = "2026-05") -> HandoutPolicy:
    """What delivery.toml says of a period."""
    return read_delivery(written(folder, text), period).handout


def test_nothing_is_said_without_the_file(tmp_path):
    assert read_delivery(write_params(tmp_path), "2026-05").handout == HandoutPolicy()


def test_contacts_are_dated(tmp_path):
    text = (
        '[[contact]]\nbusiness_unit_id = "shop"\nto = ["old@example.com"]\n'
        'valid_from = "2026-01"\nvalid_to = "2026-04"\n'
        '[[contact]]\nbusiness_unit_id = "shop"\nto = ["new@example.com"]\nattach = ["pdf", "pdf"]\n'
        'valid_from = "2026-05"\n'
    )
    assert policy_of(tmp_path / "a", text, "2026-04").contacts["shop"].to == ("old@example.com",)
    now = policy_of(tmp_path / "b", text).contacts["shop"]
    assert (now.to, now.attach) == (("new@example.com",), ("pdf",))


def test_a_link_has_period_and_unit_in_it(tmp_path):
    found = policy_of(
        tmp_path, '[handout]\nlink = "https://x.example/{period}?u={business_unit_id}"\n'
    )
    assert found.link_of("2026-05", "shop") == "https://x.example/2026-05?u=shop"


LINKS = [
    "http://portal.example/{period}", "https://portal.example/{unit}", "https://portal.example/{period!r}",
    "https://portal.example/{period.__class__}", "https://portal.example/{0}", "https://portal.example/{",
    "https://{business_unit_id}.example/", "https://user:secret@portal.example/", "javascript:alert(1)",
    "https://portal.example/a b", 'https://portal.example/\\"x', "//portal.example/x", "https://",
    "https://portal.example/\\nBcc: x@y", "file:///etc/passwd", "https://portal.example:x/",
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_could_lead_elsewhere_is_refused(tmp_path, link):
    with pytest.raises(Refusal) as stopped:
        policy_of(tmp_path, f'[handout]\nlink = "{link}"\n')
    assert stopped.value.exit_code == 2 and stopped.value.what.startswith("link ")


@pytest.mark.parametrize(
    "link", ["http://localhost:8080/{period}", "http://127.0.0.1/x", "https://h.example/x"]
)
def test_a_link_may_lead_to_this_machine_without_tls(tmp_path, link):
    assert policy_of(tmp_path, f'[handout]\nlink = "{link}"\n').link == link


ADDRESSES = [
    "ann", "ann@", "@example.com", "a@b@c", "Ann <ann@example.com>", "ann@example.com, bob@example.com",
    "ann@example.com\\nBcc: all@example.com", "ann@example.com\\r\\n", "ann @example.com", "änn@example.com",
    '\\"a b\\"@example.com', "a..b@example.com", "ann@-x.example", "ann@[127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", ["to", "cc"])
def test_what_is_no_address_is_refused(tmp_path, address, key):
    text = CONTACT if key == "cc" else CONTACT.replace('to = ["ann@example.com"]\n', "")
    with pytest.raises(Refusal) as stopped:
        policy_of(tmp_path, text.replace("valid_from", f'{key} = ["{address}"]\nvalid_from'))
    assert stopped.value.what == f"{key} has something that is no mail address"
    assert "delivery.toml line 1, contact 1 (shop)" in stopped.value.where[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (CONTACT.replace('["ann@example.com"]', "[]"), "a contact has no address"),
        (CONTACT + 'attach = ["xlsx"]\n', "a mail cannot bring this along"),
        (CONTACT + 'bcc = ["x@example.com"]\n', "unknown key 'bcc'"),
        ('[handout]\nlonk = "x"\n', "unknown key 'lonk'"),
        ('[mail]\nreply_to = "nobody"\n', "reply_to has something that is no mail address"),
        ('[mail]\nask = "a\\nBcc: b"\n', "ask must be one line of text"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, text, what):
    with pytest.raises(Refusal) as stopped:
        policy_of(tmp_path, text)
    assert stopped.value.what == what and stopped.value.exit_code == 2


def test_a_contact_of_an_unknown_unit_is_refused(tmp_path):
    folder = written(tmp_path, CONTACT.replace('"shop"', '"shap"'))
    with pytest.raises(Refusal) as stopped:
        read_params(folder, "2026-05")
    assert stopped.value.what == "a contact is of an unknown business unit"
    assert "did you mean 'shop'?" in stopped.value.todo


BUDGET = "period,cost_center_id,amount,approved_by\n"


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("2026-13,CC-1,1.00,CFO", "a budget is of no month or year"),
        ("26,CC-1,1.00,CFO", "a budget is of no month or year"),
        ("2026,CC-1,-1.00,CFO", "a budget is negative"),
        ("2026,CC-1,1.001,CFO", "amount has more than 2 decimals"),
        ("2026,CC-1,1.00,", "a budget lacks its approved_by"),
        ("2026,CC-7,1.00,CFO", "budgets.csv names an unknown cost center"),
        ("2026,CC-1,1.00,CFO\n2026,CC-1,2.00,CFO", "budgets.csv has two rows for 2026 CC-1"),
        ('2026,CC-1,"1,234.00",CFO', "amount is not a plain decimal number"),
        ("2025,CC-1,1.00,CFO", "a budget is of a cost center that is not in force then"),
        ("2025-12,CC-1,1.00,CFO", "a budget is of a cost center that is not in force then"),
        (
            "2026,CC-1,1.00,CFO\n2026-07,CC-1,1.01,CFO",
            "the budgets of months contradict that of their year",
        ),
        (
            "2027,CC-1,13.00,CFO\n"
            + "\n".join(f"2027-{month:02d},CC-1,1.00,CFO" for month in range(1, 13)),
            "the budgets of months contradict that of their year",
        ),
    ],
)
def test_a_budget_that_cannot_be_is_refused(tmp_path, row, what):
    folder = written(tmp_path, f"{BUDGET}{row}\n", "budgets.csv")
    with pytest.raises(Refusal) as stopped:
        read_params(folder, "2026-05")
    assert stopped.value.what == what


@pytest.mark.parametrize(
    ("address", "host", "port", "is_tls"),
    [
        ("smtp://mail.example", "mail.example", 587, False),
        ("smtp://mail.example:25/", "mail.example", 25, False),
        ("smtps://mail.example", "mail.example", 465, True),
        ("smtp://[::1]:2525", "::1", 2525, False),
    ],
)
def test_a_mail_server_is_named_by_its_address(tmp_path, address, host, port, is_tls):
    folder = written(tmp_path, f'smtp = "{address}"\nsmtp_from = "a@b.example"\n', "sources.toml")
    found = read_mail_settings(folder)
    assert (found.host, found.port, found.is_tls) == (host, port, is_tls)


@pytest.mark.parametrize(
    "address",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://u:secret-7@mail.example",
        "smtp://h:x",
        "smtp://h/x",
    ],
)
def test_what_is_no_mail_server_is_refused_and_its_password_not_shown(tmp_path, address):
    folder = written(tmp_path, f'smtp = "{address}"\nsmtp_from = "a@b.example"\n', "sources.toml")
    with pytest.raises(Refusal) as stopped:
        read_mail_settings(folder)
    assert stopped.value.what == "smtp is no address of a mail server"
    assert "secret-7" not in stopped.value.block()


def test_a_mail_server_needs_a_sender(tmp_path):
    folder = written(tmp_path, 'smtp = "smtp://mail.example"\n', "sources.toml")
    with pytest.raises(Refusal) as stopped:
        read_mail_settings(folder)
    assert stopped.value.what == "nobody is named to send mail from"
