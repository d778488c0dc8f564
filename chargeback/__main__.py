"""`python -m chargeback <verb>`: the command line."""

from __future__ import annotations

import gc
import sys

from chargeback.cli import main

if __name__ == "__main__":
    code = main()
    gc.freeze()  # or all that was imported is looked through for garbage before it is thrown away
    sys.exit(code)
