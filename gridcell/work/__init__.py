"""Work given out to workers, and kept where it is done."""

from gridcell.work.checkpoints import CheckpointExecutor
from gridcell.work.tasks import begin, pack, run_each, unpack, workers_of

__all__ = ["CheckpointExecutor", "begin", "pack", "run_each", "unpack", "workers_of"]
