"""Work given out to workers, and kept where it is done."""

from gridcell.work.checkpoints import CheckpointExecutor
from gridcell.work.tally import Tally
from gridcell.work.tasks import begin, pack, run_each, try_each, unpack, workers_of

__all__ = [
    "CheckpointExecutor",
    "Tally",
    "begin",
    "pack",
    "run_each",
    "try_each",
    "unpack",
    "workers_of",
]
