"""[portal] of sources.toml: what is not safe together is refused, by the file, the key and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.portal.settings import Settings, read_settings

GOOD = {
    "issuer": '"https://login.insurer.example/realms/staff"',
    "client_id": '"showback"',
    "address": '"https://showback.insurer.example/cloud"',
    "proxies": '["10.0.3.0/24"]',
}
LOCAL = {
    **GOOD,
    "issuer": '"http://127.0.0.1:9000"',
    "address": '"http://127.0.0.1:8095"',
    "proxies": "[]",
}


def read(folder: Path, **changed: str | None) -> Settings | None:
    """The settings of a file; keys that are None are left out, those of `base` come first."""
    lines = [f"{name} = {text}" for name, text in {**GOOD, **changed}.items() if text is not None]
    (folder / "sources.toml").write_text("\n".join(["[portal]", *lines, ""]))
    return read_settings(folder)


def test_without_the_table_there_are_no_settings(tmp_path: Path):
    assert read_settings(tmp_path) is None
    (tmp_path / "sources.toml").write_text('cur = "sample"\n')
    assert read_settings(tmp_path) is None


def test_what_is_not_said_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHARGEBACK_PORTAL_CLIENT_SECRET", "a long secret")
    found = read(tmp_path)
    assert found is not None
    assert (found.host, found.port) == ("127.0.0.1", 8095)
    assert (found.groups_claim, found.idle_seconds, found.session_seconds) == (
        "groups",
        1800,
        28_800,
    )
    assert found.callback == "https://showback.insurer.example/cloud/callback"
    assert found.signed_out == "https://showback.insurer.example/cloud/signed-out"
    assert (found.origin, found.path) == ("https://showback.insurer.example", "/cloud")
    assert found.client_secret == "a long secret"
    assert "a long secret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("https://showback.insurer.example/", "https://showback.insurer.example"),
        ("https://showback.insurer.example:443/a/b/", "https://showback.insurer.example/a/b"),
        ("https://showback.insurer.example:8443", "https://showback.insurer.example:8443"),
    ],
)
def test_an_address_is_read_as_browsers_have_it(tmp_path: Path, text: str, read_as: str):
    found = read(tmp_path, address=f'"{text}"')
    assert found is not None
    assert found.address == read_as


def test_on_this_machine_http_will_do(tmp_path: Path):
    for host in ("127.0.0.1:8095", "localhost:8095", "[::1]:8095"):
        found = read(tmp_path, **{**LOCAL, "address": f'"http://{host}"'})
        assert found is not None
        assert not found.is_https


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": None}, "the key 'issuer' is missing"),
        ({"client_id": None}, "the key 'client_id' is missing"),
        ({"address": None}, "the key 'address' is missing"),
        ({"issuer": '"http://login.insurer.example"'}, "issuer is no address of a provider"),
        ({"issuer": '"https://me:secret@login.insurer.example"'}, "issuer is no address"),
        ({"issuer": '"https://login.insurer.example?x=1"'}, "issuer is no address"),
        ({"issuer": '"login.insurer.example"'}, "issuer is no address"),
        ({"issuer": '"https://login insurer"'}, "issuer is no address"),
        ({"address": '"http://showback.insurer.example"'}, "address is no address of the portal"),
        ({"address": '"https://showback.insurer.example/a?b"'}, "address is no address"),
        ({"address": '"https://showback.insurer.example/a/../b"'}, "address is no address"),
        ({"address": '"https://showback.insurer.example/a b"'}, "address is no address"),
        ({"address": '"https://Showback.insurer.example"'}, "address is no address"),
        ({"address": '"https://showback.insurer.example:port"'}, "address is no address"),
        ({"address": '"https://"'}, "address is no address"),
        ({"proxies": None}, "no proxy is named that ends TLS"),
        ({"proxies": "[]"}, "no proxy is named that ends TLS"),
        ({"proxies": '["0.0.0.0/0"]'}, "proxies names no address"),
        ({"proxies": '["::/0"]'}, "proxies names no address"),
        ({"proxies": '["proxy.insurer.example"]'}, "proxies names no address"),
        ({"proxies": '["10.0.3.1/24"]'}, "proxies names no address"),
        ({"proxies": '"10.0.3.1"'}, "proxies must be a list of texts"),
        ({"listen": '"8095"'}, "listen is no address"),
        ({"listen": '"host.example:8095"'}, "listen is no address"),
        ({"listen": '"127.0.0.1"'}, "listen is no address"),
        ({"listen": '"127.0.0.1:99999"'}, "listen is no address"),
        ({"listen": '"user@127.0.0.1:8095"'}, "listen is no address"),
        ({"idle_minutes": "0"}, "idle_minutes is not usable"),
        ({"idle_minutes": "true"}, "idle_minutes is not usable"),
        ({"idle_minutes": '"30"'}, "idle_minutes is not usable"),
        ({"session_hours": "25"}, "session_hours is not usable"),
        ({"session_hours": "1.5"}, "session_hours is not usable"),
        ({"ilde_minutes": "30"}, "unknown key 'ilde_minutes'"),
        ({"client_secret": '"x"'}, "unknown key 'client_secret'"),
        ({**LOCAL, "listen": '"0.0.0.0:8095"'}, "would listen on a network without TLS"),
        ({**LOCAL, "listen": '"10.0.0.5:8095"'}, "would listen on a network without TLS"),
        ({**LOCAL, "proxies": '["127.0.0.1"]'}, "a proxy and an address without https"),
    ],
)
def test_what_is_not_safe_is_refused(tmp_path: Path, changed: dict[str, str | None], words: str):
    with pytest.raises(Refusal, match=words) as refused:
        read(tmp_path, **changed)
    assert refused.value.exit_code == BAD_USAGE
    assert "sources.toml" in refused.value.where[0]


def test_behind_a_proxy_it_may_listen_on_a_network(tmp_path: Path):
    found = read(tmp_path, listen='"0.0.0.0:8095"')
    assert found is not None
    assert found.host == "0.0.0.0"
    found = read(tmp_path, listen='"[::]:8095"')
    assert found is not None
    assert found.host == "::"


PLACE = ("CHARGEBACK_PORTAL_LISTEN", "CHARGEBACK_PORTAL_PROXIES")


def test_where_it_runs_is_said_by_the_environment_instead_of_the_file(tmp_path, monkeypatch):
    for name, text in zip(PLACE, ("0.0.0.0:8095", "10.0.3.0/24, 10.0.4.0/24"), strict=True):
        monkeypatch.setenv(name, text)
    for proxies in ('["127.0.0.1"]', None):
        found = read(tmp_path, listen='"127.0.0.1:9000"', proxies=proxies)
        assert found is not None
        assert (found.host, found.port) == ("0.0.0.0", 8095)
        assert list(map(str, found.proxies)) == ["10.0.3.0/24", "10.0.4.0/24"]
    monkeypatch.setenv(PLACE[0], "")
    monkeypatch.setenv(PLACE[1], " ")
    found = read(tmp_path)
    assert found is not None
    assert (found.host, list(map(str, found.proxies))) == ("127.0.0.1", ["10.0.3.0/24"])


@pytest.mark.parametrize(
    ("listen", "proxies", "changed", "words"),
    [
        ("0.0.0.0:8095", "", {}, "says half of where the portal runs"),
        ("", "10.0.3.0/24", {}, "says half of where the portal runs"),
        ("0.0.0.0:8095", "0.0.0.0/0", {}, "proxies names no address"),
        ("0.0.0.0:8095", "10.0.3.0/24,", {}, "proxies names no address"),
        ("8095", "10.0.3.0/24", {}, "listen is no address"),
        ("0.0.0.0:8095", "10.0.3.0/24", LOCAL, "a proxy and an address without https"),
    ],
)
def test_what_the_environment_says_is_held_to_the_same(
    tmp_path, monkeypatch, listen, proxies, changed, words
):
    for name, text in zip(PLACE, (listen, proxies), strict=True):
        monkeypatch.setenv(name, text)
    with pytest.raises(Refusal, match=words) as refused:
        read(tmp_path, **changed)
    assert refused.value.exit_code == BAD_USAGE
    assert "sources.toml" in refused.value.where[0]
