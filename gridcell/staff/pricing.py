"""Integer programmes over many pairs, of which few have to take part.

The prices of the linear relaxation tell by how much any other pair could lower the sum. Pairs that
could are added until there are none: the relaxation then bounds the choice among all pairs. Those
that cost more than the distance between this bound and the best choice found are in no better one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from gridcell.staff.problem import MM, Bools, Filled, Floats, Ints, Problem, RoleBlock
from gridcell.staff.program import Pairs, Programme, Relaxed, Whole

_ALL_PAIRS: Final = 20_000
"""Pairs that all take part from the start."""
_NEAREST: Final = 8
"""Of each entry and each post, pairs that take part in a larger programme."""
_MORE: Final = 50_000
"""Pairs that join a larger programme at once."""
_MOST: Final = 60_000
"""Pairs up to which a choice is searched for among all that could be in a better one."""
_EXACT: Final = 1e-6
"""Difference below which numbers of the solver are equal: parts of a pair, posts, metres."""
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


class _Priced(NamedTuple):
    """The optimum in fractions of the pairs that take part."""

    pairs: Pairs
    relaxed: Relaxed
    reduced: list[Floats]
    """By block, what each pair adds to it at least."""


def solve_programme(
    problem: Problem, blocks: Sequence[RoleBlock], start: tuple[Ints, Ints] | None = None
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
    metres = [block.cost / MM for block in blocks]
    filled = _fill(problem, programme, masks)
    most = int(np.floor(_EXACT - filled.bound))
    if filled.pairs is None:
        best = _dive(problem, programme, masks, metres, most)
    else:
        best = _shorten(problem, programme, masks, metres, filled.pairs)
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


def _first_pairs(blocks: Sequence[RoleBlock], start: tuple[Ints, Ints] | None) -> list[Bools]:
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


def _fill(problem: Problem, programme: Programme, masks: list[Bools]) -> _Optimum:
    """Return a choice with as many pairs as there can be; none where that takes too long.

    Pairs that could be in it join the masks.
    """
    each = [np.full(block.cost.shape, -1.0) for block in programme.blocks]
    priced = _price(programme, masks, each)
    bound = priced.relaxed.value
    if (whole := _whole(problem, programme, priced)) is not None:
        return _Optimum(whole, bound, masks)
    if len(priced.pairs.entry) > _SEARCHED:
        return _Optimum(None, bound, masks)
    found = programme.search(priced.pairs, _taken(each, masks))
    if found is None:
        return _Optimum(None, bound, masks)
    if found.value < bound + 1 - _EXACT:
        return _Optimum(_chosen(priced.pairs, found.taken), bound, masks)
    return _search_near(programme, masks, each, priced, found)


def _shorten(
    problem: Problem,
    programme: Programme,
    masks: list[Bools],
    metres: Sequence[Floats],
    filled: Pairs,
) -> _Optimum:
    """Return the choice with the shortest ways, of at least as many pairs as `filled` has.

    Pairs that could be in it join the masks.
    """
    least = len(filled.entry)
    priced = _price(programme, masks, metres, least)
    if (whole := _whole(problem, programme, priced)) is not None:
        return _Optimum(whole, priced.relaxed.value, _near(programme, priced.reduced, 0.0))
    extras = _at_least(len(priced.pairs.entry), least)
    found = programme.search(priced.pairs, _taken(metres, masks), extras)
    if found is None:
        return _Optimum(filled, priced.relaxed.value, masks)
    return _search_near(programme, masks, metres, priced, found, least)


def _whole(problem: Problem, programme: Programme, priced: _Priced) -> Pairs | None:
    """Return the relaxed optimum as a choice, where it takes pairs whole and keeps the limits."""
    share = priced.relaxed.share
    if (np.abs(share - np.rint(share)) >= _EXACT).any():
        return None
    chosen = _chosen(priced.pairs, np.flatnonzero(share > 0.5))
    entry, post = programme.entries[chosen.entry], programme.posts[chosen.post]
    return chosen if problem.feasible(entry, post) else None


def _search_near(
    programme: Programme,
    masks: list[Bools],
    value: Sequence[Floats],
    priced: _Priced,
    found: Whole,
    least: int | None = None,
) -> _Optimum:
    """Return the best choice of all pairs, given the best one of those that take part.

    A pair that adds more to the relaxed optimum than `found` is above it is in no better choice.
    """
    relaxed = priced.relaxed.value
    near = _near(programme, priced.reduced, found.value - relaxed)
    chosen = _chosen(priced.pairs, found.taken)
    if not any((other & ~mask).any() for other, mask in zip(near, masks, strict=True)):
        return _Optimum(chosen, max(found.bound, relaxed), near)
    pairs = programme.pairs(near)
    if len(pairs.entry) > _MOST:
        return _Optimum(chosen, relaxed, near)
    better = programme.search(pairs, _taken(value, near), _at_least(len(pairs.entry), least))
    if better is None:
        return _Optimum(chosen, relaxed, near)
    return _Optimum(_chosen(pairs, better.taken), max(relaxed, better.bound), near)


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
    relaxed = _price(programme, masks, metres, len(entry)).relaxed
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
    programme: Programme, masks: list[Bools], value: Sequence[Floats], least: int | None = None
) -> _Priced:
    """Return the optimum in fractions of at least so many pairs, and by how much others miss it.

    Pairs that could be in it join the masks.
    """
    allowed = [block.allowed for block in programme.blocks]
    while True:
        pairs = programme.pairs(masks)
        extra = next(iter(_at_least(len(pairs.entry), least)), None)
        relaxed = programme.relax(pairs, _taken(value, masks), extra)
        reduced = programme.reduced(value, relaxed)
        if not _join(masks, allowed, reduced):
            return _Priced(pairs, relaxed, reduced)


def _at_least(pairs: int, least: int | None) -> list[tuple[Floats, float]]:
    """Return the constraint that so many pairs are taken, if any."""
    return [] if least is None else [(-np.ones(pairs), -float(least))]


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


def _near(programme: Programme, reduced: Sequence[Floats], gap: float) -> list[Bools]:
    """Return by block the pairs that add no more than a gap to the relaxed optimum."""
    return [
        block.allowed & (added <= gap + _EXACT)
        for block, added in zip(programme.blocks, reduced, strict=True)
    ]


def _taken(value: Sequence[Floats], masks: Sequence[Bools]) -> Floats:
    return np.concatenate([v[mask] for v, mask in zip(value, masks, strict=True)])


def _chosen(pairs: Pairs, taken: Ints) -> Pairs:
    return Pairs(pairs.entry[taken], pairs.post[taken], pairs.metres[taken])
