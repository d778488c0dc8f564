"""Anomalies: how well planted ones are found (chargeback/daily/anomalies/labelled.py)."""

from __future__ import annotations

import time

from chargeback.core.paths import PARAMS, SAMPLE_CUR


def show_anomalies() -> None:
    """How much of what is planted in the sample's daily series is found, and how much found was planted."""
    from chargeback.daily.anomalies import labelled
    from chargeback.sample import PERIODS, write_estate

    write_estate(SAMPLE_CUR, progress=lambda line: print(line, flush=True))
    started = time.monotonic()
    whole = labelled.sample_history(SAMPLE_CUR, PARAMS, PERIODS)
    found = labelled.score(whole)
    seeds = f"seeds {labelled.SEEDS.start} to {labelled.SEEDS.stop - 1}"
    print(f"anomalies planted in the sample's daily series, {seeds}")
    print("\n".join(found.lines()))
    print(f"  {time.monotonic() - started:.1f} s", flush=True)
