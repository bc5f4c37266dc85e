"""Results of tasks kept in a folder, so that a run that was stopped goes on where it was.

A result is known by the digest of all that its task was given. Whoever asks for the same again gets
it, in the next run or on another machine; what differs in one byte is done anew. So it changes
nothing but the time, whatever is in the folder.
"""

import dataclasses
import hashlib
import importlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

from gridcell.files.digest import digest_arrays
from gridcell.version import __version__
from gridcell.work.tasks import call_unpacked

_OURS: Final = "gridcell."
_PLAIN: Final = (type(None), bool, int, float, str, bytes)


class CheckpointExecutor(Executor):
    """An executor that does no task of `run_each` twice, be it in another run.

    Parameters
    ----------
    folder
        Where results are kept. It is made if it is not there.
    executor
        Whose workers do what is not there yet; without one it is done here.
    known
        Further folders in which results are looked for.

    Examples
    --------
    `layers` are those of the example of `read_layers`, `folder` is an empty folder. Were the first
    call stopped, the second would go on where it was:

    >>> import gridcell
    >>> tasks = gridcell.CheckpointExecutor(folder / "tasks")
    >>> plan = gridcell.make_plan(layers, executor=tasks)
    >>> tasks.done, tasks.found
    (2, 0)
    >>> again = gridcell.make_plan(layers, executor=tasks)
    >>> tasks.done, tasks.found, again.leaves.equals(plan.leaves)
    (2, 2, True)
    """

    done: int
    """Tasks that were done."""
    found: int
    """Tasks whose results were there."""
    executor: Executor | None
    """Whose workers do what is not there yet."""
    failed: int
    """Tasks that raised something; they are done again by whoever asks again."""

    def __init__(
        self,
        folder: str | Path,
        executor: Executor | None = None,
        *,
        known: Iterable[str | Path] = (),
    ) -> None:
        self.done = self.found = self.failed = 0
        self._folder, self.executor = Path(folder), executor
        self._known = [Path(each) for each in known]
        self._folder.mkdir(parents=True, exist_ok=True)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the future of a call; it is done where its result is there."""
        file = None
        if fn is call_unpacked:
            digest = hashlib.sha256(__version__.encode())
            if _feed(digest, (fn, args)):
                file = self._folder / f"{digest.hexdigest()}.npz"
        if file is not None and (result := self._found(file.name)) is not None:
            self.found += 1
            known: Future[Any] = Future()
            known.set_result(result)
            return known
        self.done += file is not None
        future = self._begun(fn, *args, **kwargs)
        if file is not None:
            future.add_done_callback(partial(self._keep, file))
        return future

    def _found(self, name: str) -> Any:
        each = (_load(folder / name) for folder in (self._folder, *self._known))
        return next((result for result in each if result is not None), None)

    def _keep(self, file: Path, future: Future[Any]) -> None:
        if future.cancelled():
            return
        if future.exception() is None:
            _keep(file, future.result())
        else:
            self.failed += 1

    def _begun(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        if self.executor is not None:
            return self.executor.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)
        return future


def _feed(digest: Any, value: Any) -> bool:
    """Add a value to a digest; return whether all of it is known by its bytes."""
    if isinstance(value, np.ndarray):
        digest.update(digest_arrays(value).encode())
        return True
    if isinstance(value, (np.generic, *_PLAIN)):
        digest.update(f"{type(value).__name__} {value!r};".encode())
        return True
    if isinstance(value, BaseModel):
        digest.update(value.model_dump_json().encode())
        return True
    if isinstance(value, tuple | list):
        parts = list(value)
    elif isinstance(value, dict):
        parts = [part for item in value.items() for part in item]
    elif isinstance(value, partial):
        parts = [value.func, value.args, value.keywords]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif hasattr(value, "__qualname__"):
        digest.update(f"{value.__module__}:{value.__qualname__};".encode())
        return True
    else:
        return False
    digest.update(f"{type(value).__name__} {len(parts)};".encode())
    return all(_feed(digest, part) for part in parts)


def _keep(file: Path, result: Any) -> None:
    """Write the result of a task, whole or not at all; what cannot be written is done again."""
    arrays: list[np.ndarray[Any, Any]] = []
    try:
        text = json.dumps(_encoded(result, arrays))
    except TypeError:
        return
    named = {str(number): array for number, array in enumerate(arrays)}
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
            np.savez(part, allow_pickle=False, structure=np.array(text), **named)
        Path(part.name).replace(file)
    except OSError:
        return


def _load(file: Path) -> Any:
    """Return a result, ``None`` where there is none or it cannot be read."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return _decoded(json.loads(str(arrays["structure"])), arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _encoded(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Return a value as JSON, with the numbers of its arrays."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(part, arrays) for part in value]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        names = [field.name for field in dataclasses.fields(value)]
        fields = {name: _encoded(getattr(value, name), arrays) for name in names}
        return {"kind": [kind.__module__, kind.__qualname__], "fields": fields}
    if value is None or type(value) in (bool, int, float, str):
        return {"value": value}
    raise TypeError(type(value))


def _decoded(data: Any, arrays: Any) -> Any:
    """Return the value that `_encoded` told; only records of ours are made."""
    if "array" in data:
        return arrays[str(data["array"])]
    if "tuple" in data:
        return tuple(_decoded(part, arrays) for part in data["tuple"])
    if "value" in data:
        return data["value"]
    module, name = data["kind"]
    if not module.startswith(_OURS):
        raise ValueError(module)
    kind: Any = getattr(importlib.import_module(module), name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(name)
    made: Callable[..., Any] = kind
    return made(**{field: _decoded(part, arrays) for field, part in data["fields"].items()})
