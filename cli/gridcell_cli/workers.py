"""Workers of a command: threads for a town, processes for a city."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gridcell_cli.memory import lacks_memory

if TYPE_CHECKING:
    from gridcell import Layers

_MANY_BUILDINGS = 10_000
"""From so many on processes gain more than it takes to start them."""
_TASKS = ("gridcell.fabric", "gridcell.partition")
"""What workers import before they get anything to do."""


@contextmanager
def pool_of(
    workers: int,
    layers: "Layers",
    tasks: Path | None = None,
    *,
    known: Sequence[Path] = (),
    scheduler: str | None = None,
) -> Iterator[Executor | None]:
    """Give so many workers for a division of these layers; ``None`` for a single one.

    In the folder `tasks`, where one is given, finished tasks are kept until all are done and none
    of them failed; those in the folders `known` are not done again. Where there is a scheduler, its
    cluster works.

    What workers are changes nothing but the time. Processes are started anew, on every system
    alike: a copy of this process could inherit locks of libraries that hold threads.
    """
    if tasks is not None:
        from gridcell.work import CheckpointExecutor

        with pool_of(workers, layers, scheduler=scheduler) as pool:
            kept = CheckpointExecutor(tasks, pool, known=known)
            yield kept
        if not kept.failed:
            shutil.rmtree(tasks, ignore_errors=True)
        return
    if scheduler is not None:
        from gridcell.work.dask import cluster_workers

        with cluster_workers(scheduler) as cluster:
            yield cluster
        return
    if workers == 1:
        yield None
        return
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    if sources is None or len(sources) < _MANY_BUILDINGS or len(layers.communities) == 1:
        with ThreadPoolExecutor(workers) as threads:
            yield threads
        return
    from gridcell.errors import WorkerError
    from gridcell.words.messages import Message

    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        # While the households are still counted.
        for _ in range(workers):
            pool.submit(_stand_by)
        yield pool
    except BrokenExecutor as error:
        raise WorkerError(Message("error.worker_lost")) from error
    finally:
        pool.shutdown(cancel_futures=True)


def on_this_machine(pool: Executor | None) -> Executor | None:
    """Return the workers where they have the files of this machine, else ``None``."""
    from gridcell.work import CheckpointExecutor

    inner = pool.executor if isinstance(pool, CheckpointExecutor) else pool
    return pool if isinstance(inner, ProcessPoolExecutor | ThreadPoolExecutor) else None


def _begin() -> None:
    # Ctrl-C is for the command, which stops its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for name in _TASKS:
            import_module(name)
    except Exception as error:
        if not lacks_memory(error):
            raise
        # The command tells that it lost a worker; a traceback would say no more.
        os._exit(1)


def _stand_by() -> None:
    """Do nothing: what is asked of a pool first starts its processes."""
