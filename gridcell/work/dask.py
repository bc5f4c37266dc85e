"""Workers of a Dask cluster as an executor: its scheduler gives out, retries and tells."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Final

from gridcell.errors import WorkerError
from gridcell.extras import needs
from gridcell.version import __version__
from gridcell.words.messages import Message

_RETRIES: Final = 2
"""How often a task that raised is done again, so that a machine without memory is no verdict."""
_PATIENCE_S: Final = 30
"""How long a cluster may take to answer, and to have a worker."""


@contextmanager
def cluster_workers(address: str) -> Iterator[Executor]:
    """Give the workers of a cluster.

    Tasks of a worker that is lost are done by another; a task that lost several of them in a row
    has failed.

    Parameters
    ----------
    address
        Of the scheduler, as ``tcp://HOST:PORT``.

    Raises
    ------
    InputError
        There is no ``gridcell[dask]``.
    WorkerError
        No scheduler answers, it has no worker, or a worker has another version of gridcell.
    """
    with needs("cluster", extra="dask"):
        from distributed import Client
    try:
        client = Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkerError(Message("error.no_scheduler", address=address)) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError as error:
            raise WorkerError(Message("error.cluster_empty", address=address)) from error
        for worker, version in client.run(_version, on_error="return").items():
            if version != __version__:
                found = version if isinstance(version, str) else "–"
                raise WorkerError(
                    Message("error.worker_version", worker=worker, found=found, own=__version__)
                )
        yield client.get_executor(retries=_RETRIES, pure=False)


def _version() -> str:
    return __version__
