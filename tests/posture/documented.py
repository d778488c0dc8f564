"""What docs/platform.md says that looking takes."""

from __future__ import annotations

import re

from chargeback.core.paths import ROOT


def posture_actions() -> set[str]:
    """The actions of the table for make posture."""
    page = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
    table = page.partition("<!-- posture -->")[2].partition("<!-- end of posture -->")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    return {one for cell in cells for one in re.findall(r"\b[a-z0-9-]+:\w+", cell)}
