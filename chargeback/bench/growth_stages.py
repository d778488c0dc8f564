"""Growth of stages: the six stages of a close in this process, and the CPU seconds of each, printed as JSON.

`python -m chargeback.bench.growth_stages REPORT PARAMS PERIOD BOOKS FOLDER`. What statements do in processes of
their own is not in their figure; whoever waits for this process knows the whole.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.stages import STAGE_FUNCTIONS
from chargeback.core.books_folders import Books


def stage_seconds(work: WorkFolder) -> dict[str, float]:
    """CPU seconds of each stage, in their order."""
    found = {}
    for stage in STAGES:
        started = time.process_time()
        STAGE_FUNCTIONS[stage](work)
        found[stage] = time.process_time() - started
    return found


if __name__ == "__main__":
    report, params, period, books, folder = sys.argv[1:]
    work_folder = WorkFolder(period, Path(report), Path(params), Books(Path(books)), Path(folder))
    print(json.dumps(stage_seconds(work_folder)))
