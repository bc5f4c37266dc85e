"""What was proven already, by the digest of what it was proven of.

A plan is proven when it is made, and again as it stands in its files. Where the arrays that were
read back are, byte for byte, those that were proven before, the proof is the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from numpy.typing import NDArray

from gridcell.files.digest import digest_arrays

Proof = TypeVar("Proof")

_MOST: Final = 32
"""Proofs that are kept: each is small where nothing is wrong."""
_proofs: dict[str, Any] = {}


def prove_once(kind: str, work: Callable[[], Proof], *of: NDArray[Any]) -> Proof:
    """Return a proof: as it was found before of equal arrays, or else what `work` finds.

    Parameters
    ----------
    kind
        What is proven.
    work
        Proves it, from these arrays and nothing else. Nobody changes what it returns.
    of
        Arrays of numbers, texts or geometries.
    """
    key = f"{kind} {digest_arrays(*of)}"
    if key in _proofs:
        found: Proof = _proofs[key]
        return found
    found = work()
    while len(_proofs) >= _MOST:
        del _proofs[next(iter(_proofs))]
    _proofs[key] = found
    return found


def proofs_known() -> dict[str, Any]:
    """Return all proofs that are kept, to be known in another process by `know_proofs`."""
    return dict(_proofs)


def know_proofs(proofs: Mapping[str, Any]) -> None:
    """Keep proofs that another process found."""
    _proofs.update(proofs)
