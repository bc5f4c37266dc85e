"""Commands that are killed, starved and refused while they run, and what they leave behind.

Everything is imported and compiled once; each run is a copy of this process (fork), which is
spoiled in its own way. Whatever happens to it, the output must be the old one or the new one as a
whole, and the next run must come to the new one without anybody cleaning up.

`benchmarks/faults.py` runs them.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import hostile

SECONDS: Final = 120.0
"""After which a run hangs."""
INTERRUPTED: Final = 130


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command whose runs are spoiled."""

    name: str
    words: tuple[str, ...]
    """With `{inputs}` for the folder of the inputs, and `{out}` for the output."""
    old: tuple[str, ...]
    """What made the output that is there before."""
    output: str
    """The output's name: a folder, or a file with those beside it."""
    workers: bool = False
    """Whether it gives work to other processes."""


@dataclass(kw_only=True)
class Outcome:
    """What came of a command that was spoiled."""

    command: str
    kind: str
    state: str
    """``old``, ``new``, ``nothing`` or ``mixture``."""
    exit: int
    """The exit code; of a signal its negative number."""
    said: str = ""
    faults: list[str] = field(default_factory=list)
    """What must not be."""


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        name="partition", output="plan", workers=True,
        words=("partition", "{inputs}/communities.gpkg", "{inputs}/buildings.gpkg", "--micro",
               "30:40:50", "-o", "{out}"),
        old=("partition", "{inputs}/communities.gpkg", "{inputs}/buildings.gpkg", "--micro",
             "50:60:80", "-o", "{out}"),
    ),
    Command(
        name="update", output="plan", workers=True,
        words=("update", "{inputs}/plan", "{inputs}/communities.gpkg", "{inputs}/grown.gpkg",
               "-o", "{out}"),
        old=("edit", "{inputs}/plan", "rename", "450802001001001", "Old", "-o", "{out}"),
    ),
    Command(
        name="merge", output="plan", workers=True,
        words=("merge", "{inputs}/shard1", "{inputs}/shard2", "-o", "{out}"),
        old=("edit", "{inputs}/plan", "rename", "450802001001001", "Old", "-o", "{out}"),
    ),
    Command(
        name="adopt", output="plan",
        words=("adopt", "{inputs}/plan/plan.gpkg#micro", "--communities",
               "{inputs}/communities.gpkg", "--buildings", "{inputs}/buildings.gpkg", "-o",
               "{out}"),
        old=("edit", "{inputs}/plan", "rename", "450802001001001", "Old", "-o", "{out}"),
    ),
    Command(
        name="edit", output="plan",
        words=("edit", "{inputs}/plan", "rename", "450802001001001", "New", "-o", "{out}"),
        old=("edit", "{inputs}/plan", "rename", "450802001001001", "Old", "-o", "{out}"),
    ),
    Command(
        name="repair to a GeoPackage", output="cells.gpkg",
        words=("repair", "{inputs}/torn.gpkg", "-o", "{out}"),
        old=("repair", "{inputs}/whole.gpkg", "-o", "{out}"),
    ),
    Command(
        name="repair to a shapefile", output="cells.shp",
        words=("repair", "{inputs}/torn.gpkg", "-o", "{out}"),
        old=("repair", "{inputs}/whole.gpkg", "-o", "{out}"),
    ),
    Command(
        name="export to shapefiles", output="export",
        words=("export", "{inputs}/plan", "--format", "shapefile", "-o", "{out}"),
        old=("export", "{inputs}/plan", "--format", "csv", "-o", "{out}"),
    ),
    Command(
        name="export to a workbook", output="export",
        words=("export", "{inputs}/plan", "--format", "xlsx", "--publish", "-o", "{out}"),
        old=("export", "{inputs}/plan", "--format", "gpkg", "-o", "{out}"),
    ),
    Command(
        name="map", output="map.html", words=("map", "{inputs}/plan", "-o", "{out}"),
        old=("map", "{inputs}/plan", "--title", "Old", "-o", "{out}"),
    ),
    Command(
        name="map of a city", output="maps", words=("map", "{inputs}/plan", "-o", "{out}/"),
        old=("map", "{inputs}/plan", "--title", "Old", "-o", "{out}/"),
    ),
    Command(
        name="atlas", output="atlas.pdf",
        words=("atlas", "{inputs}/plan", "--font", "{inputs}/font.ttf", "-o", "{out}"),
        old=("atlas", "{inputs}/plan", "--font", "{inputs}/font.ttf", "--paper", "a3", "-o",
             "{out}"),
    ),
)  # fmt: skip


def write_inputs(folder: Path) -> Path:
    """Write a small town and layers to repair; return the folder."""
    import geopandas as gpd
    import shapely
    from atlas_fonts import make_font

    folder.mkdir(parents=True)
    hostile.communities(folder)
    houses = hostile.houses()
    hostile.buildings(folder, houses)
    grown = houses.assign(households=[10 + 8 * (k % 7 == 0) for k in range(len(houses))])
    grown.to_file(folder / "grown.gpkg", layer="buildings")
    make_font(folder / "font.ttf")
    x, y = hostile.X, hostile.Y
    boxes = [
        shapely.box(x + 10 * a, y + 10 * b, x + 10 * a + 10, y + 10 * b + 10)
        for a in range(12) for b in range(12)
    ]  # fmt: skip
    torn = [shapely.buffer(b, 0.2) if k % 5 == 0 else b for k, b in enumerate(boxes)]
    for name, shapes in (("whole", boxes), ("torn", torn)):
        frame = gpd.GeoDataFrame(
            {"code": [f"{k:03}" for k in range(144)]}, geometry=shapes, crs=hostile.CRS
        )
        frame.to_file(folder / f"{name}.gpkg", layer="cells")
    return folder


def warm_up(folder: Path, commands: tuple[Command, ...]) -> None:
    """Make the plan that commands begin with, and run here what takes long for the first time.

    Copies of this process have it ready then.
    """
    from click.testing import CliRunner
    from plans import tiny_plan

    import gridcell
    from gridcell_cli.main import cli

    # What a run took is in the plan, and different each time.
    time.perf_counter = lambda: 0.0
    whole_way = {"partition", "update", "merge", "adopt", "edit"} & {
        command.name for command in commands
    }
    if not whole_way:
        gridcell.write_plan(tiny_plan(), folder / "plan")
        return
    named = {command.name: command.words for command in COMMANDS}
    to_do = {
        "plan": named["partition"], "updated": named["update"],
        "t.gpkg": named["repair to a GeoPackage"],
        **{f"shard{k}": (*named["partition"], "--shard", f"{k}/2") for k in (1, 2)},
    }  # fmt: skip
    for out, template in to_do.items():
        words = [part.format(inputs=folder, out=folder / out) for part in template]
        done = CliRunner().invoke(cli, words)
        if done.exit_code:
            raise RuntimeError(done.output) from done.exception


def run(
    words: list[str],
    *,
    spoil: Callable[[], object] | None = None,
    meanwhile: Callable[[int], object] | None = None,
) -> tuple[int, str]:
    """Return the exit code of a command, in a copy of this process, and its last words.

    Parameters
    ----------
    words
        The command.
    spoil
        Called in the copy before the command.
    meanwhile
        Called here with the number of the copy's process.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        _command(words, spoil, writer)
    os.close(writer)
    if meanwhile is not None:
        meanwhile(pid)
    with os.fdopen(reader, "rb") as pipe:
        said = _heard(pipe.fileno(), pid)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status), said


def _heard(pipe: int, pid: int) -> str:
    """Return the last words of a process, which is ended when it hangs."""
    import select

    told, end = b"", time.monotonic() + SECONDS
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            os.kill(pid, signal.SIGKILL)
            return "HANGS"
        if not (more := os.read(pipe, 65_536)):
            return told.decode("utf-8", "replace").strip()
        told += more


def _command(words: list[str], spoil: Callable[[], object] | None, writer: int) -> None:
    """Run a command, and end the process."""
    code = 99
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(writer, 2)
        os.close(writer)
        sys.stdout, sys.stderr = (open(fd, "w", closefd=False, encoding="utf-8") for fd in (1, 2))  # noqa: SIM115
        # Python keeps what it could write of a compiled module, and other tests would read that.
        sys.dont_write_bytecode = True
        from gridcell_cli.main import main

        if spoil is not None:
            spoil()
        # What interrupts Python before the command begins is no concern of the command's.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        main(words)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0
    except BaseException as error:  # noqa: BLE001  a traceback is what must not be
        with contextlib.suppress(BaseException):
            os.write(2, f"TRACEBACK {error!r}".encode())
    finally:
        os._exit(code)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where commands are spoiled: their inputs, and what their outputs are when nothing is."""

    inputs: Path
    place: Path
    """The folder in which outputs appear."""
    outputs: dict[str, tuple[Path, dict[str, str]]]
    """By command: the old output in a folder of its own, and the digests of the new one."""
    seconds: dict[str, tuple[float, float]]
    """By command: how long it takes until it begins to write, and until it ends."""

    def words(self, command: Command, place: Path | None = None) -> list[str]:
        """Return the words of a command for an output in the place."""
        out = (place or self.place) / command.output
        said = [part.format(inputs=self.inputs, out=out) for part in command.words]
        return [*said, "--overwrite", "-q"]

    def lay(
        self, command: Command, *, place: Path | None = None, old: bool = True
    ) -> dict[str, str]:
        """Empty the place but for the old output, and return its digests."""
        target = place or self.place
        for path in target.iterdir():
            _remove(path)
        if old:
            shutil.copytree(self.outputs[command.name][0], target, dirs_exist_ok=True)
        return state_of(target)

    def judge(
        self, command: Command, kind: str, before: dict[str, str], ended: tuple[int, str], *,
        killed: bool = False, place: Path | None = None, again: bool = True,
    ) -> Outcome:  # fmt: skip
        """Return what came of a command that was spoiled, and of the run after it.

        Parameters
        ----------
        killed
            Whether hidden leftovers are forgiven: nobody was there to remove them.
        again
            Whether the next run is tried as well.
        """
        target = place or self.place
        new, found = self.outputs[command.name][1], state_of(target)
        code, said = ended
        state = (
            "new" if found == new else "mixture" if found != before
            else "old" if before else "nothing"
        )  # fmt: skip
        outcome = Outcome(command=command.name, kind=kind, state=state, exit=code, said=said)
        if state == "mixture":
            differs = sorted({k for k in {*before, *found} if before.get(k) != found.get(k)})
            outcome.faults.append(f"neither old nor new: {differs[:4]}")
        left = [p.name for p in target.iterdir() if p.name.startswith(".")]
        if left and not killed:
            outcome.faults.append(f"left behind: {left}")
        if code == 0 and state != "new":
            outcome.faults.append("exit 0 and no new output")
        if said == "HANGS" or "TRACEBACK" in said or "This is a bug" in said:
            outcome.faults.append(said[-300:])
        if again:
            code, said = run(self.words(command, target))
            if code or state_of(target) != new:
                outcome.faults.append(f"the next run: exit {code} {said[-200:]}")
        return outcome


def make_bench(folder: Path, commands: tuple[Command, ...] = COMMANDS) -> Bench:
    """Write inputs, and the outputs of commands that nothing spoils."""
    inputs = write_inputs(folder / "inputs")
    warm_up(inputs, commands)
    place = folder / "place"
    place.mkdir()
    bench = Bench(inputs=inputs, place=place, outputs={}, seconds={})
    for command in commands:
        old = folder / "old" / command.name
        old.mkdir(parents=True)
        out = str(old / command.output)
        _must(run([part.format(inputs=inputs, out=out) for part in command.old]), command)
        bench.outputs[command.name] = (old, {})
        bench.lay(command)
        begin = time.monotonic()
        marks: list[float] = []
        watch = partial(_mark, place, marks)
        _must(run(bench.words(command), meanwhile=watch), command)
        bench.outputs[command.name] = (old, state_of(place))
        bench.seconds[command.name] = (marks[-1] - begin, time.monotonic() - begin)
        bench.lay(command)
        _must(run(bench.words(command)), command)
        now = state_of(place)
        if differ := [n for n, d in bench.outputs[command.name][1].items() if now.get(n) != d]:
            raise RuntimeError(f"{command.name} is not the same twice: {differ}")
    return bench


def _mark(place: Path, marks: list[float], pid: int) -> None:
    marks.append(until_it_writes(place, pid))


def _must(ended: tuple[int, str], command: Command) -> None:
    if ended[0]:
        raise RuntimeError(f"{command.name}: exit {ended[0]} {ended[1]}")


def until_it_writes(place: Path, pid: int | None = None) -> float:
    """Wait until something hidden appears in a folder, or the process is over; return when."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if any(path.name.startswith(".") for path in place.iterdir()):
            break
        if pid is not None and _is_over(pid):
            break
        time.sleep(0.001)
    return time.monotonic()


def _is_over(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def state_of(place: Path) -> dict[str, str]:
    """Return the digest of each file that is not hidden."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place)
        # What is kept of a division that was stopped is no part of it.
        if not path.is_file() or name.parts[0].startswith(".") or ".tasks" in name.parts[0]:
            continue
        found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
