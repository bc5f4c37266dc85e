"""Work given out: the same function for many tasks, here or in the workers of an executor."""

import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import shapely

from gridcell.errors import WorkerError
from gridcell.words.messages import Message

Task = TypeVar("Task")
Result = TypeVar("Result")

Told = Callable[[int, bool], None]
"""Called with the place of a task that is over, and whether it failed."""


def run_each(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    executor: Executor | None = None,
    sizes: Sequence[float] | None = None,
    told: Told | None = None,
) -> list[Result]:
    """Return the result of each task, in the order of the tasks, whoever did them.

    Parameters
    ----------
    function
        What is done. Workers in other processes import it: a function of a module, or
        `functools.partial` of one.
    tasks
        What it is called with: plain values, arrays, and dataclasses of them.
    executor
        Any executor of `concurrent.futures`; without one all is done here.
    sizes
        (tasks,) how much work each is: the largest are begun first, so that no worker is left alone
        with one in the end.
    told
        Called with the place of each task that is over, and whether it failed.

    Raises
    ------
    Exception
        What the first task, in their order, that failed raised; the others are done all the same.
    WorkerError
        A worker was lost with its task, and the executor does not replace it.
    """
    results, raised = try_each(function, tasks, executor=executor, sizes=sizes, told=told)
    if raised:
        raise raised[min(raised)]
    return [results[at] for at in range(len(tasks))]


def try_each(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    executor: Executor | None = None,
    sizes: Sequence[float] | None = None,
    told: Told | None = None,
) -> tuple[dict[int, Result], dict[int, Exception]]:
    """Return the results of tasks by their places, and what the others raised by theirs.

    Parameters are those of `run_each`.

    Raises
    ------
    WorkerError
        A worker was lost with its task, and the executor does not replace it.
    """
    futures = _begun(function, tasks, executor, sizes)
    results: dict[int, Result] = {}
    raised: dict[int, Exception] = {}
    try:
        with _worker_needed():
            for at, future in futures:
                error = future.exception()
                if error is None:
                    results[at] = future.result()
                elif isinstance(error, BrokenExecutor):
                    raise error
                elif isinstance(error, Exception):
                    raised[at] = error
                else:
                    raise error
                if told is not None:
                    told(at, error is not None)
    finally:
        futures.close()
    return results, raised


def _begun(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    executor: Executor | None,
    sizes: Sequence[float] | None,
) -> Generator[tuple[int, Future[Result]]]:
    """Yield the future of each task when it is over. To close it calls off the others."""
    if executor is None:
        for at, task in enumerate(tasks):
            future: Future[Result] = Future()
            try:
                future.set_result(function(task))
            except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
                future.set_exception(error)
            yield at, future
        return
    # Threads share memory; everybody else gets geometries as bytes, which pickle fast.
    packed = not isinstance(executor, ThreadPoolExecutor)
    order = np.argsort(
        -np.asarray(sizes if sizes is not None else np.zeros(len(tasks))), kind="stable"
    )
    place: dict[Future[Result], int] = {}
    try:
        for at in order.tolist():
            begun = (
                executor.submit(call_unpacked, function, pack(tasks[at])) if packed
                else executor.submit(function, tasks[at])
            )  # fmt: skip
            if begun.done():
                yield at, begun
            else:
                place[begun] = at
        for over in as_completed(place):
            yield place[over], over
    finally:
        for each in place:
            each.cancel()


def begin(work: Callable[[], Result], executor: Executor | None) -> Callable[[], Result]:
    """Return what waits for some work: begun in another process, or done here at once.

    Parameters
    ----------
    work
        Something that pickles, as for `run_each`.
    executor
        Threads of this process would only take turns with it, and do nothing.

    Raises
    ------
    WorkerError
        A worker was lost, here or while its work is waited for.
    """
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        done = work()
        return lambda: done
    with _worker_needed():
        future = executor.submit(work)

    def wait() -> Result:
        with _worker_needed():
            return future.result()

    return wait


@contextmanager
def _worker_needed() -> Iterator[None]:
    """Say what it means that an executor has no workers any more."""
    try:
        yield
    except (BrokenExecutor, CancelledError) as error:
        raise WorkerError(Message("error.worker_lost")) from error


@contextmanager
def workers_of(workers: int, executor: Executor | None) -> Iterator[Executor | None]:
    """Give the executor, or where there is none so many threads; ``None`` for a single one."""
    if executor is not None or workers <= 1:
        yield executor
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield pool


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class _Shapes:
    """An array of geometries as WKB."""

    wkb: Any


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class _Packed:
    """A dataclass whose values are packed."""

    kind: type
    values: dict[str, Any]


def pack(value: Any) -> Any:
    """Return what pickles fast: arrays of geometries, alone or in dataclasses, are WKB in it."""
    if isinstance(value, np.ndarray) and value.dtype == object and len(value):
        if shapely.is_geometry(value).all():
            return _Shapes(shapely.to_wkb(value))
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return _Packed(type(value), {name: pack(getattr(value, name)) for name in names})
    return value


def unpack(value: Any) -> Any:
    """Return what was packed by `pack`."""
    if isinstance(value, _Shapes):
        return shapely.from_wkb(value.wkb)
    if isinstance(value, _Packed):
        return value.kind(**{name: unpack(each) for name, each in value.values.items()})
    return value


def call_unpacked(function: Callable[[Any], Result], task: Any) -> Result:
    """Return the result of a packed task: what `run_each` gives to workers."""
    return function(unpack(task))
