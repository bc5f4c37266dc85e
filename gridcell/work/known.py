"""What was proven already, by the digest of what it was proven of.

A plan is proven when it is made, and again as it stands in its files. Where the arrays that were
read back are, byte for byte, those that were proven before, the proof is the same.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, Final, TypeVar

from numpy.typing import NDArray

from gridcell.files.digest import digest_arrays
from gridcell.work.tasks import pack, unpack

Proof = TypeVar("Proof")

Claim = tuple[Any, ...]
"""What is proven, by which function, of which arrays: arguments of `prove_once`."""

_MOST: Final = 32
"""Proofs that are kept: each is small where nothing is wrong."""
_proofs: dict[str, Any] = {}
"""By digest; futures of those that are still found."""


def prove_once(kind: str, work: Callable[..., Proof], *of: NDArray[Any]) -> Proof:
    """Return a proof: as it was found before of equal arrays, or else what `work` finds.

    Parameters
    ----------
    kind
        What is proven.
    work
        Proves it: called with these arrays, and knows nothing else. Nobody changes what it returns.
    of
        Arrays of numbers, texts or geometries.
    """
    key = _key(kind, of)
    found = _over(key)
    if found is None:
        found = _keep(key, work(*of))
    proof: Proof = found
    return proof


def prove_ahead(
    kind: str, work: Callable[..., Any], *of: NDArray[Any], executor: Executor | None
) -> None:
    """Let a worker find a proof that `prove_once` will be asked for; parameters are as there.

    Parameters
    ----------
    executor
        Threads of this process would only take turns with it: for them, as without one, nothing is
        done ahead.
    """
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        return
    key = _key(kind, of)
    if key not in _proofs:
        # Where the workers are lost, whoever asks finds it.
        with suppress(BrokenProcessPool):
            _keep(key, executor.submit(_prove, work, [pack(array) for array in of]))


def taken(kind: str, work: Callable[..., Proof], *of: NDArray[Any]) -> Proof:
    """Return what a worker found ahead, or else what `work` finds; it is not kept.

    Parameters are those of `prove_once`.
    """
    if any(isinstance(each, Future) for each in _proofs.values()):
        key = _key(kind, of)
        found: Proof | None = _over(key)
        if found is not None:
            del _proofs[key]
            return found
    return work(*of)


def proofs_known() -> dict[str, Any]:
    """Return all proofs that are kept, to be known in another process by `know_proofs`."""
    for key in list(_proofs):
        # Whoever asks for one that raised something gets that.
        with suppress(Exception):
            _over(key)
    return {key: proof for key, proof in _proofs.items() if not isinstance(proof, Future)}


def know_proofs(proofs: Mapping[str, Any]) -> None:
    """Keep proofs that another process found."""
    _proofs.update(proofs)


def _key(kind: str, of: tuple[NDArray[Any], ...]) -> str:
    return f"{kind} {digest_arrays(*of)}"


def _keep(key: str, proof: Any) -> Any:
    while len(_proofs) >= _MOST:
        del _proofs[next(iter(_proofs))]
    _proofs[key] = proof
    return proof


def _over(key: str) -> Any:
    """Return a proof that is kept, when it is found; ``None`` for one that is not."""
    proof = _proofs.get(key)
    if not isinstance(proof, Future):
        return proof
    try:
        _proofs[key] = proof.result()
    except (BrokenProcessPool, CancelledError):
        # Whoever asks finds it.
        del _proofs[key]
    return _proofs.get(key)


def _prove(work: Callable[..., Any], of: list[Any]) -> Any:
    return work(*map(unpack, of))
