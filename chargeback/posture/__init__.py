"""Posture: whether the deployed account is still as `infra/` sets it up.

In: params, where the report and the books are, and AWS's answers about settings (chargeback/aws/deployed.py).
Out: findings, one for each thing that was looked at. What always holds: only settings are read, never a
line of the report or of the books; what is not configured is said to be not looked at; a request that is denied
is never a check that holds.

Drawbacks: what is expected is written here a second time, beside Terraform. Tests in tests/infra hold that what
Terraform applies has no finding that drifted.
"""

from __future__ import annotations

from dataclasses import dataclass

OK, DRIFTED, NOT_LOOKED_AT = "ok", "drifted", "not looked at"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        state: OK, DRIFTED or NOT_LOOKED_AT.
        where: the bucket, key, export or workgroup, such as s3://insurer-books.
        what: what must be so, in few words.
        expected, found: of what has drifted; `found` says why something was not looked at.
        todo: what the reader can do.
    """

    state: str
    where: str
    what: str
    expected: str = ""
    found: str = ""
    todo: str = ""

    @property
    def line(self) -> str:
        """As the terminal shows it."""
        start = f"{self.state:<13}  {self.where}: {self.what}"
        if self.state == DRIFTED:
            return f"{start}; expected {self.expected}, found {self.found}; {self.todo}"
        return f"{start}: {self.found}" if self.state == NOT_LOOKED_AT else start


AGAIN = "see who changed it, then `terraform apply`"


def held(where: str, what: str, expected: str, found: str, todo: str = AGAIN) -> Finding:
    """OK where what was found is what is expected, else what has drifted."""
    if expected == found:
        return Finding(OK, where, what)
    return Finding(DRIFTED, where, what, expected, found, todo)


def left_out(where: str, what: str, why: str) -> Finding:
    """What was not looked at, and why."""
    return Finding(NOT_LOOKED_AT, where, what, found=why)
