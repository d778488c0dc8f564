"""Told: what a drill did and found, as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chargeback.core.money import shown
from chargeback.review.drill.kept import Compared, Kept
from chargeback.review.drill.loss import Loss

#: What is entered by people and stands in params alone.
OF_PEOPLE = (
    "what people entered (invoices, drivers, adjustments, ratifications), where params are lost too"
)


@dataclass(frozen=True)
class Step:
    """Something that a drill did, and how long it took."""

    what: str
    seconds: float


@dataclass(frozen=True)
class Restored:
    """What came of one loss.

    Args:
        seconds: from the loss to the last period that was closed again and compared.
        signatures: how many signed PDFs are there again byte for byte.
    """

    loss: Loss
    steps: tuple[Step, ...]
    compared: tuple[Compared, ...]
    stopped: str
    seconds: float
    signatures: int

    @property
    def whole(self) -> bool:
        """Whether everything came back that can."""
        return not self.stopped and not any(one.differences for one in self.compared)

    @property
    def differences(self) -> list[str]:
        """What did not come back, one line each."""
        lines = [f"{one.period}: {line}" for one in self.compared for line in one.differences]
        return [*lines, *([self.stopped] if self.stopped else [])]


def told(restored: Restored, before: Sequence[Kept], counts: dict[str, int]) -> list[str]:
    """The lines on one loss."""
    lines = ["", f"Lost: {restored.loss.name}"]
    lines += [f"  {one.what:<52}{one.seconds:>8.1f} s" for one in restored.steps]
    for was, found in zip(before, restored.compared, strict=False):
        state = "not all came back" if found.differences else "came back"
        lines.append(
            f"  {found.period}: {was.postings.num_rows:,} postings, {shown(was.charged)} charged, "
            f"{len(was.derived) + len(was.unsigned)} files: {state}"
        )
        lines += [f"    {one}" for one in (*found.differences, *found.remarks)]
    if restored.stopped:
        lines.append(f"  {restored.stopped}")
    lines.append("  does not come back:")
    return lines + [f"    {one}" for one in not_back(restored, counts)]


def not_back(restored: Restored, counts: dict[str, int]) -> list[str]:
    """What is lost for good, by name, with how much there was of it."""
    manifests, pdfs = counts["signatures of manifests"], counts["signatures of statements"]
    lines = [
        f"signatures of manifests and their times: {manifests}",
        "id of the books and history of closes: no head that somebody kept fits",
        "executed notebooks, who closed, and when: of the lost run",
    ]
    logs = ("files of the delivery log", "files of the access log")
    if restored.loss.keeps_evidence:
        lines.append(
            f"signatures of statements: {pdfs - restored.signatures} of {pdfs}; with those that the "
            f"evidence kept, {restored.signatures} PDFs are byte for byte what was handed out"
        )
        kept = ", ".join(f"{name} {counts[name]}" for name in logs)
        return [*lines, f"logs: they stay beside, whole, and other books begin their own; {kept}"]
    lines.append(f"signatures of statements and their times: {pdfs} of {pdfs}")
    lines += [f"{name}: {counts[name]}" for name in logs]
    return [*lines, "approvals, disputes and acknowledgements, which that log had", OF_PEOPLE]


def summary(restored: Sequence[Restored], before: Sequence[Kept], usage_to: str) -> list[str]:
    """The table of recovery: how long it took, and up to when data was there."""
    last = before[-1]
    lines = ["", f"  {'lost':<36}{'came back':<12}{'took (RTO)':>12}   up to (RPO)"]
    for one in restored:
        back = "all of it" if one.whole else "not all"
        lines.append(
            f"  {one.loss.name:<36}{back:<12}{one.seconds:>10.1f} s   "
            f"close of {last.period}, report to {usage_to}"
        )
    return lines
