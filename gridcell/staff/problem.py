"""The problem to solve: who may hold what, and how much each can carry. Arrays only."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gridcell.streets import Joined, WalkingNetwork

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MM: Final = 1000.0
"""Distances are compared in whole millimetres."""
NO_LIMIT: Final = 2**31
"""Cells of somebody without a limit."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class OnFoot:
    """Homes and posts on the streets."""

    network: WalkingNetwork
    homes: Joined
    posts: Joined


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Problem:
    """People, the roles that they may hold (entries), and posts; all in the order of their ids.

    A block is a role in a zone: everybody of its entries may hold every one of its posts, unless
    the cell is too much for the person.
    """

    person_cells: Ints
    """(people,) most posts that each can hold."""
    person_load: Floats
    """(people,) most households that each can carry."""
    person_xy: Floats
    """(people, 2) homes, metres; NaN where unknown."""
    entry_person: Ints
    entry_role: Ints
    entry_block: Ints
    entry_cells: Ints
    """(entries,) most posts of this role that the person can hold."""
    entry_load: Floats
    post_block: Ints
    post_wanted: Ints
    """(posts,) holders wanted."""
    post_load: Floats
    """(posts,) households that a holder carries there."""
    post_xy: Floats
    apart: Bools
    """(roles, roles) which two nobody may hold together."""
    barred: Ints
    """(n, 2) entries and posts that are not to be paired."""
    on_foot: OnFoot | None = None
    """``None`` where distances are as the crow flies."""

    def metres(self, person: Ints, post: Ints) -> Floats:
        """Return (people, posts) from each of some homes to each of some posts.

        NaN without a home, and where no street leads from home to the post.
        """
        if self.on_foot is None:
            away = self.person_xy[person][:, None, :] - self.post_xy[post][None, :, :]
            return np.asarray(np.hypot(away[..., 0], away[..., 1]))
        walk = self.on_foot
        out = walk.network.distances(walk.homes.take(person), walk.posts.take(post))
        return np.where(np.isfinite(out), out, np.nan)

    def metres_of(self, person: Ints, post: Ints) -> Floats:
        """Return (pairs,) from each home to its post, as `metres`."""
        if self.on_foot is None:
            away = self.person_xy[person] - self.post_xy[post]
            return np.asarray(np.hypot(away[:, 0], away[:, 1]))
        walk = self.on_foot
        out = walk.network.between(
            walk.homes.take(person).beside(walk.posts.take(post)),
            np.arange(len(person)), len(person) + np.arange(len(post)),
        )  # fmt: skip
        return np.where(np.isfinite(out), out, np.nan)

    def block(self, number: int) -> "RoleBlock":
        """Return who may hold what in a role and zone, and how far it is."""
        entries = np.flatnonzero(self.entry_block == number)
        posts = np.flatnonzero(self.post_block == number)
        person = self.entry_person[entries]
        metres = self.metres(person, posts)
        known = ~np.isnan(metres)
        # Homes that are known come first: only between them can distance decide.
        metres[~known] = (metres[known].max() if known.any() else 0.0) + 1.0
        cost = np.rint(metres * MM).astype(np.int64)
        return self.still(
            RoleBlock(
                entries=entries, posts=posts, cost=cost, allowed=np.ones(cost.shape, dtype=bool)
            )
        )

    def still(self, block: "RoleBlock") -> "RoleBlock":
        """Return the pairs of a block that remain possible by themselves."""
        person = self.entry_person[block.entries]
        carried = np.minimum(self.person_load[person], self.entry_load[block.entries])
        allowed = block.allowed & (self.post_load[block.posts][None, :] <= carried[:, None])
        able = (self.entry_cells[block.entries] > 0) & (self.person_cells[person] > 0)
        allowed &= able[:, None] & (self.post_wanted[block.posts] > 0)[None, :]
        posts = len(self.post_block)
        key = block.entries[:, None] * posts + block.posts[None, :]
        allowed &= ~np.isin(key, self.barred[:, 0] * posts + self.barred[:, 1])
        return block.only(allowed)

    def feasible(self, entry: Ints, post: Ints) -> bool:
        """Tell whether these pairs keep to every limit."""
        return not (
            self.overloaded(entry, post).any()
            or (np.bincount(post, minlength=len(self.post_wanted)) > self.post_wanted).any()
        )

    def overloaded(self, entry: Ints, post: Ints) -> Bools:
        """Return (people,) whose pairs are too much, exclude each other or are twins."""
        people, entries = len(self.person_cells), len(self.entry_person)
        person, load = self.entry_person[entry], self.post_load[post]
        number, carried = np.bincount(person, minlength=people), np.bincount(person, load, people)
        over: Bools = np.asarray((number > self.person_cells) | (carried > self.person_load))
        held = np.bincount(entry, minlength=entries)
        wrong = (held > self.entry_cells) | (
            np.bincount(entry, load, minlength=entries) > self.entry_load
        )
        over[self.entry_person[wrong]] = True
        twins = np.sort(entry * len(self.post_block) + post)
        over[self.entry_person[twins[1:][twins[1:] == twins[:-1]] // len(self.post_block)]] = True
        for one, other in self.rivals(np.flatnonzero(held > 0)):
            if held[other]:
                over[self.entry_person[one]] = True
        return over

    def rivals(self, entries: Ints) -> Iterator[tuple[int, int]]:
        """Yield pairs of these entries, of one person, whose roles exclude each other."""
        if not self.apart.any():
            return
        involved = entries[np.asarray(self.apart.any(axis=0))[self.entry_role[entries]]]
        involved = involved[np.argsort(self.entry_person[involved], kind="stable")]
        person = self.entry_person[involved]
        # Nobody has more entries than there are roles.
        for step in range(1, len(self.apart)):
            same = np.flatnonzero(person[step:] == person[:-step])
            one, other = involved[same], involved[same + step]
            excluded = self.apart[self.entry_role[one], self.entry_role[other]]
            yield from zip(one[excluded].tolist(), other[excluded].tolist(), strict=True)

    def remaining(self, entry: Ints, post: Ints) -> "Problem":
        """Return what is left to be filled, and what people can still carry, beside these pairs."""
        people, entries = len(self.person_cells), len(self.entry_person)
        person, load = self.entry_person[entry], self.post_load[post]
        held = np.bincount(entry, minlength=entries)
        cells = self.entry_cells - held
        for one, other in self.rivals(np.arange(entries)):
            if held[one] or held[other]:
                cells[other if held[one] else one] = 0
        return replace(
            self,
            person_cells=self.person_cells - np.bincount(person, minlength=people),
            person_load=self.person_load - np.bincount(person, load, minlength=people),
            entry_cells=cells,
            entry_load=self.entry_load - np.bincount(entry, load, minlength=entries),
            post_wanted=self.post_wanted - np.bincount(post, minlength=len(self.post_wanted)),
            barred=np.concatenate([self.barred, np.column_stack([entry, post])]),
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoleBlock:
    """Entries and posts of one role and zone, as rows and columns."""

    entries: Ints
    posts: Ints
    cost: Ints
    """(entries, posts) millimetres; an unknown home is a metre farther than all known ones."""
    allowed: Bools
    """(entries, posts) whether the pair is possible by itself."""

    def only(self, allowed: Bools) -> "RoleBlock":
        """Return the block with fewer pairs, and nobody and nothing without a pair."""
        rows, columns = allowed.any(axis=1), allowed.any(axis=0)
        part = np.ix_(rows, columns)
        return RoleBlock(
            entries=self.entries[rows], posts=self.posts[columns], cost=self.cost[part],
            allowed=allowed[part],
        )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Filled:
    """Pairs of entries and posts, and how good they could be at best."""

    entry: Ints
    post: Ints
    most: int
    """Posts that can be filled at most."""
    cost: int
    """Millimetres of these pairs."""
    bound: int
    """Millimetres below which nothing fills as many posts."""
    ties: tuple[RoleBlock, ...]
    """Pairs of which every other solution as good consists."""
