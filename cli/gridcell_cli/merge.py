"""``gridcell merge``: shards of a division joined to its plan, and proven."""

import time
from pathlib import Path

import click

from gridcell_cli import inputs, options
from gridcell_cli.partition import finish_division, told_division
from gridcell_cli.progress import ProgressLine
from gridcell_cli.workers import pool_of


@click.command("merge")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True, type=options.FILE)
@options.output("DIR")
@options.lang
@options.workers
@options.overwrite
@options.common
def command(
    shards: tuple[Path, ...],
    output: Path,
    lang: str,
    workers: int,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Join the SHARDs of a division to one plan and prove it.

    Reads the files again that the shards were made from, at the same paths, and writes into DIR
    what "gridcell partition" would have written on one machine. Communities that failed in a shard
    are tried again.
    """
    from gridcell.errors import InputError
    from gridcell.folder import require_free
    from gridcell.rules import Rules
    from gridcell.shards import TASKS, read_shards
    from gridcell.words.messages import Message

    begin = time.perf_counter()
    shard = read_shards(shards)[0]
    rules = Rules.model_validate_json(shard.rules)
    told = shard.settings
    require_free(output, overwrite=overwrite)
    with ProgressLine(quiet=quiet) as progress:
        progress("reading", 0, 0)
        layers = inputs.Given.of(told["given"]).read_layers(
            told["communities"], told["buildings"], rules
        )
        for then, now in zip(shard.inputs, layers.inputs, strict=True):
            if then["sha256"] != now.sha256:
                raise InputError(Message("error.input_changed", path=now.path, folder=shards[0]))
        kept = output.with_name(f"{output.name}.tasks")
        known = [folder / TASKS for folder in shards]
        with pool_of(workers, layers, kept, known=known) as pool:
            plan = told_division(
                layers, rules, output, valid_from=told["valid_from"], atoms=told["atoms"],
                overwrite=overwrite, lang=lang, pool=pool, progress=progress,
            )  # fmt: skip
    finish_division(plan, output, begin, as_json=as_json, quiet=quiet)
