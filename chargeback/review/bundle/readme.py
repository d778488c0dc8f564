"""The page in a bundle: what each file is, which commands check it, what they print, and what that proves.

Every command is a line that begins with four spaces and a dollar sign, so that it can be copied, and so that
the tests run the page itself. They need sh, grep, cut, printf, sha256sum, openssl and poppler's pdfsig.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime

from chargeback.books.history import SHOWN_DIGITS
from chargeback.books.manifest import CERTIFICATES, MANIFEST, MANIFEST_SIGNATURE
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.review.bundle.contents import SUMS, Bundled, fingerprint
from chargeback.signing.cms import StampPlaces

WIDTH = 88
PROMPT = "    $ "

ABOUT = {
    "statement.pdf": "the statement, signed by itself",
    "statement.html": "the same statement as one page for a browser",
    "statement.csv": "every posting behind it, exact and in cents",
    MANIFEST: "every file of the month with its sha256, the delivered files, the controls",
    MANIFEST_SIGNATURE: "the signature of the manifest (CMS, detached, DER)",
    CERTIFICATES: "the certificate of who signed, and those above it",
    SUMS: "the sha256 of every other file here",
}


def readme(bundle: Bundled) -> bytes:
    """The page, in UTF-8."""
    parts = (
        opening(bundle), copied(), signed(bundle), named(bundle), pdf(bundle), who(bundle),
        stamped(bundle.stamped), history(bundle), closing(bundle),
    )  # fmt: skip
    return ("\n".join(line for part in parts for line in part).rstrip() + "\n").encode()


def prose(text: str) -> Iterator[str]:
    """A paragraph."""
    yield from textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    yield ""


def command(line: str, prints: str) -> Iterator[str]:
    """A command, and what it prints where all is well."""
    yield f"{PROMPT}{line}"
    yield ""
    yield from prose(prints)


def opening(bundle: Bundled) -> Iterator[str]:
    """What this is, and what lies here."""
    title = f"AWS charges of {bundle.unit_name}, {period_title(bundle.period)}: to be checked"
    yield title
    yield "=" * len(title)
    yield ""
    yield from prose(
        "A statement, and what checks it without the books and without the program that made it. Run the "
        "commands in this folder, in their order."
    )
    for name in sorted((*bundle.files, SUMS)):
        yield f"  {name:<20}{ABOUT.get(name, 'a file of the statement')}"
    yield ""


def copied() -> Iterator[str]:
    """That nothing was lost on the way."""
    yield "1. Everything arrived as it was sent"
    yield ""
    yield from command(
        f"sha256sum --strict -c {SUMS}",
        "Every line ends with OK. This finds what was damaged on the way; who changes a file on purpose "
        "changes the list too, which the next steps find.",
    )


def signed(bundle: Bundled) -> Iterator[str]:
    """That the manifest is what was signed."""
    yield "2. The manifest is what was signed"
    yield ""
    verify = (
        f"openssl cms -verify -inform DER -binary -in {MANIFEST_SIGNATURE} -content {MANIFEST} "
        f"-CAfile {CERTIFICATES} -partial_chain -out /dev/null"
    )
    yield from command(
        verify,
        "It says that the verification was successful, by the certificates that lie here (-partial_chain: "
        "their root need not be among them). With the root of your own authority, name its file after -CAfile, "
        f"-certfile {CERTIFICATES} after it, and leave -partial_chain out.",
    )
    at = bundle.signature.signed_at
    if at:
        said = at.astimezone(UTC)
        yield from prose(
            f"It was signed on {said:%Y-%m-%d} at {said:%H:%M:%S} UTC, as the signature says. Years later, "
            "when the certificate has expired, openssl is asked whether it held then:"
        )
        seconds = int((said - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
        yield from command(
            verify.replace(" -out ", f" -attime {seconds} -out "), "It says the same."
        )


def named(bundle: Bundled) -> Iterator[str]:
    """That the files beside it are those that it names."""
    yield "3. These files are those that the manifest names"
    yield ""
    for short, name in sorted(bundle.recorded.items()):
        yield (
            f'{PROMPT}grep -F "\\"{name}\\": \\"$(sha256sum < {short} | cut -c1-64)\\"" {MANIFEST}'
        )
    yield ""
    yield from prose(
        "Each command prints one line of the manifest. One that prints nothing (and ends with 1) was given "
        "a file that is not what was closed."
    )


def pdf(bundle: Bundled) -> Iterator[str]:
    """That the PDF carries a signature of its own."""
    yield "4. The PDF is signed by itself"
    yield ""
    yield from command(
        f"pdfsig {bundle.pdf}",
        'It says "Signature is Valid." and names the signer of step 5. "Total document signed" stands beside '
        'it, or "Not total document signed" where the answers about revoked certificates follow the signature. '
        "pdfsig knows the authorities of the machine that it runs on, and calls a certificate of any other "
        "one unknown or untrusted: that is what step 5 is for.",
    )


def who(bundle: Bundled) -> Iterator[str]:
    """Who signed."""
    yield "5. Who signed"
    yield ""
    first = bundle.certificates[0]
    yield from command(
        f"openssl x509 -in {CERTIFICATES} -noout -subject -fingerprint -sha256",
        "It prints this, which is to be compared with what you got another way than with this folder, "
        "from the company or its authority. Nothing in a folder can vouch for itself:",
    )
    yield f"  {plain(first.subject.rfc4514_string())}"
    yield f"  {fingerprint(first)}"
    yield ""
    if bundle.manifest["signer"]["development"]:
        yield from prose(
            "THIS IS A DEVELOPMENT KEY, which the program made for itself. It tells that nothing was changed "
            "by anybody without that key, and not who has it."
        )


def stamped(places: StampPlaces | None) -> Iterator[str]:
    """When it was signed, by somebody else's clock."""
    yield "6. When it was signed"
    yield ""
    if places is None:
        yield from prose(
            "By the word of who signed (step 2): no time stamp authority was named when the month was closed."
        )
        return
    yield from prose(
        "An authority stamped the manifest's signature (RFC 3161). The first two commands take the signature's "
        "value and the time stamp out of it, the third takes the authority's certificate out of the time stamp:"
    )
    yield (
        f"{PROMPT}openssl asn1parse -inform DER -in {MANIFEST_SIGNATURE} -strparse {places.value_at} -noout "
        "-out time-stamp.value"
    )
    yield (
        f"{PROMPT}openssl asn1parse -inform DER -in {MANIFEST_SIGNATURE} -strparse {places.stamp_at} -noout "
        "-out time-stamp.token"
    )
    yield f"{PROMPT}openssl pkcs7 -inform DER -in time-stamp.token -print_certs -out time-stamp.pem"
    yield (
        f"{PROMPT}openssl ts -verify -token_in -in time-stamp.token -data time-stamp.value "
        "-CAfile time-stamp.pem -partial_chain"
    )
    yield f"{PROMPT}openssl ts -reply -token_in -in time-stamp.token -token_out -text"
    yield ""
    yield from prose(
        'The fourth says "Verification: OK", the fifth prints the time. With the root that you have from the '
        "authority, put it in place of time-stamp.pem after -CAfile, and -untrusted time-stamp.pem in place of "
        "-partial_chain."
    )


def history(bundle: Bundled) -> Iterator[str]:
    """That no close was taken away."""
    yield "7. It is the close that the history has"
    yield ""
    if not bundle.head:
        yield from prose(
            "The version that closed the month kept no history of closes. The close after it took it in; "
            "the books tell, by make verify."
        )
        return
    closes = bundle.manifest["history"]["closes"]
    yield from prose(
        f"The manifest names the {len(closes)} closes before it, and the head over them. Its own head is one "
        "digest more:"
    )
    yield f'{PROMPT}grep -F \'"head": "{bundle.head_before}"\' {MANIFEST}'
    yield (
        f"{PROMPT}printf '%s {bundle.period} %s\\n' {bundle.head_before} "
        f'"$(sha256sum < {MANIFEST} | cut -c1-64)" | sha256sum'
    )
    yield ""
    yield from prose(
        "The first finds the head before; the second prints the head after, of which the close told these "
        f"first {SHOWN_DIGITS} digits. Ask for the ones that were written into a minute or sent to you then:"
    )
    yield f"  {bundle.head[:SHOWN_DIGITS]}"
    yield ""


def closing(bundle: Bundled) -> Iterator[str]:
    """What is in it of others, and what it does not prove."""
    yield "What this shows, and what it does not"
    yield ""
    yield from prose(
        f"The statement is that of {bundle.unit_name} alone. The manifest is of the whole month and signed as "
        "a whole, so nothing can be left out of it: it has the ids of all units in the names of files, the "
        "totals of invoices and of all statements together, and no amount or tag of another unit. Whoever has "
        "these totals and the statements of all units but one can work out that one."
    )
    yield from prose(
        "These commands prove that the statement is the one that was closed and signed, and by whose key. That "
        "it follows from the delivered report is for the audit, which derives it again from the report and the "
        f"evidence: make audit PERIOD={bundle.period}, with the books."
    )
