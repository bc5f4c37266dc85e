"""The settings of a division: one validated model, read from TOML, environment and flags."""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gridcell.arguments import checked
from gridcell.errors import InputError, RulesError
from gridcell.schema import FIELDS, LOADED
from gridcell.words.faults import fault_text, input_text
from gridcell.words.messages import Message, Value, joined
from gridcell.workload import Workload, read_workload

_LISTED: Final = 10
"""How many faults of a kind a message lists."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


WANTED_BAND: Final = (0.75, 1.25)
"""The band, relative to the target, where a number of cells is wanted."""


class Band(_Section):
    """How many households a cell should have: the inclusive range and the number aimed at.

    With `Rules.load`, how much load.

    Examples
    --------
    >>> import gridcell
    >>> gridcell.Band(min=300, target=400, max=500) == gridcell.Band.parse("300:400:500")
    True
    """

    min: Annotated[float, Field(ge=0)]
    """Fewest households."""
    target: Annotated[float, Field(gt=0)]
    """Households aimed at."""
    max: Annotated[float, Field(gt=0)]
    """Most households."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.target <= self.max:
            raise ValueError(
                Message("invalid.band_order", min=self.min, target=self.target, max=self.max)
            )
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the band written as ``MIN:TARGET:MAX``."""
        try:
            low, target, high = (float(part) for part in text.split(":"))
            return cls.model_validate({"min": low, "target": target, "max": high})
        except ValidationError as error:
            raise RulesError(_explain(error, Message("part.band", given=text))) from None
        except ValueError:
            raise RulesError(Message("error.band_format", given=text)) from None


def _from_text(value: object) -> object:
    return Band.parse(value) if isinstance(value, str) else value


def _or_none(value: object) -> object:
    return None if value == "none" else _from_text(value)


class ClassBands(_Section):
    """The bands of communities of one class, such as urban or rural ones."""

    small: Annotated[Band | None, BeforeValidator(_from_text)] = None
    """``None`` where the class has the same as all others."""
    micro: Annotated[Band | None, BeforeValidator(_from_text)] = None
    """``None`` where the class has the same as all others."""


class Boundaries(_Section):
    """How communities that do not quite fit together are treated."""

    heal_width: Annotated[float, Field(ge=0)] = 1.0
    """Gaps and overlaps narrower than this are healed, metres."""


class Sites(_Section):
    """How sites become dedicated cells."""

    min_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """A part of a site in another community below this share of it makes no cell of its own."""
    absorb_m2: Annotated[float, Field(ge=0)] = 2000.0
    """Land without households, cut off by a site and smaller than this, joins the site."""
    margin_m: Annotated[float, Field(ge=0)] = 20.0
    """Open land along a site, up to the street and narrower than this, is part of its cell."""


class Households(_Section):
    """How households are placed, and estimated where nobody counted them."""

    nearest_m: Annotated[float, Field(ge=0)] = 50.0
    """A household's point outside every building goes to the nearest one within this distance."""
    m2_per_household: Annotated[float, Field(gt=0)] = 110.0
    """Gross floor area of one household, for estimates."""
    metres_per_floor: Annotated[float, Field(gt=0)] = 3.0
    """Storey height that turns building heights into floors, for estimates."""
    min_footprint_m2: Annotated[float, Field(ge=0)] = 25.0
    """Smaller buildings (sheds, garages) are estimated to hold nobody."""
    max_footprint_m2: Annotated[float, Field(gt=0)] = 20_000.0
    """Larger footprints (fields, harbours, estates) are estimated to hold nobody."""
    estimate: Literal["sparse", "missing", "never"] = "sparse"
    """Whose households are estimated: of buildings without a figure where few have one, of all
    buildings without a figure, or of none."""
    complete_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Figures on this share of the buildings that may be lived in are no sparse ones: then a
    building without a figure holds nobody."""
    calibrate_from: Annotated[int, Field(ge=1)] = 30
    """So many figures tell the floor area of a household; with fewer it is `m2_per_household`."""


class FabricRules(_Section):
    """How the land is cut into atoms."""

    oversize: Literal["slab", "whole"] = "slab"
    """Cut buildings that hold more than a micro cell may into slabs, or leave them whole."""
    frontage_m: Annotated[float, Field(gt=0)] = 8.0
    """Longest stretch of street without a point at which land of two owners may meet."""


class Weights(_Section):
    """What the search weighs against each other."""

    balance: Annotated[float, Field(ge=0)] = 2.0
    """Squared relative deviation from the target."""
    band: Annotated[float, Field(ge=0)] = 20.0
    """Relative distance outside the band."""
    shape: Annotated[float, Field(ge=0)] = 1.0
    """Perimeter squared over 4 pi area, the perimeter discounted on barriers."""
    barrier: Annotated[float, Field(gt=0, le=1)] = 0.5
    """What a metre of border on a street costs compared with one off it; on a river less."""
    stay: Annotated[float, Field(ge=0)] = 20.0
    """In an update, share of a cell's households, relative to the target, that change the cell."""


PREFERENCES: dict[str, dict[str, float]] = {
    "default": {},
    "balance": {"balance": 20.0, "shape": 0.3, "barrier": 0.8},
    "streets": {"balance": 1.0, "barrier": 0.25},
    "compact": {"balance": 1.0, "barrier": 1.0},
}
"""Named settings of the weights; what is set by itself comes before them."""


class Codes(_Section):
    """How cells are numbered."""

    small_digits: Annotated[int, Field(ge=1, le=6)] = 3
    """Digits that a small cell adds to the code of its community."""
    micro_digits: Annotated[int, Field(ge=1, le=6)] = 3
    """Digits that a micro cell adds to the code of its small cell."""
    general_first: Annotated[int, Field(ge=0)] = 1
    """Number of the first general cell of a community."""
    general_last: Annotated[int, Field(ge=1)] = 799
    """Greatest number of a general cell."""
    dedicated_first: Annotated[int, Field(ge=1)] = 801
    """Number of the first dedicated cell of a community."""
    dedicated_last: Annotated[int, Field(ge=1)] = 999
    """Greatest number of a dedicated cell."""


class Walking(_Section):
    """How people walk."""

    speed_kmh: Annotated[float, Field(gt=0, le=20)] = 4.5
    """How fast they walk along the streets, kilometres an hour."""
    network: bool = False
    """People are assigned by the way along the streets, in place of the distance as the crow
    flies."""


class Role(_Section):
    """An office: which cells it serves, how many people each wants, and who may be one of them."""

    name: str
    """As rosters write it; case does not matter."""
    level: Literal["large", "medium", "small", "micro"]
    """Level of the cells that it serves."""
    grid_type: Literal["general", "dedicated"] | None = None
    """Type of these cells; ``None`` for all."""
    posts: Annotated[int, Field(ge=1)] = 1
    """People that each cell wants; with `per_households`, the least number."""
    per_households: Annotated[float, Field(gt=0)] | None = None
    """One post for so many households of the cell, rounded up."""
    held_by: tuple[str, ...] = ()
    """Names in the staff roster, besides its own, whose bearers may hold it."""
    within: Literal["community", "large"] = "community"
    """Whether its holders belong to the community of the cell, or to its large cell."""
    exclusive: tuple[str, ...] = ()
    """Roles that nobody may hold together with this one."""
    max_cells: Annotated[int, Field(ge=1)] = 1
    """Posts of this role that one person can hold; the staff roster limits those of all roles."""
    carries: bool = True
    """Whether the cell's households count towards what its holder can carry."""
    max_households: Annotated[int, Field(ge=0)] | None = None
    """Households that one person can carry in this role; the roster limits those of all roles."""
    everyone: bool = False
    """Everybody of the role serves, also beyond the number that is wanted."""
    optional: bool = False
    """Posts exist only where somebody on the staff roster may hold them."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return _role_name(name)

    @field_validator("held_by", "exclusive")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(_role_name, names)))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name in self.exclusive:
            raise ValueError(Message("invalid.role_excludes_itself", role=self.name))
        if self.grid_type == "dedicated" and self.level in ("large", "medium"):
            raise ValueError(Message("invalid.role_no_dedicated", role=self.name, level=self.level))
        if self.max_households is not None and not self.carries:
            raise ValueError(Message("invalid.role_max_households", role=self.name))
        one_cell = self.level == "large" or (self.level == "medium" and self.within == "community")
        if self.everyone and not one_cell:
            raise ValueError(Message("invalid.role_everyone", role=self.name))
        return self


def _role_name(name: str) -> str:
    plain = name.strip().lower()
    if not plain or any(mark in plain for mark in ";,|、，；/"):
        raise ValueError(Message("invalid.role_name", given=name))
    return plain


def _known_roles(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    names = [role.name for role in roles]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(Message("invalid.roles_twice", roles=twice))
    for role in roles:
        if unknown := [name for name in role.exclusive if name not in names]:
            raise ValueError(
                Message("invalid.role_unknown", role=role.name, unknown=unknown, roles=names)
            )
    return roles


def _or_nothing(value: object) -> object:
    return None if value == "" else value


def _as_load(text: str) -> str:
    read_workload(text)
    return text


SIX_CHIEFS_AND_TWO_MEMBERS = (
    Role(name="large_chief", level="large", carries=False, optional=True),
    Role(name="community_chief", level="medium", carries=False),
    Role(name="small_chief", level="small", grid_type="general"),
    Role(name="dedicated_chief", level="small", grid_type="dedicated"),
    Role(name="micro_chief", level="micro"),
    Role(name="building_chief", level="micro", optional=True),
    Role(
        name="worker", level="medium", per_households=12_000, carries=False, everyone=True,
        exclusive=("police",),
    ),
    Role(name="police", level="medium", carries=False),
)  # fmt: skip
"""六长两员: chiefs of the cells of all levels and types and of the buildings in a micro cell,
full-time workers and police officers. Large and building chiefs where a roster has any."""


class Rules(_Section):
    """Every setting of a division, with its default.

    Examples
    --------
    >>> import gridcell
    >>> rules = gridcell.Rules(small=gridcell.Band(min=200, target=250, max=300), micro=None)
    >>> rules.small.target, rules.micro, rules.boundaries.heal_width
    (250.0, None, 1.0)
    """

    small: Annotated[Band, BeforeValidator(_from_text)] = Band(min=300, target=400, max=500)
    """Households of a small cell: least, wanted, most."""
    micro: Annotated[Band | None, BeforeValidator(_or_none)] = Band(min=30, target=40, max=50)
    """Households of a micro cell; ``None`` (``none`` in a file) stops the division at level 3."""
    classes: dict[str, ClassBands] = Field(default_factory=dict)
    """Bands by the ``class`` of a community: ``{class: {small, micro}}``. A community's own columns
    come before them, `small` and `micro` after them."""
    load: Annotated[
        Annotated[str, AfterValidator(_as_load)] | None, BeforeValidator(_or_nothing)
    ] = None
    """What bands count in place of households: an expression over columns of buildings and
    ``street_m``, such as ``households + 0.5 * units + street_m / 100``. `gridcell.workload`."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Random seed: the same gives the same division."""
    search: Annotated[int, Field(ge=0)] = 1500
    """Sweeps of the search: proposals per atom."""
    prefer: Literal["default", "balance", "streets", "compact"] = "default"
    """Even workloads, borders on streets, or compact shapes before the others: sets the weights."""
    fields: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Column names of the inputs: ``{input: {our name: the file's name}}``."""
    boundaries: Boundaries = Boundaries()
    """How communities that do not quite fit together are treated."""
    sites: Sites = Sites()
    """How sites become dedicated cells."""
    households: Households = Households()
    """How households are placed, and estimated where nobody counted them."""
    fabric: FabricRules = FabricRules()
    """How the land is cut into atoms."""
    weights: Weights = Weights()
    """What the search weighs against each other."""
    codes: Codes = Codes()
    """How cells are numbered."""
    walking: Walking = Walking()
    """How people walk."""
    staffing: Annotated[tuple[Role, ...], AfterValidator(_known_roles)] = SIX_CHIEFS_AND_TWO_MEMBERS
    """The offices, in the order in which reports list them; a list that is given replaces all."""

    @property
    def workload(self) -> Workload | None:
        """The expression of `load`, read; ``None`` where bands count households."""
        return None if self.load is None else read_workload(self.load)

    @model_validator(mode="before")
    @classmethod
    def _preferred(cls, settings: Any) -> Any:
        """Fill the weights of a named setting in below those that are given."""
        if not isinstance(settings, Mapping):
            return settings
        named = PREFERENCES.get(str(settings.get("prefer", "default")), {})
        given = settings.get("weights", {})
        if not isinstance(given, Mapping):
            return settings
        return {**settings, "weights": {**named, **given}}

    @classmethod
    def build(cls, settings: Mapping[str, Any], *, source: str = "rules") -> Self:
        """Return the rules with these settings, the rest at its default.

        Raises
        ------
        RulesError
            Listing every fault at once: key, problem, what was given.
        """
        faults: list[Message] = []
        try:
            rules = cls.model_validate(settings)
        except ValidationError as error:
            faults += _faults(error, source)
        faults += _mapping_faults(settings.get("fields"), source, _load_names(settings))
        if faults:
            raise RulesError(joined("lines", faults))
        return rules

    def require_classes(
        self, classes: Iterable[tuple[str, str]], *, label: Value = "communities"
    ) -> None:
        """Raise `InputError` where communities are of a class that has no bands in the rules.

        Rules without any classes ask for none: then communities may name what they like.

        Parameters
        ----------
        classes
            Code and class of each community that names one.
        label
            What the error calls the communities.

        Examples
        --------
        >>> urban = Rules(classes={"urban": ClassBands(micro=Band(min=40, target=50, max=60))})
        >>> urban.require_classes([("450802001013", "urban")])
        """
        if not self.classes:
            return
        unknown = [
            Message("part.class_of", community=code, name=name)
            for code, name in classes
            if name not in self.classes
        ]
        if unknown:
            rest = len(unknown) - _LISTED
            more = Message("part.more", n=rest) if rest > 0 else ""
            raise InputError(
                Message(
                    "error.unknown_class",
                    label=label,
                    values=joined("clauses", unknown[:_LISTED]),
                    more=more,
                    classes=list(self.classes),
                )
            )

    def _repr_html_(self) -> str:
        # geopandas behind it takes longer to import than all else here.
        from gridcell.display.cards import rules_html

        return rules_html(_settings(self), _settings(type(self)()))


def _settings(section: BaseModel) -> dict[str, object]:
    """Return the settings of a section, those within it as mappings, bands as they are written."""

    def plain(value: object) -> object:
        if isinstance(value, Band):
            return f"{value.min:g}:{value.target:g}:{value.max:g}"
        if isinstance(value, BaseModel):
            return _settings(value)
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value

    return {name: plain(value) for name, value in section}


@checked
def read_rules(
    path: str | Path | None = None, *, base: Rules | None = None, **overrides: object
) -> Rules:
    """Return the rules: defaults, then the TOML file, then ``GRIDCELL_*``, then `overrides`.

    Parameters
    ----------
    path
        A TOML file whose tables are the sections of `Rules`.
    base
        Rules to begin with instead of the defaults, such as those of a plan. Another preference
        than theirs brings its own weights.
    **overrides
        Settings by name; a dotted name is written with two underscores
        (``boundaries__heal_width=2``). ``None`` means not given.

    Raises
    ------
    RulesError
        A file that is missing or no TOML, an unknown key, a value of the wrong kind.

    Examples
    --------
    >>> import gridcell
    >>> rules = gridcell.read_rules(small="200:250:300", boundaries__heal_width=2)
    >>> rules.small, rules.boundaries
    (Band(min=200.0, target=250.0, max=300.0), Boundaries(heal_width=2.0))
    """
    settings: dict[str, Any] = {}
    source = "rules"
    if path is not None:
        source = str(path)
        try:
            settings = tomllib.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise RulesError(
                Message("error.rules_unreadable", path=path, error=error.strerror or error)
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RulesError(Message("error.not_toml", path=path, error=error)) from None
    for key, text in sorted(os.environ.items()):
        if key.startswith("GRIDCELL_") and (name := key[9:].lower()) in _FROM_ENVIRONMENT:
            _put(settings, name, text)
    for name, value in overrides.items():
        if value is not None:
            _put(settings, name, value)
    return Rules.build(settings if base is None else _over(base, settings), source=source)


def _over(base: Rules, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of some rules with others put over them, key by key in each section."""
    under = base.model_dump()
    if settings.get("prefer", base.prefer) != base.prefer:
        del under["weights"]
    return _merged(under, settings)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(under)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(out.get(name), Mapping)
        out[name] = _merged(out[name], value) if both else value
    return out


_FROM_ENVIRONMENT = {"seed", "small", "micro", "search", "prefer", "boundaries__heal_width"}


def _put(settings: dict[str, Any], name: str, value: object) -> None:
    *sections, key = name.split("__")
    for section in sections:
        # What is no table there is a fault of the file, which is told with the others.
        inner = settings.setdefault(section, {})
        if not isinstance(inner, dict):
            return
        settings = inner
    settings[key] = value


def _load_names(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of buildings that a load is made of, none where it is no expression."""
    try:
        return read_workload(str(settings["load"])).names
    except (KeyError, ValueError):
        return ()


def _mapping_faults(fields: object, source: Value, more: Sequence[str]) -> list[Message]:
    """Return a fault for each input and column of a mapping that nobody reads."""
    faults = []
    for role, names in fields.items() if isinstance(fields, Mapping) else ():
        columns = FIELDS.get(str(role))
        known = None if columns is None else (*columns, *(more if role in LOADED else ()))
        wrong: list[tuple[str, Iterable[str]]] = []
        if known is None:
            wrong.append((f"fields.{role}", FIELDS))
        elif isinstance(names, Mapping):
            wrong += [(f"fields.{role}.{name}", known) for name in names if name not in known]
        faults += [
            Message(
                "error.setting_unknown", source=source, where=where, expected=tuple(expected)
            )
            for where, expected in wrong
        ]  # fmt: skip
    return faults


def as_rules(given: "Rules | Mapping[str, Any] | None", base: "Rules | None" = None) -> "Rules":
    """Return rules that are given as such, or as a mapping of settings over some others.

    Raises
    ------
    RulesError
        Settings that are unknown or ill-typed, all of them.
    """
    if isinstance(given, Rules):
        return given
    under = base or Rules()
    return under if given is None else Rules.build(_over(under, given))


def _explain(error: ValidationError, source: Value) -> Message:
    return joined("lines", _faults(error, source))


def _faults(error: ValidationError, source: Value) -> list[Message]:
    faults = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or Message("part.settings")
        inner = fault.get("ctx", {}).get("error")
        if isinstance(inner, RulesError):
            # A band that is no band says what it was.
            faults.append(
                Message("error.setting", source=source, where=where, fault=inner.text, got="")
            )
            continue
        unknown = fault["type"] == "extra_forbidden"
        said = Message("invalid.unknown_setting") if unknown else fault_text(fault)
        faults.append(
            Message(
                "error.setting", source=source, where=where, fault=said,
                got=input_text(fault["input"]),
            )
        )  # fmt: skip
    return faults
