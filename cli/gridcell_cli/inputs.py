"""The data of a division and its rules as options: those of every command that divides."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import in_words, said

if TYPE_CHECKING:
    from gridcell import Layers, Rules

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--households", metavar="FILE", help="Household register."),
    click.option("--sites", metavar="FILE", help="Sites that become dedicated cells."),
    click.option(
        "--barriers",
        metavar="FILE",
        multiple=True,
        help="Roads, rivers, railways or walls to place borders along; repeatable.",
    ),
    click.option(
        "--parcels",
        metavar="FILE",
        help="Parcels: borders between their buildings follow the parcel lines.",
    ),
    click.option(
        "--staff",
        metavar="FILE",
        help="Staff roster: the people who can be made responsible for cells.",
    ),
    click.option(
        "--atoms",
        metavar="FILE|h3:RES",
        help="Indivisible pieces of land in place of BUILDINGS: a polygon layer, or H3 hexagons.",
    ),
    click.option(
        "--small",
        metavar="MIN:TARGET:MAX",
        envvar="GRIDCELL_SMALL",
        help="Households in a small cell; 300:400:500 by default.",
    ),
    click.option(
        "--micro",
        metavar="MIN:TARGET:MAX|none",
        envvar="GRIDCELL_MICRO",
        help="Households in a micro cell; 30:40:50 by default.",
    ),
    click.option(
        "--prefer",
        type=click.Choice(["default", "balance", "streets", "compact"]),
        envvar="GRIDCELL_PREFER",
        help="What comes first: even workloads, borders along streets, or compact shapes.",
    ),
    click.option(
        "--heal-width",
        metavar="METRES",
        type=click.FloatRange(min=0),
        envvar="GRIDCELL_HEAL_WIDTH",
        help="Heal gaps and overlaps between communities up to this width; 1 by default.",
    ),
    options.network,
    options.crs,
    options.encoding,
    options.datum,
    options.rules,
    options.seed,
)
_LAYERS: Final = (
    "communities", "buildings", "households", "sites", "barriers", "parcels", "staff", "atoms",
)  # fmt: skip

_FILES: Final = ("households", "sites", "parcels", "staff", "atoms")

UNREAD: Final = "figures_unread"
"""The kind of finding that is told as soon as the files are read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What `division` options were given, as one argument of a command."""

    households: str | None
    sites: str | None
    barriers: tuple[str, ...]
    parcels: str | None
    staff: str | None
    atoms: str | None
    small: str | None
    micro: str | None
    prefer: str | None
    heal_width: float | None
    network: bool | None
    fields: field_option.Fields
    crs: str | None
    encoding: str | None
    datum: str
    rules: Path | None
    seed: int | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return what was given from what `anywhere` returned."""
        names = {field.name for field in dataclasses.fields(cls)}
        given = dict.fromkeys(names) | dict(values)
        return cls(**given | {"barriers": tuple(values["barriers"])})

    def anywhere(self) -> dict[str, Any]:
        """Return, as plain values, how the files are read; not the rules, which are read here."""
        return {
            **{name: anywhere(getattr(self, name)) for name in _FILES},
            "barriers": [anywhere(each) for each in self.barriers],
            "crs": self.crs, "encoding": self.encoding, "datum": self.datum,
        }  # fmt: skip

    def read_rules(self, base: "Rules | None" = None) -> "Rules":
        """Return the rules: those of `base`, below what was given."""
        from gridcell.rules import read_rules

        return read_rules(
            self.rules, base=base, small=self.small, micro=self.micro, prefer=self.prefer,
            seed=self.seed, boundaries__heal_width=self.heal_width,
            walking__network=self.network or None,
            **field_option.as_settings(self.fields),
        )  # fmt: skip

    def read_layers(self, communities: str, buildings: str | None, rules: "Rules") -> "Layers":
        """Return the checked inputs."""
        from gridcell.read import read_layers

        return read_layers(
            communities, buildings, households=self.households, sites=self.sites,
            barriers=list(self.barriers), parcels=self.parcels, staff=self.staff,
            atoms=self.atoms, rules=rules, crs=self.crs, encoding=self.encoding, datum=self.datum,
        )  # fmt: skip


def anywhere(given: str | None) -> str | None:
    """Return ``FILE#LAYER`` with the whole path of the file, whatever folder one is in."""
    from gridcell.read.files import split_layer

    if given is None:
        return None
    path, layer = split_layer(given)
    if not path.exists():
        return given
    return str(path.resolve()) if layer is None else f"{path.resolve()}#{layer}"


def tell_unread(layers: "Layers", *, quiet: bool) -> None:
    """Say which figures of the buildings nobody reads, before households are estimated."""
    from gridcell.errors import Hint
    from gridcell.words.messages import Message

    for finding in () if quiet else layers.findings:
        if finding.kind == UNREAD:
            # Only of a register it is a note: there each line counts, whatever else is in it.
            place = "households.count" if finding.severity == "note" else "buildings.households"
            hint = Hint(f"fields.{place}", "COLUMN")
            hints = options.as_options([hint], click.get_current_context().command)
            text = finding.text
            text = Message("error.hinted", error=text, hints=hints) if hints else text
            click.echo(in_words(text), err=True)


def division(function: _Command) -> _Command:
    """Add every option of the data and the rules; the command gets them as ``given``."""
    return division_of()(function)


def division_of(*layers: str, buildings: str = "BUILDINGS") -> Callable[[_Command], _Command]:
    """Return `division` for a command that reads further layers.

    Parameters
    ----------
    layers
        Names of these layers, for ``--field``.
    buildings
        What the command calls its buildings.
    """
    every = (*_OPTIONS, field_option.option(*layers, *_LAYERS))

    def decorate(function: _Command) -> _Command:
        @functools.wraps(function)
        def command(*args: Any, **settings: Any) -> Any:
            own = {field.name: settings.pop(field.name) for field in dataclasses.fields(Given)}
            given = Given(**own)
            if given.atoms is not None and settings.get("buildings") is not None:
                raise click.UsageError(said("not_both", a=buildings, b="--atoms"))
            return function(*args, given=given, **settings)

        wrapped: Any = command
        for option in reversed(every):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate
