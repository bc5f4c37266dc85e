"""What counts are called where people read of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gridcell.disclosure.chain import Chain, ToldPieces
from gridcell.disclosure.network import CellTree, Network, Pieces


class CountName(NamedTuple):
    """What a count is called."""

    text: str
    cell: str | None
    """Code of the cell, where it is one's."""


def network_names(
    division: CellTree,
    network: Network,
    owner: Mapping[str, str],
    pieces: Pieces | None = None,
    before: CellTree | None = None,
) -> list[CountName]:
    """Return what each count is called, and the code of its cell: of a part, that of its leaf."""
    codes = [str(code) for code in division.code]
    names = [CountName(code, owner.get(code, code)) for code in codes]
    names.append(CountName("all cells", None))
    if pieces is not None and before is not None:
        earlier = [*map(str, before.code), "land outside"]
        names += [
            CountName(f"{codes[a]} in {earlier[b]}", codes[a])
            for a, b in zip(pieces.a, pieces.b, strict=True)
        ]
        names += [CountName(f"{code} (published before)", code) for code in earlier[:-1]]
    last = CountName("all cells published before", None)
    return names + [last] * (len(network.tail) - len(names))


def chain_names(
    chain: Chain, trees: Sequence[CellTree], crosswalks: Sequence[ToldPieces]
) -> list[str]:
    """Return what each count of a chain is called, and then each part of the land."""
    names: list[str] = []
    codes = [[*map(str, tree.code), "land outside"] for tree in trees]
    for k, crosswalk in enumerate(crosswalks):
        before = f" (published before, {k})" if k else ""
        names += [f"{code}{before}" for code in [*codes[k][:-1], "all cells"]]
        names += [
            f"{codes[k][a]} in {codes[k + 1][b]}{before}"
            for a, b in zip(crosswalk.a, crosswalk.b, strict=True)
        ]
    parts = (
        " in ".join(code[row] for code, row in zip(codes, part, strict=True))
        for part in chain.parts.tolist()
    )
    return [*names, *parts]
