"""Limits: how often a caller may ask, and how much one request may bring.

A caller has a bucket that fills evenly and holds a minute's worth; each request takes one. What always holds:
no more callers are remembered than a fixed number, those that asked last; so a flood of addresses fills no
memory.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict
from collections.abc import Callable

#: How many callers are remembered.
REMEMBERED = 20_000


class Rate:
    """A number of requests a minute, for each caller.

    Args:
        clock: seconds, which only go up.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float]) -> None:
        self.a_minute, self.clock = a_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> int:
        """Take one; 0 when there was one, else whole seconds until there is one."""
        now, each = self.clock(), 60 / self.a_minute
        with self._lock:
            left, then = self._left.pop(caller, (float(self.a_minute), now))
            left = min(self.a_minute, left + max(0.0, now - then) / each)
            taken = left >= 1
            self._left[caller] = (left - 1 if taken else left, now)
            while len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        return 0 if taken else max(1, math.ceil((1 - left) * each))


def network_of(address: str) -> str:
    """Whom an address counts for: itself, of version 6 its network of 64 bits, which one caller has whole.

    >>> network_of("2001:db8::1:2:3:4"), network_of("10.1.2.3"), network_of("::ffff:10.1.2.3")
    ('2001:db8::/64', '10.1.2.3', '10.1.2.3')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
