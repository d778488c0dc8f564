"""Signatures by keys that never leave their place: a real OpenBao's transit engine, and KMS as moto has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_public_key,
    load_pem_public_key,
)

from chargeback.cli import main
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.paths import ROOT
from chargeback.secrets import give_back
from chargeback.signing import Signer
from chargeback.signing.cms import check_detached, sign_detached
from chargeback.signing.pades import sign_pdf
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import (
    KEY_VARIABLE,
    SigningKey,
    find_signer,
    longest_signature,
    signing_key,
)
from tests.close.months import MAY, write_month
from tests.programs import program
from tests.secrets.conftest import aws
from tests.secrets.door import Door
from tests.secrets.openbao import ROOT_TOKEN, bao_program
from tests.signing.key_files import authority, certificate, rsa_key
from tests.signing.pdfs import small_pdf
from tests.verify.books import close_small

CERTIFICATE_VARIABLE = "CHARGEBACK_SIGNING_CERTIFICATE"
CONTENT = b'{"billing_period": "2026-05"}\n'
ABOVE = authority()

SIGNS = """
path "transit/keys/{0}" {{ capabilities = ["read"] }}
path "transit/sign/{0}/sha2-256" {{ capabilities = ["update"] }}
"""

TRANSIT = {
    "RSA-2048": "rsa-2048",
    "RSA-3072": "rsa-3072",
    "P-256": "ecdsa-p256",
    "P-384": "ecdsa-p384",
}
KMS = {"RSA": "RSA_2048", "P-256": "ECC_NIST_P256"}


def certified(public, name: str = "Example Health Finance", **options) -> bytes:
    """The certificate of a public key by the authority of these tests, and the authority's own, in PEM."""
    own = certificate(SimpleNamespace(public_key=lambda: public), name, issuer=ABOVE, **options)
    return own.public_bytes(Encoding.PEM) + ABOVE[0].public_bytes(Encoding.PEM)


@pytest.fixture
def transit(bao, monkeypatch, tmp_path) -> Callable[..., bytes]:
    """Makes a key of a kind in the transit engine, and names it and its certificate; returns the latter."""

    def make(kind: str = "ecdsa-p256", public=None) -> bytes:
        name = f"key-{tmp_path.name}-{kind}".replace("_", "-")
        bao.root.secrets.transit.create_key(name, key_type=kind)
        kept = bao.root.secrets.transit.read_key(name)["data"]["keys"]["1"]
        public = public or load_pem_public_key(kept["public_key"].encode())
        for variable, text in bao.role(SIGNS.format(name)).items():
            monkeypatch.setenv(variable, text)
        return named_with(f"vault:transit/{name}", certified(public), monkeypatch, tmp_path)

    return make


@pytest.fixture
def kms(moto, monkeypatch, tmp_path) -> Callable[..., bytes]:
    """The same in KMS."""

    def make(kind: str = "ECC_NIST_P256", public=None) -> bytes:
        made = aws("kms").create_key(KeySpec=kind, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        content = aws("kms").get_public_key(KeyId=made["KeyId"])["PublicKey"]
        public = public or load_der_public_key(content)
        return named_with(f"kms:{made['Arn']}", certified(public), monkeypatch, tmp_path)

    return make


def named_with(key: str, content: bytes, monkeypatch, folder) -> bytes:
    path = folder / "certificate.pem"
    path.write_bytes(content)
    monkeypatch.setenv(KEY_VARIABLE, key)
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(path))
    return content


@pytest.fixture(params=[*(f"transit {one}" for one in TRANSIT), *(f"kms {one}" for one in KMS)])
def elsewhere(request) -> SigningKey:
    """A key of each kind that signs."""
    place, _, kind = request.param.partition(" ")
    make = request.getfixturevalue(place)
    make((TRANSIT if place == "transit" else KMS)[kind])
    return signing_key(Books(ROOT / "no-books"))


def test_openssl_and_pdfsig_find_its_signatures_valid(elsewhere, tmp_path):
    openssl, pdfsig = program("openssl"), program("pdfsig")
    signature = sign_detached(CONTENT, elsewhere)
    (tmp_path / "manifest.json").write_bytes(CONTENT)
    (tmp_path / "manifest.json.p7s").write_bytes(signature)
    (tmp_path / "authority.pem").write_bytes(ABOVE[0].public_bytes(Encoding.PEM))
    verified = subprocess.run(
        [openssl, "cms", "-verify", "-inform", "DER", "-binary", "-in", "manifest.json.p7s",
         "-content", "manifest.json", "-CAfile", "authority.pem", "-out", "/dev/null"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr
    assert check_detached(signature).certificate == elsewhere.certificate

    rendered = small_pdf("Statement of shop, 80.00")
    signed = sign_pdf(rendered, elsewhere, "Statement of AWS charges")
    assert check_pdf(signed, len(rendered)).certificate == elsewhere.certificate
    (tmp_path / "statement.pdf").write_bytes(signed)
    said = subprocess.run(
        [pdfsig, "statement.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    assert "Signature is Valid." in said and "Total document signed" in said


def test_it_is_asked_once_for_a_pdf(elsewhere, monkeypatch):
    asked = []
    sign = type(elsewhere.private_key).sign
    monkeypatch.setattr(
        type(elsewhere.private_key), "sign",
        lambda self, content: asked.append(content) or sign(self, content),
    )  # fmt: skip
    sign_pdf(small_pdf("80.00"), elsewhere, "Statement of AWS charges")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("public", "most"),
    [(rsa_key().public_key(), 256), (rsa_key(3072).public_key(), 384),
     (ec.generate_private_key(ec.SECP256R1()).public_key(), 72),
     (ec.generate_private_key(ec.SECP384R1()).public_key(), 104),
     (ec.generate_private_key(ec.SECP521R1()).public_key(), 139)],
)  # fmt: skip
def test_the_room_that_is_kept_for_a_signature_is_its_longest(public, most):
    """A number of 32 bytes whose first bit is set takes 33, and 2 for kind and length: 2 x 35 + 2 are 72."""
    assert longest_signature(public) == most


def test_who_signs_is_known_from_the_certificate(elsewhere, tmp_path):
    expected = Signer("CN=Example Health Finance,O=Example Health", False)
    assert find_signer(Books(tmp_path / "books")) == expected
    assert elsewhere.above == (ABOVE[0],)


def test_the_key_itself_cannot_be_read(transit, bao, monkeypatch):
    """Not even by the root of the server, which is not what the program is."""
    transit()
    name = os.environ[KEY_VARIABLE].rpartition("/")[2]
    with pytest.raises(Exception, match="not exportable"):
        bao.root.secrets.transit.export_key(name, "signing-key")


@pytest.mark.parametrize("place", ["transit", "kms"])
def test_a_certificate_of_another_key_is_refused_before_anything_runs(
    place, request, tmp_path, monkeypatch, capsys
):
    month = write_month(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    request.getfixturevalue(place)(public=other)
    monkeypatch.setattr(stages, "run_stage_notebook", pytest.fail)
    assert main(["monthly-close", MAY, *month.options]) == BAD_USAGE
    refused = capsys.readouterr().err
    assert refused.startswith("STOPPED  the signing certificate does not belong to this key")
    assert not month.books.root.exists()


@pytest.mark.parametrize("place", ["transit", "kms"])
def test_a_key_without_a_certificate_is_refused(place, request, monkeypatch, tmp_path):
    request.getfixturevalue(place)()
    monkeypatch.delenv(CERTIFICATE_VARIABLE)
    with pytest.raises(Refusal, match="the signing key has no certificate") as refused:
        find_signer(Books(tmp_path))
    assert refused.value.exit_code == BAD_USAGE


def test_the_certificate_may_be_among_the_secrets(transit, bao, monkeypatch, tmp_path):
    content = transit()
    bao.root.secrets.kv.v2.create_or_update_secret(
        "signing", {"signing_certificate": content.decode()}
    )
    monkeypatch.delenv(CERTIFICATE_VARIABLE)
    monkeypatch.setenv("CHARGEBACK_SECRETS", "vault:secret/signing")
    monkeypatch.setenv("CHARGEBACK_VAULT_AUTH", "token")
    monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
    assert find_signer(Books(tmp_path)).name == "CN=Example Health Finance,O=Example Health"


def test_a_certificate_that_cannot_be_read_is_refused(transit, tmp_path, monkeypatch):
    transit()
    for content in (b"", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"):
        (tmp_path / "certificate.pem").write_bytes(content)
        with pytest.raises(Refusal, match="the signing certificate cannot be read"):
            find_signer(Books(tmp_path))


def test_a_rotated_key_signs_with_the_version_of_its_certificate(
    transit, bao, monkeypatch, tmp_path
):
    transit("rsa-2048")
    name = os.environ[KEY_VARIABLE].rpartition("/")[2]
    bao.root.secrets.transit.rotate_key(name)
    found = signing_key(Books(tmp_path))
    assert check_detached(sign_detached(CONTENT, found)).certificate == found.certificate
    newer = bao.root.secrets.transit.read_key(name)["data"]["keys"]["2"]["public_key"]
    (tmp_path / "certificate.pem").write_bytes(
        certified(load_pem_public_key(newer.encode()), "Newer")
    )
    found = signing_key(Books(tmp_path))
    assert found.signer.name.startswith("CN=Newer")
    assert check_detached(sign_detached(CONTENT, found)).certificate == found.certificate


@pytest.mark.parametrize("kind", ["ed25519", "aes256-gcm96"])
def test_a_key_of_another_kind_is_refused(kind, transit, bao, monkeypatch, tmp_path):
    transit()
    bao.root.secrets.transit.create_key(kind, key_type=kind)
    for variable, text in bao.role(SIGNS.format(kind)).items():
        monkeypatch.setenv(variable, text)
    monkeypatch.setenv(KEY_VARIABLE, f"vault:transit/{kind}")
    with pytest.raises(Refusal, match="of a kind that PDF readers do not check") as refused:
        find_signer(Books(tmp_path))
    assert refused.value.exit_code == BAD_USAGE


@pytest.mark.parametrize("made", [{"KeySpec": "SYMMETRIC_DEFAULT"}, {"KeySpec": "ECC_NIST_P384"},
                                  {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}])  # fmt: skip
def test_a_kms_key_that_cannot_sign_here_is_refused(made, kms, monkeypatch, tmp_path):
    """KMS signs on P-384 with sha384 alone."""
    kms()
    usage = {"KeyUsage": "SIGN_VERIFY"} if made["KeySpec"] == "ECC_NIST_P384" else {}
    key = aws("kms").create_key(**{**usage, **made})["KeyMetadata"]["KeyId"]
    monkeypatch.setenv(KEY_VARIABLE, f"kms:{key}")
    with pytest.raises(Refusal) as refused:
        find_signer(Books(tmp_path))
    assert refused.value.exit_code in (BAD_USAGE, UNREACHABLE)
    assert made["KeySpec"] == "SYMMETRIC_DEFAULT" or "of a kind that PDF" in refused.value.what


#: What is wrong -> the place, the variables, and the first line; all are exit 6.
LOST = {
    "no such key": ("transit", {KEY_VARIABLE: "vault:transit/nowhere"}, "Vault denied a request"),
    "nobody answers": ("transit", {"VAULT_ADDR": "http://127.0.0.1:9"}, "Vault cannot be reached"),
    "no such key in KMS": ("kms", {KEY_VARIABLE: "kms:alias/nowhere"}, "AWS has nothing by this name"),
    "no KMS": ("kms", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS did not answer a request"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_a_place_that_does_not_tell_the_key_is_said(name, request, monkeypatch, tmp_path):
    place, changed, words = LOST[name]
    request.getfixturevalue(place)()
    for variable, text in changed.items():
        monkeypatch.setenv(variable, text)
    with pytest.raises(Refusal) as refused:
        find_signer(Books(tmp_path))
    assert (refused.value.exit_code, refused.value.what) == (UNREACHABLE, words)


def test_a_transit_key_that_is_not_there_is_said(transit, bao, monkeypatch, tmp_path):
    transit()
    monkeypatch.setenv(KEY_VARIABLE, "vault:transit/nowhere")
    monkeypatch.setenv("CHARGEBACK_VAULT_AUTH", "token")
    monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
    with pytest.raises(Refusal, match="Vault has nothing at this path"):
        find_signer(Books(tmp_path))


@pytest.mark.parametrize("place", ["transit", "kms"])
@pytest.mark.parametrize("signed", [0, 1, 2])
def test_a_connection_that_is_lost_while_signing_publishes_nothing(
    signed, place, request, tmp_path, monkeypatch
):
    """Two units' statements are signed, then the manifest is: it is lost before each of the three."""
    month = write_month(tmp_path)
    request.getfixturevalue(place)()
    variable = {"transit": "VAULT_ADDR", "kms": "AWS_ENDPOINT_URL"}[place]
    door = Door(os.environ[variable])
    monkeypatch.setenv(variable, door.address)
    key, asked = type(signing_key(month.books).private_key), []
    sign = key.sign

    def lost(self, content: bytes) -> bytes:
        asked.append(content)
        if len(asked) > signed:
            door.shut()
        return sign(self, content)

    monkeypatch.setattr(key, "sign", lost)
    with pytest.raises(Refusal) as refused:
        close_small(month, MAY)
    assert refused.value.exit_code == UNREACHABLE and len(asked) == signed + 1
    assert not month.books.ledger(MAY).exists() and not month.books.statements(MAY).exists()
    monkeypatch.setattr(key, "sign", sign)
    monkeypatch.setenv(variable, f"http://{door.behind[0]}:{door.behind[1]}")
    close_small(month, MAY)
    assert month.books.ledger(MAY).is_dir()


def test_what_is_no_signature_of_the_key_is_not_used(elsewhere, monkeypatch):
    """As a place that is not the one that is meant might answer."""
    other = rsa_key().sign(CONTENT, padding.PKCS1v15(), SHA256())
    key = elsewhere.private_key
    if hasattr(key, "session"):
        monkeypatch.setattr(key.session, "ask", lambda action, do: other)
    else:
        monkeypatch.setattr(key.client, "sign", lambda **_: {"Signature": other})
    with pytest.raises(Refusal, match="is no signature of the key") as refused:
        elsewhere.sign(CONTENT)
    assert refused.value.exit_code == UNREACHABLE


def test_a_certificate_is_asked_for_by_the_key_itself(elsewhere, tmp_path):
    openssl = program("openssl")
    give_back()
    done = subprocess.run(
        [sys.executable, "-m", "chargeback.signing.certificate_request", "Finance", "Example Health"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = done.stdout
    asked = x509.load_pem_x509_csr(made)
    assert asked.is_signature_valid
    assert asked.subject.rfc4514_string() == "CN=Finance,O=Example Health"
    assert asked.public_key() == elsewhere.certificate.public_key()
    verified = subprocess.run(
        [openssl, "req", "-verify", "-noout"], input=made, capture_output=True, check=False
    )
    assert verified.returncode == 0 and b"verify OK" in verified.stderr + verified.stdout


def test_nobody_is_asked_for_a_certificate_of_a_key_in_a_file(tmp_path, monkeypatch, capsys):
    from chargeback.signing.certificate_request import main as ask

    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))
    assert ask(["Finance"]) == BAD_USAGE
    assert "key that stays where it is" in capsys.readouterr().err


def test_openbao_makes_the_certificate_as_the_page_says(bao, monkeypatch, tmp_path):
    """docs/secrets.md: the engine asks with the key, its pki engine signs; the close then signs with both."""
    page = (ROOT / "docs" / "secrets.md").read_text(encoding="utf-8")
    commands = [line for line in page.splitlines() if line.startswith("bao ")]
    assert len(commands) == 3
    root, allowed = bao.root, page.partition('path "secret/data/chargeback"')
    root.secrets.transit.create_key("statements", key_type="rsa-3072")
    root.sys.enable_secrets_engine("pki", config={"max_lease_ttl": "87600h"})
    root.secrets.pki.generate_root("internal", "Example Health CA", {"ttl": "80000h"})
    for command in commands:
        subprocess.run(
            ["/bin/sh", "-ec", command], cwd=tmp_path, check=True, capture_output=True,
            env={**os.environ, "BAO_ADDR": bao.address, "BAO_TOKEN": ROOT_TOKEN,
                 "PATH": f"{os.path.dirname(bao_program())}:{os.environ['PATH']}"},
        )  # fmt: skip
    monkeypatch.setenv(KEY_VARIABLE, "vault:transit/statements")
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(tmp_path / "certificate.pem"))
    for variable, text in bao.role(allowed[1] + allowed[2].partition("```")[0]).items():
        monkeypatch.setenv(variable, text)
    found = signing_key(Books(tmp_path))
    assert found.signer.name == "CN=Example Health Finance"
    assert isinstance(found.certificate.public_key(), rsa.RSAPublicKey)
    assert check_detached(sign_detached(CONTENT, found)).certificate == found.certificate
