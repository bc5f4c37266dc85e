"""Shards: a share of the communities divided by itself, on another machine or at another time.

A shard is a folder of finished tasks, known by the digests of all that they were given
(`gridcell.work.checkpoints`). Whoever makes the plan of all communities from the same layers finds
them there: the plan is that of one machine, to the byte, whatever was in the folder.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.assembly import Clock, prepare_input
from gridcell.coverage.holders import find_holders
from gridcell.display.progress import shown_progress
from gridcell.errors import InputError, RulesError
from gridcell.fabric import build_fabric
from gridcell.files.folder import require_place, whole_folder
from gridcell.model import Layers, Progress
from gridcell.partition.divide import community_tasks, divide_task, of_free_numbers
from gridcell.rules import Rules, as_rules
from gridcell.version import __version__
from gridcell.words.messages import Message
from gridcell.work import CheckpointExecutor, Tally, try_each, workers_of

Ints = NDArray[np.int64]

TASKS: Final = "tasks"
"""Folder of the results in that of a shard."""
_RECORD: Final = "shard.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What a shard is of. Shards of one division differ in their numbers and communities alone.

    Examples
    --------
    `layers` are those of the example of `read_layers`, `folder` is an empty folder.

    >>> import gridcell
    >>> shard = gridcell.divide_shard(layers, folder / "1", number=1, of=1)
    >>> shard.number, shard.of, shard.communities, shard.failed
    (1, 1, ('450899001001',), ())
    """

    number: int
    """1 for the first."""
    of: int
    """How many shards there are."""
    communities: tuple[str, ...]
    """Codes of those that were to divide."""
    failed: tuple[str, ...]
    """Codes of those of them that could not be divided: whoever merges tries again."""
    version: str = __version__
    """Of gridcell."""
    rules: str = ""
    """As JSON."""
    inputs: tuple[dict[str, Any], ...] = ()
    """Records of the inputs: names and digests."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else was told when it was made."""

    def is_beside(self, other: "Shard") -> bool:
        """Return whether both are of one division."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("of", "version", "rules", "inputs", "settings")
        )


@checked
def divide_shard(
    layers: Layers,
    folder: str | Path,
    *,
    number: int,
    of: int,
    rules: Rules | Mapping[str, Any] | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Shard:
    """Return the record of a shard: a share of the communities divided, their tasks in a folder.

    Communities are shared out in the order of their codes, by their numbers of buildings. What was
    finished before a run was stopped is in the folder with ``.tasks`` behind its name, and is not
    done again.

    Parameters
    ----------
    layers
        The inputs of all communities.
    folder
        Where the shard appears when it is done.
    number, of
        Which of how many shares this is, 1 for the first.
    rules, workers, executor, progress
        As in `make_plan`.
    settings
        What whoever merges has to know, as plain values.
    overwrite
        Replace a shard that is there.

    Raises
    ------
    RulesError
        There is no such share.
    WriteError
        The folder is not free.

    Examples
    --------
    `layers` are those of the example of `read_layers`: one community. `folder` is an empty folder.

    >>> import gridcell
    >>> gridcell.divide_shard(layers, folder / "1", number=1, of=2).communities
    ()
    >>> sorted(path.name for path in (folder / "1").iterdir())
    ['shard.json', 'tasks']
    """
    if not 1 <= number <= of:
        raise RulesError(Message("error.no_such_share", number=number, of=of))
    require_place(folder, what="shard", foreign=_no_shard, overwrite=overwrite)
    target = Path(folder)
    rules = as_rules(rules)
    rows = share_of(layers, number, of)
    failed: dict[int, Exception] = {}
    kept = target.with_name(f"{target.name}.tasks")
    with shown_progress(progress) as told, workers_of(workers, executor) as chosen:
        tasks = CheckpointExecutor(kept, chosen)
        if len(rows):
            failed = _divide_rows(layers, rows, rules, tasks, told)
    codes = layers.communities["code"]
    shard = Shard(
        number=number, of=of, communities=tuple(codes[rows]),
        failed=tuple(codes[row] for row in sorted(failed) if row in rows),
        rules=rules.model_dump_json(), inputs=tuple(each.as_dict() for each in layers.inputs),
        settings=dict(settings or {}),
    )  # fmt: skip
    with whole_folder(folder, overwrite=overwrite) as part:
        text = json.dumps(asdict(shard), ensure_ascii=False, indent=2)
        (part / _RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")
        kept.replace(part / TASKS)
    return shard


def share_of(layers: Layers, number: int, of: int) -> Ints:
    """Return the rows of the communities of a share, 1 for the first."""
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    land = layers.communities.geometry.to_numpy()
    weight = np.ones(len(land))
    if sources is not None:
        home = find_holders(shapely.point_on_surface(sources.geometry.to_numpy()), land)
        weight += np.bincount(home[home >= 0], minlength=len(land))
    middle = np.cumsum(weight) - weight / 2
    return np.flatnonzero(np.floor(of * middle / weight.sum()) == number - 1)


def _divide_rows(
    layers: Layers, rows: Ints, rules: Rules, tasks: Executor, progress: Progress | None
) -> dict[int, Exception]:
    """Do all tasks of the communities in some rows; return what those that failed raised."""
    clock, failed = Clock(progress), dict[int, Exception]()
    weave = partial(build_fabric, executor=tasks, progress=progress, left_out=failed, rows=rows)
    given = prepare_input(layers, rules, clock, weave=weave)
    codes = layers.communities["code"].tolist()
    mine = [row for row in rows.tolist() if row not in failed]
    others = np.setdiff1d(np.arange(len(codes)), mine).tolist()
    small, micro = of_free_numbers(given.small, others), of_free_numbers(given.micro, others)
    every, _ = community_tasks(given.fabric, small, micro, codes=codes)
    with clock("partition"):
        _, raised = try_each(
            partial(divide_task, rules=rules), [every[row] for row in mine], executor=tasks,
            sizes=[len(every[row].graph) for row in mine],
            told=Tally("partition", [1] * len(mine), progress),
        )  # fmt: skip
    return failed | {mine[at]: error for at, error in raised.items()}


@checked
def merged_tasks(
    folders: Iterable[str | Path], kept: str | Path, *, executor: Executor | None = None
) -> CheckpointExecutor:
    """Return an executor for `make_plan` that finds the finished tasks of all shards.

    Parameters
    ----------
    folders
        All shards of one division, from `divide_shard`.
    kept
        Where results are kept that no shard has.
    executor
        Who does what is not there.

    Raises
    ------
    InputError
        Folders that are no shards, not all of one division, or not all that there are.

    Examples
    --------
    `layers` are those of the example of `read_layers`, `folder` is an empty folder.

    >>> import gridcell
    >>> shard = gridcell.divide_shard(layers, folder / "1", number=1, of=1)
    >>> tasks = gridcell.merged_tasks([folder / "1"], folder / "tasks")
    >>> plan = gridcell.make_plan(layers, executor=tasks)
    >>> plan.ok, tasks.found, tasks.done
    (True, 2, 0)
    """
    read_shards(folders := list(folders))
    return CheckpointExecutor(kept, executor, known=[Path(each) / TASKS for each in folders])


def read_shards(folders: Iterable[str | Path]) -> list[Shard]:
    """Return the records of all shards of one division, by number.

    Raises
    ------
    InputError
        As `merged_tasks`.
    """
    shards: dict[int, tuple[str | Path, Shard]] = {}
    for folder in folders:
        shard = _read_shard(Path(folder))
        for other, found in shards.values():
            if not shard.is_beside(found):
                raise InputError(Message("error.shards_differ", folder=folder, other=other))
        if shard.number in shards:
            raise InputError(
                Message(
                    "error.shard_twice", folder=folder, other=shards[shard.number][0],
                    number=shard.number,
                )
            )  # fmt: skip
        shards[shard.number] = folder, shard
    of = next(iter(shards.values()))[1].of if shards else 1
    if missing := [str(each) for each in range(1, of + 1) if each not in shards]:
        raise InputError(Message("error.shards_missing", n=len(missing), numbers=missing, of=of))
    return [shards[number][1] for number in sorted(shards)]


def _read_shard(folder: Path) -> Shard:
    try:
        data = json.loads((folder / _RECORD).read_text("utf-8"))
        for name in ("communities", "failed", "inputs"):
            data[name] = tuple(data[name])
        shard = Shard(**data)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(Message("error.no_shard", folder=folder)) from None
    if shard.version != __version__:
        raise InputError(
            Message("error.shard_version", folder=folder, version=shard.version, own=__version__)
        )
    return shard


def _no_shard(target: Path) -> Message | None:
    if not (target / _RECORD).is_file():
        return Message("part.it_lacks", name=_RECORD)
    foreign = {entry.name for entry in target.iterdir()} - {_RECORD, TASKS}
    return Message("part.it_holds", name=min(foreign)) if foreign else None
