"""Integer programmes over many pairs, of which few have to take part.

The prices of the linear relaxation tell by how much any other pair could lower the sum. Pairs that
could are added until there are none: the relaxation then bounds the choice among all pairs. Those
that cost more than the distance between this bound and the best choice found are in no better one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from gridcell.staff.problem import MM, Block, Bools, Filled, Floats, Ints, Problem
from gridcell.staff.program import Pairs, Programme, Relaxed

_ALL_PAIRS: Final = 20_000
"""Pairs that all take part from the start."""
_NEAREST: Final = 8
"""Of each entry and each post, pairs that take part in a larger programme."""
_MORE: Final = 50_000
"""Pairs that join a larger programme at once."""
_MOST: Final = 60_000
"""Pairs up to which a choice is searched for among all that could be in a better one."""
_EXACT: Final = 1e-6


_SEARCHED: Final = 4_000
"""Pairs up to which the most posts are searched for first, and the distance only then."""
_SMALL: Final = 1_000
"""Pairs that a dive ends with."""
_FEW: Final = 20
"""Pairs that a step of a dive settles at least."""
_NONE: Final = np.empty(0, dtype=np.int64)


class _Optimum(NamedTuple):
    pairs: Pairs | None
    """``None`` where nothing was found."""
    bound: float
    near: list[Bools]
    """By block, pairs of which every choice as good consists; none after a dive."""


def solve_programme(
    problem: Problem, blocks: Sequence[Block], start: tuple[Ints, Ints] | None = None
) -> Filled:
    """Return the best pairs of the blocks by integer programming.

    Parameters
    ----------
    problem
        The limits.
    blocks
        Pairs that are possible by themselves.
    start
        Entries and posts of pairs that take part in any case.
    """
    programme = Programme(problem, blocks)
    masks = _first_pairs(blocks, start)
    each = [np.full(block.cost.shape, -1.0) for block in blocks]
    metres = [block.cost / MM for block in blocks]
    filled = _optimise(problem, programme, masks, each)
    most = int(np.floor(_EXACT - filled.bound))
    if filled.pairs is None:
        best = _dive(problem, programme, masks, metres, most)
    else:
        best = _optimise(problem, programme, masks, metres, fallback=filled.pairs)
    pairs = _chosen(programme.pairs(masks), _NONE) if best.pairs is None else best.pairs
    cost = int(np.rint(pairs.metres * MM).sum())
    return Filled(
        entry=programme.entries[pairs.entry],
        post=programme.posts[pairs.post],
        most=most,
        cost=cost,
        bound=min(cost, int(np.ceil(best.bound * MM - 0.01))),
        ties=tuple(block.only(near) for block, near in zip(blocks, best.near, strict=True)),
    )


def _first_pairs(blocks: Sequence[Block], start: tuple[Ints, Ints] | None) -> list[Bools]:
    if sum(int(block.allowed.sum()) for block in blocks) <= _ALL_PAIRS:
        return [block.allowed.copy() for block in blocks]
    masks = []
    for block in blocks:
        cost = np.where(block.allowed, block.cost, np.iinfo(np.int64).max)
        mask = np.zeros(cost.shape, dtype=bool)
        for axis in (0, 1):
            most = min(_NEAREST, cost.shape[axis])
            near = np.argpartition(cost, most - 1, axis=axis).take(range(most), axis)
            np.put_along_axis(mask, near, values=True, axis=axis)
        if start is not None:
            entry, post = start
            here = np.isin(post, block.posts) & np.isin(entry, block.entries)
            mask[
                np.searchsorted(block.entries, entry[here]),
                np.searchsorted(block.posts, post[here]),
            ] = True
        masks.append(mask & block.allowed)
    return masks


def _optimise(
    problem: Problem,
    programme: Programme,
    masks: list[Bools],
    value: Sequence[Floats],
    fallback: Pairs | None = None,
) -> _Optimum:
    """Return the choice with the smallest value, of at least as many pairs as the fallback has.

    Pairs that could be in it join the masks.
    """
    allowed = [block.allowed for block in programme.blocks]
    count = None if fallback is None else len(fallback.entry)
    pairs, relaxed, reduced = _price(programme, masks, value, count)
    chosen = _chosen(pairs, np.flatnonzero(relaxed.share > 0.5))
    whole = bool((np.abs(relaxed.share - np.rint(relaxed.share)) < _EXACT).all())
    if whole and problem.feasible(programme.entries[chosen.entry], programme.posts[chosen.post]):
        return _Optimum(chosen, relaxed.value, _near(allowed, reduced, 0.0))

    if fallback is None and len(pairs.entry) > _SEARCHED:
        return _Optimum(None, relaxed.value, masks)
    extras = _at_least(len(pairs.entry), count)
    found = programme.search(pairs, _taken(value, masks), extras)
    if found is None:
        return _Optimum(fallback, relaxed.value, masks)
    chosen = _chosen(pairs, found.taken)
    if fallback is None and found.value < relaxed.value + 1 - _EXACT:
        return _Optimum(chosen, relaxed.value, masks)
    near = _near(allowed, reduced, found.value - relaxed.value)
    missing = any((other & ~mask).any() for other, mask in zip(near, masks, strict=True))
    if not missing:
        return _Optimum(chosen, max(found.bound, relaxed.value), near)
    pairs, bound = programme.pairs(near), relaxed.value
    if len(pairs.entry) <= _MOST:
        extras = _at_least(len(pairs.entry), count)
        better = programme.search(pairs, _taken(value, near), extras)
        if better is not None:
            chosen, bound = _chosen(pairs, better.taken), max(bound, better.bound)
    return _Optimum(chosen, bound, near)


def _dive(
    problem: Problem,
    programme: Programme,
    masks: list[Bools],
    metres: Sequence[Floats],
    most: int,
) -> _Optimum:
    """Return a good choice where the best one is out of reach.

    What the relaxation takes whole is settled, then what remains is relaxed again, until it is
    small enough to be searched. A post is worth more than any way to it.
    """
    _price(programme, masks, metres, most)
    worth = 2 * max(float(block.cost.max()) for block in programme.blocks) / MM + 1
    entry, post, rest = _NONE, _NONE, problem
    blocks = [block.only(mask) for block, mask in zip(programme.blocks, masks, strict=True)]
    while blocks := [block for block in map(rest.still, blocks) if block.allowed.any()]:
        part = Programme(rest, blocks)
        pairs = part.pairs([block.allowed for block in blocks])
        if len(pairs.entry) <= _SMALL:
            found = part.search(pairs, pairs.metres - worth)
            taken = _NONE if found is None else found.taken
        else:
            taken = _settled(rest, part, pairs, part.relax(pairs, pairs.metres - worth).share)
        more = part.entries[pairs.entry[taken]], part.posts[pairs.post[taken]]
        entry, post = np.append(entry, more[0]), np.append(post, more[1])
        if not len(taken) or len(pairs.entry) <= _SMALL:
            break
        rest = rest.remaining(*more)
    _, relaxed, _ = _price(programme, masks, metres, len(entry))
    pairs = programme.pairs(masks)
    key = programme.entries[pairs.entry] * len(problem.post_block) + programme.posts[pairs.post]
    chosen = np.flatnonzero(np.isin(key, entry * len(problem.post_block) + post))
    return _Optimum(_chosen(pairs, chosen), relaxed.value, [np.zeros_like(m) for m in masks])


def _settled(problem: Problem, part: Programme, pairs: Pairs, share: Floats) -> Ints:
    """Return pairs that are taken whole; where there are few, also the largest, one a person."""
    whole: Ints = np.flatnonzero(share > 1 - _EXACT)
    entry, post = part.entries[pairs.entry[whole]], part.posts[pairs.post[whole]]
    over = problem.overloaded(entry, post)
    whole = whole[~over[problem.entry_person[entry]]]
    if len(whole) >= _FEW:
        return np.asarray(whole, dtype=np.int64)
    order = np.argsort(-share, kind="stable")
    for key in (part.person[pairs.entry], pairs.post):
        order = order[np.sort(np.unique(key[order], return_index=True)[1])]
    few: Ints = order[:_FEW]
    return few


def _price(
    programme: Programme, masks: list[Bools], value: Sequence[Floats], count: int | None
) -> tuple[Pairs, Relaxed, list[Floats]]:
    """Return the optimum in fractions of at least so many pairs, and by how much others miss it.

    Pairs that could be in it join the masks.
    """
    allowed = [block.allowed for block in programme.blocks]
    while True:
        pairs = programme.pairs(masks)
        extra = next(iter(_at_least(len(pairs.entry), count)), None)
        relaxed = programme.relax(pairs, _taken(value, masks), extra)
        reduced = programme.reduced(value, relaxed)
        if not _join(masks, allowed, reduced):
            return pairs, relaxed, reduced


def _at_least(pairs: int, count: int | None) -> list[tuple[Floats, float]]:
    """Return the constraint that so many pairs are taken, if any."""
    return [] if count is None else [(-np.ones(pairs), -float(count))]


def _join(masks: list[Bools], allowed: Sequence[Bools], reduced: Sequence[Floats]) -> bool:
    """Add the pairs that could lower the value; tell whether there were any."""
    new = [
        np.flatnonzero(a & ~m & (r < -_EXACT))
        for a, m, r in zip(allowed, masks, reduced, strict=True)
    ]
    gain = np.concatenate([r.ravel()[at] for r, at in zip(reduced, new, strict=True)])
    best = np.zeros(len(gain), dtype=bool)
    best[np.argsort(gain, kind="stable")[:_MORE]] = True
    first = 0
    for mask, at in zip(masks, new, strict=True):
        mask.ravel()[at[best[first : first + len(at)]]] = True
        first += len(at)
    return bool(len(gain))


def _near(allowed: Sequence[Bools], reduced: Sequence[Floats], gap: float) -> list[Bools]:
    return [a & (r <= gap + _EXACT) for a, r in zip(allowed, reduced, strict=True)]


def _taken(value: Sequence[Floats], masks: Sequence[Bools]) -> Floats:
    return np.concatenate([v[mask] for v, mask in zip(value, masks, strict=True)])


def _chosen(pairs: Pairs, taken: Ints) -> Pairs:
    return Pairs(pairs.entry[taken], pairs.post[taken], pairs.metres[taken])
