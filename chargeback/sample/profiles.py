"""Profiles: how usage moves over the hours of a month, as whole-number weights for each slot.

`always` and `steady` are what an always-on database or a stored gigabyte look like: the same every
hour.
"""

from __future__ import annotations

import numpy as np

from chargeback.sample.months import Month
from chargeback.sample.spread import Ints, scattered

NAMES = ("always", "steady", "office", "night", "burst", "requests")

#: Permille by which a row may differ from its profile: nothing, or some noise; None is
#: heavy-tailed.
NOISE: dict[str, int | None] = {
    "always": 0, "steady": 20, "office": 300, "night": 250, "burst": 150, "requests": None,
}  # fmt: skip


def hour_weight(name: str, hour: int, weekday: int, day: int) -> int:
    """The weight of one hour; weekday 0 is Monday, hours are UTC, offices are on the east coast."""
    working = weekday < 5 and 13 <= hour < 23
    if name == "office":
        return 100 if working else 18
    if name == "night":
        return 100 if 3 <= hour < 9 else 8
    if name == "burst":  # training runs: a few days of everything, then little
        return 100 if day % 9 in (3, 4, 5) else 4
    if name == "requests":
        return 100 if working else 35
    return 100


def slot_weights(month: Month) -> Ints:
    """One row a profile, in the order of NAMES, one column an elapsed slot."""
    first = int(
        (month.start.astype("datetime64[D]") - np.datetime64("1970-01-05", "D")).astype(int)
    )
    table = []
    for name in NAMES:
        hours = [
            hour_weight(name, hour % 24, (first + hour // 24) % 7, hour // 24)
            for hour in range(month.elapsed_slots * month.hours_per_slot)
        ]
        table.append(np.add.reduceat(hours, range(0, len(hours), month.hours_per_slot)))
    return np.array(table, dtype=np.int64)


def row_weights(
    slot_table: Ints, profiles: Ints, slots: Ints, resources: Ints, salts: Ints
) -> Ints:
    """The weight of each row: profile, size of the resource, noise; always positive.

    Args:
        profiles, slots, resources: of each row; profiles index NAMES.
        salts: a number of the row's series, so that no two series look alike.
    """
    size = 1 + scattered(salts * 1_000_003 + resources, 11, 4)
    throw = scattered((salts * 1_000_003 + resources) * 8192 + slots, 13, 1000)
    sixth = throw**6 // 10**12
    heavy = 1 + sixth * sixth // 10**6  # most hours next to nothing, a few nearly everything
    amplitude = np.array([NOISE[name] or 0 for name in NAMES], dtype=np.int64)[profiles]
    is_heavy = np.array([NOISE[name] is None for name in NAMES])[profiles]
    mild = 1000 - amplitude + throw * 2 * amplitude // 1000
    return slot_table[profiles, slots] * size * np.where(is_heavy, heavy, mild)
