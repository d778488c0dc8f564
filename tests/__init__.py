"""Tests: a folder per stage and per thing that looks at closed periods.

Several processes of pytest share the cores, so each works with one thread, unless whoever runs them says
otherwise; tests about threads ask for more of them. Libraries read this when they are imported.
"""

import os

for variable in ("CHARGEBACK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
