"""A real public key infrastructure on this machine: certomancer's time stamps, OCSP answers and CRLs.

    root ─┬─ interm ─── finance (signs statements; OCSP), finance-revoked
          └─ tsa, tsa-expired, tsa-mail (CRL)

It behaves as a good authority does; what one does that lies is in `tests.signing.authority`.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import pem as asn1_pem
from certomancer.registry import CertLabel, CertomancerConfig, PKIArchitecture
from cryptography.hazmat.primitives.asymmetric import ec

from tests.programs import program_beside_python
from tests.signing.key_files import pem, rsa_key

KEYS = ("root", "interm", "ocsp", "finance", "tsa")

#: Where certificates say how to ask whether they are revoked: CRL of root or interm, OCSP of interm.
CONFIGURATION = """
external-url-prefix: "http://127.0.0.1:{port}"
keysets:
  keys:
    path-prefix: {folder}
    keys: {{root: {{path: root.pem}}, interm: {{path: interm.pem}}, ocsp: {{path: ocsp.pem}},
           finance: {{path: finance.pem}}, tsa: {{path: tsa.pem}}}}
pki-architectures:
  house:
    keyset: keys
    entity-defaults: {{country-name: US, organization-name: Loopback}}
    entities:
      root: {{common-name: Loopback Root}}
      interm: {{common-name: Loopback Issuing}}
      ocsp: {{common-name: Loopback OCSP}}
      finance: {{common-name: Loopback Finance}}
      tsa: {{common-name: Loopback Stamps}}
    certs:
      root:
        subject: root
        subject-key: root
        issuer: root
        authority-key: root
        validity: &long {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2100-01-01T00:00:00+0000"}}
        profiles: [{{id: simple-ca, params: {{crl-repo: anchor}}}}]
      interm:
        issuer: root
        validity: *long
        profiles: [{{id: simple-ca, params: {{max-path-len: 0, crl-repo: interm, ocsp-service: interm}}}}]
      ocsp:
        issuer: interm
        validity: *long
        profiles: [ocsp-responder]
      finance:
        subject: finance
        subject-key: finance
        issuer: interm
        validity: *long
        profiles: [digsig-commitment]
      finance-revoked:
        template: finance
        subject: finance
        subject-key: finance
        revocation: {{revoked-since: "2026-01-01T00:00:00+0000", reason: key_compromise}}
      tsa:
        issuer: root
        validity: *long
        extensions:
          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [digital_signature]}}}}
          - {{id: extended_key_usage, critical: true, value: [time_stamping]}}
          - {{id: crl_distribution_points,
             smart-value: {{schema: crl-dist-url, params: {{crl-repo-names: [anchor]}}}}}}
      tsa-expired:
        template: tsa
        subject: tsa
        subject-key: tsa
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2021-01-01T00:00:00+0000"}}
      tsa-mail:
        subject: tsa
        subject-key: tsa
        issuer: root
        validity: *long
        extensions:
          - {{id: extended_key_usage, critical: true, value: [email_protection]}}
    services:
      ocsp: {{interm: {{for-issuer: interm, responder-cert: ocsp, signing-key: ocsp}}}}
      crl-repo:
        anchor: {{for-issuer: root, signing-key: root, simulated-update-schedule: "P30D"}}
        interm: {{for-issuer: interm, signing-key: interm, simulated-update-schedule: "P30D"}}
      cert-repo: {{root: {{for-issuer: root, publish-issued-certs: yes}}}}
      time-stamping:
        tsa: {{signing-key: tsa, signing-cert: tsa}}
        tsa-expired: {{signing-key: tsa, signing-cert: tsa-expired}}
        tsa-mail: {{signing-key: tsa, signing-cert: tsa-mail}}
"""


@dataclass
class Loopback:
    """The infrastructure: its certificates, and where it answers while it is served."""

    folder: Path
    port: int
    architecture: PKIArchitecture
    process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """It answers no more."""
        if self.process:
            self.process.terminate()
            self.process.wait()

    def address(self, stamps: str = "tsa") -> str:
        """Where a time stamp authority is asked."""
        return f"http://127.0.0.1:{self.port}/house/tsa/{stamps}"

    def certificates(self, *labels: str) -> bytes:
        """Certificates in PEM."""
        found = (self.architecture.get_cert(CertLabel(one)).dump() for one in labels)
        return b"".join(asn1_pem.armor("CERTIFICATE", one) for one in found)

    def key_file(self, label: str = "finance") -> Path:
        """The file of the signing key, with its certificate and the one above it."""
        path = self.folder / f"{label}-key.pem"
        key = (self.folder / "finance.pem").read_bytes()
        path.write_bytes(key + self.certificates(label, "interm"))
        return path

    def anchors(self) -> Path:
        """The file of the trust anchor."""
        path = self.folder / "anchors.pem"
        path.write_bytes(self.certificates("root"))
        return path


def write_loopback(folder: Path) -> Loopback:
    """Keys and configuration in a folder; nobody answers yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEYS:
        # Of a curve, where infrastructures must not share a key: those of RSA are a few in all tests.
        signs = rsa_key() if name in ("finance", "tsa") else ec.generate_private_key(ec.SECP256R1())
        (folder / f"{name}.pem").write_bytes(pem(signs))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = folder / "certomancer.yml"
    path.write_text(CONFIGURATION.format(port=port, folder=folder))
    config = CertomancerConfig.from_file(str(path), key_search_dir=str(folder))
    return Loopback(folder, port, config.get_pki_arch("house"))


@contextlib.contextmanager
def serving(loopback: Loopback) -> Iterator[Loopback]:
    """The infrastructure while it answers."""
    command = [
        program_beside_python("certomancer"), "--config", str(loopback.folder / "certomancer.yml"),
        "animate", "--port", str(loopback.port), "--no-web-ui",
    ]  # fmt: skip
    with (loopback.folder / "log").open("wb") as log:
        loopback.process = process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(loopback, process)
            yield loopback
        finally:
            loopback.stop()


def _wait_until_it_answers(loopback: Loopback, process: subprocess.Popen[bytes]) -> None:
    crl = f"http://127.0.0.1:{loopback.port}/house/crls/anchor/latest.crl"
    for _ in range(600):
        try:
            with urllib.request.urlopen(crl, timeout=10):
                return
        except urllib.error.HTTPError:
            break
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise AssertionError((loopback.folder / "log").read_text()[-2000:])
