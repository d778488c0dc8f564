"""Stages of a close run in this process, without their notebooks, which take most of the time of a close."""

from __future__ import annotations

import json

from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.notebooks import executed_notebook
from chargeback.close.stages import STAGE_FUNCTIONS


def run_stage(closing: WorkFolder, stage: str) -> None:
    """A stage, and last an empty notebook, as evidence must hold one."""
    STAGE_FUNCTIONS[stage](closing)
    write_notebook(closing, stage)


def write_notebook(closing: WorkFolder, stage: str) -> None:
    """A notebook without cells in the place of an executed one."""
    path = executed_notebook(closing, stage)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": []}))


def write_notebooks(closing: WorkFolder) -> None:
    """Notebooks without cells, of all stages."""
    for stage in STAGES:
        write_notebook(closing, stage)
