"""Mutation score: which share of small faults, put into a package one by one, its tests notice.

The mutants are Cosmic Ray's (its operators and its parser), a sample of them drawn with a random
seed. Each is written into a copy of the sources and run in a fork of a process that has loaded the
libraries but not gridcell. Of the tests only those run that reach the function with the mutant,
the shortest first, until one fails. POSIX only; `pip install --group mutation`.
"""

import argparse
import ast
import contextlib
import importlib
import os
import pickle
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Before numpy is loaded: a fork must find no threads.
os.environ |= dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)  # fmt: skip

import coverage
import hypothesis
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from scipy.stats import binomtest

PACKAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "coverage": (
        ("gridcell/coverage",),
        ("tests/test_check_layer.py", "tests/test_read_fit.py", "tests/test_repair.py",
         "tests/test_repair_command.py", "tests/test_cells.py", "tests/test_check.py",
         "tests/test_crosswalk.py", "tests/test_mend.py", "tests/test_settle.py"),
    ),
    "check": (
        ("gridcell/check",),
        ("tests/test_check.py", "tests/test_check_layer.py", "tests/test_check_plan.py"),
    ),
    "disclosure": (
        ("gridcell/disclosure",),
        ("tests/test_publish_audit.py", "tests/test_suppress.py", "tests/test_publish.py",
         "tests/test_publish_attacks.py", "tests/test_publish_export.py"),
    ),
    "codes": (
        ("gridcell/cells/codes.py", "gridcell/cells/iso7064.py", "gridcell/cells/numbering.py"),
        ("tests/test_codes.py", "tests/test_frames.py", "tests/test_cli.py"),
    ),
    "certificate": (
        ("gridcell/certificate",),
        ("tests/test_certificate.py", "tests/test_check_plan.py", "tests/test_write.py"),
    ),
}  # fmt: skip
"""For each package its sources and the tests that concern it."""

_COMPARISONS = {
    "Lt": ("LtE", "GtE"), "LtE": ("Lt", "Gt"), "Gt": ("GtE", "LtE"), "GtE": ("Gt", "Lt"),
    "Eq": ("NotEq",), "NotEq": ("Eq",), "Is": ("IsNot",), "IsNot": ("Is",),
}  # fmt: skip
_ARITHMETIC = {
    "Add": ("Sub",), "Sub": ("Add",), "Mul": ("Div",), "Div": ("Mul",), "FloorDiv": ("Mul",),
    "Mod": ("Mul",), "BitAnd": ("BitOr",), "BitOr": ("BitAnd",), "Pow": ("Mul",),
}  # fmt: skip
OPERATORS = (
    *(f"ReplaceComparisonOperator_{a}_{b}" for a, bs in _COMPARISONS.items() for b in bs),
    *(f"ReplaceBinaryOperator_{a}_{b}" for a, bs in _ARITHMETIC.items() for b in bs),
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceUnaryOperator_USub_UAdd", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak", "ZeroIterationForLoop", "NumberReplacer", "AddNot",
    "ExceptionReplacer",
)  # fmt: skip
"""Faults that somebody could make; others of Cosmic Ray's (`a >> b` for `a + b`) nobody would."""

COPIED = ("gridcell", "cli", "tests", "data", "docs", "notebooks", "benchmarks", "pyproject.toml",
          "README.md", "CHANGELOG.md", "CONTRIBUTING.md")  # fmt: skip
MEMORY = 6 * 2**30
"""Bytes that a run of tests may take."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One small fault."""

    path: str
    start: tuple[int, int]
    operator: str
    occurrence: int

    def code(self, source: str) -> str:
        """Return the source with the fault."""
        mutated = mutate_code(source, get_operator(f"core/{self.operator}")(), self.occurrence)
        assert mutated is not None
        return mutated


def find_mutants(path: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module; none is in an annotation or a decorator.

    Nothing runs annotations; and whether a dataclass has slots, no test should have to say.
    """
    tree = get_ast(source)
    notes = _notes(source)
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        places = (place for node in ast_nodes(tree) for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= tuple(start) < last for first, last in notes):
                yield Mutant(path, tuple(start), name, occurrence)


def _notes(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations and decorators begin and end."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign | ast.arg):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            found += [node.returns, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            found += node.decorator_list
    # Columns of ast are bytes, of Cosmic Ray characters: our annotations are ASCII.
    return [
        ((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in found if n
    ]


def function_lines(source: str, line: int) -> range | None:
    """Return the lines of the innermost function around a line's body, if there is one."""
    best = None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
            if line in body and (best is None or len(body) < len(best)):
                best = body
    return best


@dataclass
class Reached:
    """What the tests reach, and how long they take, in a run without a fault."""

    lines: dict[str, dict[int, list[str]]]
    """For each module and line the tests, and the files of tests whose fixtures, that reach it."""
    seconds: dict[str, float]
    """CPU seconds of each test that passed, in the order in which they ran."""
    others: int
    """How many tests failed or were skipped; they tell nothing."""
    libraries: list[str]
    """Modules of other people that the tests load."""

    def tests(self, path: str, lines: range | None) -> list[str]:
        """Return the tests that reach any of some lines, or where these are none, of the module."""
        known = self.lines.get(path, {})
        names = {name for line in lines or known for name in known.get(line, ())}
        return [t for t in self.seconds if t in names or t.split("::", 1)[0] in names]


@dataclass
class Watch:
    """A plugin of pytest that tells coverage which test runs, and how long each takes."""

    cover: coverage.Coverage
    seconds: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        start = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - start

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # What a fixture of a module does serves all its tests.
        self.cover.switch_context(item.nodeid.split("::", 1)[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.cover.switch_context(item.nodeid)


def run_tests(tests: list[str], *options: str, plugin: object | None = None) -> int:
    """Run tests in this process, on the sources in the working directory."""
    sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "cli")]  # noqa: PTH109, PTH118
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    # Looking for the smallest example takes time and tells nothing here.
    hypothesis.settings.register_profile(
        "mutation", database=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
    )
    options += (
        "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutation",
        "-W", "ignore::pytest.PytestAssertRewriteWarning",
    )  # fmt: skip
    return int(pytest.main([*options, *tests], plugins=[plugin] if plugin else []))


def reach(modules: list[str], tests: list[str]) -> Reached:
    """Run the tests without a fault."""
    cover = coverage.Coverage(
        data_file=".coverage", config_file=False, include=[f"*/{m}" for m in modules]
    )
    watch = Watch(cover)
    cover.start()
    run_tests(tests, plugin=watch)
    cover.stop()
    data = cover.get_data()
    lines = {
        str(Path(file).relative_to(Path.cwd())): data.contexts_by_lineno(file)
        for file in data.measured_files()
    }
    passed = {test: cpu for test, cpu in watch.seconds.items() if test not in watch.failed}
    libraries = [
        name
        for name, module in sorted(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "") and "pytest" not in name
    ]
    return Reached(lines, passed, len(watch.failed), libraries)


def in_fork(work: Callable[[], int], log: Path, *, limit: float | None = None) -> int:
    """Return the exit code of work done in a fork: 1 too when it took more than its CPU seconds."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
                resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
                sys.dont_write_bytecode = True
            code = work()
        except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


def copy_sources(root: Path, to: Path) -> None:
    """Copy what tests need."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).is_file():
            shutil.copy2(root / name, to / name)


def load(libraries: list[str]) -> None:
    """Load what every fork would load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in libraries:
            # What a library makes as it goes along cannot be loaded by its name.
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def survives(mutant: Mutant, reached: Reached, log: Path) -> tuple[bool, list[str]]:
    """Return whether all tests that reach a mutant pass, and these."""
    file = Path(mutant.path)
    source = file.read_text(encoding="utf-8")
    tests = reached.tests(mutant.path, function_lines(source, mutant.start[0]))
    if not tests:
        return True, tests
    # File by file, so that fixtures of a module are made once; the short ones first.
    cost: dict[str, float] = defaultdict(float)
    for test in tests:
        cost[test.split("::", 1)[0]] += reached.seconds[test]
    tests.sort(key=lambda t: (cost[t.split("::", 1)[0]], t.split("::", 1)[0], reached.seconds[t]))
    limit = 20 + 4 * sum(cost.values())
    try:
        file.write_text(mutant.code(source), encoding="utf-8")
        for stale in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            stale.unlink()
        code = in_fork(lambda: run_tests(tests, "-x"), log, limit=limit)
    finally:
        file.write_text(source, encoding="utf-8")
    return code == 0, tests


def show(mutant: Mutant, source: str) -> str:
    """Return where a mutant is, and the first line that it changes."""
    pairs = zip(source.split("\n"), mutant.code(source).split("\n"), strict=False)
    old, new = next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))
    place = f"{mutant.path}:{mutant.start[0]}: {mutant.operator} {mutant.occurrence}"
    return f"{place}\n    - {old}\n    + {new}"


def main() -> None:
    """Measure one package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", choices=PACKAGES, required=True)
    parser.add_argument("--sample", type=int, default=60, help="mutants to try; 0 tries all")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).parents[1], help="another checkout"
    )
    parser.add_argument("--code", nargs="+", help="other files or folders than the package's own")
    parser.add_argument("--tests", nargs="+", help="other tests than the package's own")
    given = parser.parse_args()
    sources, tests = PACKAGES[given.package]
    sources, tests = given.code or sources, list(given.tests or tests)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy_sources(given.root.resolve(), Path(folder))
        os.chdir(folder)
        modules = sorted(
            str(file)
            for name in sources
            for file in ([Path(name)] if name.endswith(".py") else Path(name).rglob("*.py"))
        )
        mutants = sorted(
            mutant
            for module in modules
            for mutant in find_mutants(module, Path(module).read_text(encoding="utf-8"))
        )
        size = len(mutants) if not given.sample else min(given.sample, len(mutants))
        # Of no cryptographic use.
        chosen = sorted(random.Random(given.random_seed).sample(mutants, size))  # noqa: S311
        reached = measure(modules, tests)
        print(
            f"{given.package}: {len(modules)} modules, {len(mutants):,} mutants, {size} tried; "
            f"{len(reached.seconds)} tests in {sum(reached.seconds.values()):.0f} CPU s"
            + (f", {reached.others} that fail or are skipped left out" * bool(reached.others)),
            flush=True,
        )
        load(reached.libraries)
        survivors = 0
        for mutant in chosen:
            alive, ran = survives(mutant, reached, Path(folder, "log"))
            if alive:
                survivors += 1
                source = Path(mutant.path).read_text(encoding="utf-8")
                print(f"survived ({len(ran)} tests) {show(mutant, source)}", flush=True)
    killed = size - survivors
    low, high = binomtest(killed, size).proportion_ci(method="wilson")
    print(
        f"{given.package}: killed {killed}, survived {survivors} of {size}: score "
        f"{killed / size:.0%}, 95 % interval {low:.0%} to {high:.0%} "
        f"({time.monotonic() - start:.0f} s)"
    )


def measure(modules: list[str], tests: list[str]) -> Reached:
    """Return what the tests reach, found out in a fork so that gridcell is not loaded here."""
    log, file = Path("log"), Path("reached")

    def work() -> int:
        found = reach(modules, tests)
        file.write_bytes(pickle.dumps(found))
        return 0

    if in_fork(work, log) != 0 or not file.is_file():
        sys.exit(log.read_text(encoding="utf-8"))
    return pickle.loads(file.read_bytes())  # noqa: S301 - written above


if __name__ == "__main__":
    main()
