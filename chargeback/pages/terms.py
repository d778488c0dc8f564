"""Terms of a page, explained where they stand, each in one sentence.

`TERMS` is the one place: a page's word, the entry of docs/glossary.md that it is, and the explanation, with
which that entry begins (a test holds the two together). A page shows those that it uses as one small paragraph,
the same in HTML and in the PDF: what is said only below a mouse is said to nobody on paper or on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chargeback.pages.escaping import html_text, typst_string


@dataclass(frozen=True)
class Term:
    """A word of a page.

    Args:
        word: as the page writes it.
        entry: of the glossary.
        says: what it is, without a full stop at its end.
    """

    word: str
    entry: str
    says: str

    @property
    def sentence(self) -> str:
        """The explanation after the word."""
        return f": {self.says}."


AMORTIZED = Term(
    "Amortized", "amortized",
    "the cost basis in which prepaid commitments are charged where and when they are used",
)  # fmt: skip
UNBLENDED = Term(
    "Unblended", "unblended",
    "the cost basis in which a line item is charged as AWS bills it, prepaid or not",
)  # fmt: skip
COMMITMENTS = Term(
    "Commitments", "commitment",
    "Savings Plans and Reserved Instances; as a kind of cost, what was prepaid, after refunds, less what was "
    "used up",
)  # fmt: skip
ROUNDING = Term(
    "Rounding", "rounding", "the difference between an invoice and its line items rounded once"
)
ADJUSTMENTS = Term(
    "Adjustments", "adjustment",
    "cost that people moved between cost centers, and corrections of earlier periods",
)  # fmt: skip
CORRECTION = Term(
    "Correction", "correction",
    "what brings a closed period to what AWS delivered last, charged or given back in a later one",
)  # fmt: skip
USABLE_TAG = Term(
    "Usable tag", "usable tag", "a cost center tag whose value is a cost center or an alias of one"
)
OWNERSHIP_RULE = Term(
    "Ownership rule", "ownership rule",
    "an approved, dated rule that gives known resources without a usable tag to a cost center",
)  # fmt: skip
DEFAULT_CENTER = Term(
    "Default cost center",
    "default cost center",
    "the owner of what an account's tags give to nobody",
)
POOL = Term("Pool", "pool", "shared or unowned cost that is split")
KEY = Term("Key", "allocation key", "the rule that splits a pool")
WEIGHT = Term("Weight", "weight", "a cost center's quantity under a key")
UNIT_COST = Term(
    "Unit cost",
    "unit cost",
    "what one piece of a metric costs: a cost by the quantity of the same month",
)
FULLY_LOADED = Term(
    "Fully loaded",
    "fully loaded",
    "all that is charged, shared cost and all else besides the direct cost",
)
VOLUME_EFFECT = Term(
    "Volume effect",
    "volume effect",
    "the part of a cost's change that comes of more or fewer pieces, each at what one cost before",
)
RATE_EFFECT = Term(
    "Rate effect",
    "rate effect",
    "the part of a cost's change that comes of what one piece costs now, for all pieces of now",
)
LINE_ITEM = Term("Line item", "line item", "one row of AWS's report")
LEDGER = Term("Ledger", "ledger", "the postings of all closed periods")
MANIFEST = Term("Manifest", "manifest", "the signed list of a closed period")
DIGEST = Term("Digest", "digest", "a number that stands for the bytes of a file")

TERMS = (
    AMORTIZED, UNBLENDED, COMMITMENTS, ROUNDING, ADJUSTMENTS, CORRECTION, USABLE_TAG, OWNERSHIP_RULE,
    DEFAULT_CENTER, POOL, KEY, WEIGHT, UNIT_COST, FULLY_LOADED, VOLUME_EFFECT, RATE_EFFECT,
    LINE_ITEM, LEDGER,
    MANIFEST, DIGEST,
)  # fmt: skip


def term_words() -> Iterator[str]:
    """All that this module may put on a page."""
    for one in TERMS:
        yield from (one.word, one.says)


@dataclass(frozen=True)
class Terms:
    """The terms of a section, as one small paragraph."""

    terms: Sequence[Term]

    @property
    def text(self) -> str:
        """The paragraph as it is read."""
        return " ".join(one.word + one.sentence for one in self.terms)

    def html(self) -> str:
        said = " ".join(
            f"<b>{html_text(one.word)}</b>{html_text(one.sentence)}" for one in self.terms
        )
        return f'<p class="note">{said}</p>'

    def typst(self) -> str:
        said = ", ".join(
            f"({typst_string(one.word)}, {typst_string(one.sentence)})" for one in self.terms
        )
        return f"#statement-terms(({said},))"
