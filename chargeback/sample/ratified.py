"""The digests of the rules that the sample's council ratified, as params/ratifications.csv has them.

A company that begins with a copy of params/ begins with these rows too, and they are not its council's. So a
close of another report by them is stopped (control ratifications_are_of_these_params).
"""

from __future__ import annotations

RATIFIED_RULES = frozenset(
    {
        "4a600ba8b73e55038ee7115f7ebf701e378b258dab8a43026aab424484b52016",
        "80513f971d6823117bb7f96df6999615160f04d3f2b8555182297ebbd667b099",
    }
)
