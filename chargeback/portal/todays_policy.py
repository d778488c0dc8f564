"""Today's policy: viewers.toml as it lies on the disk, read again only when something about it has changed.

What always holds: a change counts for the next request. A file is known by its inode, size and time of change;
since a file that was changed a moment ago could change again within the same tick of the clock, what is so new
is read again each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from chargeback.params.viewers import FILE, Viewers, read_viewers

#: What decides who sees what: the policy, and the registers that it names units and cost centers of.
FILES = (FILE, "business_units.csv", "cost_centers.csv")

#: After so many seconds without a change, the time of change tells every later one.
SETTLED_SECONDS = 2.0

#: What a file is known by: inode, size, time of change and of a change of its rights; None where there is none.
Stamp = tuple[tuple[int, int, int, int] | None, ...]


class TodaysPolicy:
    """Who sees what at this moment; call it.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, params_folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder, self.clock = params_folder, clock
        self._lock = threading.Lock()
        self._known: tuple[str, Stamp] | None = None
        self._viewers = Viewers()

    def __call__(self) -> Viewers:
        """The policy of this month, in UTC.

        Raises:
            Refusal: (exit 2) anything in it is malformed.
        """
        now = self.clock()
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        with self._lock:
            stamp = tuple(map(stamp_of, (self.folder / one for one in FILES)))
            if self._known != (month, stamp):
                self._known = None
                self._viewers = read_viewers(self.folder, month)
                if has_settled(stamp, now):
                    self._known = (month, stamp)
            return self._viewers


def stamp_of(path: Path) -> tuple[int, int, int, int] | None:
    """What a file is known by."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def has_settled(stamp: Stamp, now: float) -> bool:
    """Whether nothing has changed for a while, by the times of change of the files."""
    changed = max((max(one[2], one[3]) for one in stamp if one), default=0)
    return now - changed / 1e9 > SETTLED_SECONDS
