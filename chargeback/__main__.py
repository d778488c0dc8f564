"""`python -m chargeback <verb>`: the command line."""

from __future__ import annotations

import sys

from chargeback.cli import main

if __name__ == "__main__":
    sys.exit(main())
