"""What each algorithm asks for, and how the command takes it. Nothing here needs QGIS."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Parameter:
    """A parameter of an algorithm and the option of the command that it becomes."""

    name: str
    kind: str
    """What it takes: see `gridcell_qgis.algorithm`."""
    option: str = ""
    """The option's name; none for an argument."""
    optional: bool = True
    advanced: bool = False
    choices: tuple[str, ...] = ()
    default: str | float | bool | None = None


@dataclass(frozen=True)
class Algorithm:
    """A command as an algorithm."""

    command: str
    group: str
    parameters: tuple[Parameter, ...]
    shows: tuple[str, ...] = ()
    """Layers of the output that are loaded, the uppermost first."""
    either: tuple[str, ...] = ()
    """Of these parameters one is needed, and only one may be given."""
    output_is_stdout: bool = False
    """The output holds what the command prints."""
    has_language: bool = True
    """The command's files have a language."""

    @property
    def output(self) -> Parameter:
        """The parameter of the main output."""
        return next(each for each in self.parameters if each.name == "OUTPUT")


def _needed(parameter: Parameter) -> Parameter:
    return replace(parameter, optional=False)


_COMMUNITIES = Parameter("COMMUNITIES", "polygons")
_BUILDINGS = Parameter("BUILDINGS", "polygons")
_CELLS = Parameter("CELLS", "polygons")
_PLAN = Parameter("PLAN", "plan", optional=False)
_FOLDER = Parameter("OUTPUT", "folder", "--output", optional=False)
# Of a file QGIS's own dialog asks whether to replace it, of a folder nobody does.
_OVERWRITE = Parameter("OVERWRITE", "yes", "--overwrite", advanced=True, default=True)
_REPLACE = Parameter("OVERWRITE", "yes", "--overwrite", default=False)
_FIELDS = Parameter("FIELDS", "lines", "--field", advanced=True)
_CRS = Parameter("CRS", "crs", "--crs", advanced=True)
_ENCODING = Parameter("ENCODING", "text", "--encoding", advanced=True)
_READING = (_FIELDS, _CRS, _ENCODING)
_DATA = (
    Parameter("HOUSEHOLDS", "table", "--households"),
    Parameter("SITES", "polygons", "--sites"),
    Parameter("BARRIERS", "layers", "--barriers"),
    Parameter("PARCELS", "layer", "--parcels", advanced=True),
    Parameter("STAFF", "table", "--staff"),
    Parameter("ATOMS", "polygons", "--atoms", advanced=True),
)
_RULES = (
    Parameter("SMALL", "text", "--small"),
    Parameter("MICRO", "text", "--micro"),
    Parameter("PREFER", "choice", "--prefer",
              choices=("default", "balance", "streets", "compact"), default="default"),
    Parameter("HEAL_WIDTH", "metres", "--heal-width", advanced=True),
    Parameter("RULES", "file", "--rules", advanced=True),
    Parameter("NETWORK", "yes", "--network", advanced=True, default=False),
    Parameter("DATUM", "text", "--datum", advanced=True),
    Parameter("SEED", "count", "--seed", advanced=True),
)  # fmt: skip
_VALID_FROM = Parameter("VALID_FROM", "text", "--valid-from", advanced=True)
_WORKERS = Parameter("WORKERS", "count", "--workers", advanced=True)
_LOCKED = Parameter("LOCKED", "text", "--locked", advanced=True)
_GAP_WIDTH = Parameter("GAP_WIDTH", "metres", "--gap-width", advanced=True)
_LAYERS_OF_PLAN = ("findings", "medium", "small", "micro", "barriers", "buildings")

ALGORITHMS = (
    Algorithm(
        "inspect", "data",
        (Parameter("FILES", "layers", optional=False), *_READING,
         Parameter("OUTPUT", "page", optional=False)),
        output_is_stdout=True, has_language=False,
    ),
    Algorithm(
        "partition", "plan",
        (_needed(_COMMUNITIES), _BUILDINGS, *_DATA, *_RULES, *_READING, _VALID_FROM, _WORKERS,
         _REPLACE, _FOLDER),
        _LAYERS_OF_PLAN,
    ),
    Algorithm(
        "adopt", "plan",
        (_needed(_CELLS), replace(_COMMUNITIES, option="--communities"),
         replace(_PLAN, optional=True), replace(_BUILDINGS, option="--buildings"),
         Parameter("BORDERS", "choice", "--borders", choices=("snap", "exact"), default="snap"),
         *_DATA, *_RULES, *_READING, _LOCKED, _VALID_FROM, _REPLACE, _FOLDER),
        _LAYERS_OF_PLAN, either=("COMMUNITIES", "PLAN"),
    ),
    Algorithm(
        "check", "proof",
        (replace(_PLAN, optional=True), _CELLS, Parameter("WITHIN", "polygons", "--within"),
         replace(_BUILDINGS, option="--buildings"),
         Parameter("HOUSEHOLDS", "table", "--households"), _GAP_WIDTH, *_READING, _OVERWRITE,
         Parameter("OUTPUT", "geopackage", "--output", optional=False)),
        ("findings", "pieces"), either=("PLAN", "CELLS"), has_language=False,
    ),
    Algorithm(
        "repair", "proof",
        (_needed(_CELLS), Parameter("WITHIN", "polygons", "--within"), _GAP_WIDTH,
         Parameter("PRIORITY", "column", "--priority", advanced=True), *_READING, _OVERWRITE,
         Parameter("OUTPUT", "vector", "--output", optional=False),
         Parameter("MOVES", "vector", "--moves")),
        has_language=False,
    ),
    Algorithm(
        "update", "plan",
        (_PLAN, _needed(_COMMUNITIES), _BUILDINGS, *_DATA, *_RULES, *_READING, _LOCKED,
         Parameter("RECODED", "lines", "--recoded", advanced=True), _VALID_FROM, _WORKERS,
         _REPLACE, _FOLDER),
        _LAYERS_OF_PLAN,
    ),
    Algorithm(
        "locate", "data",
        (_PLAN, Parameter("POINTS", "table", optional=False),
         Parameter("NEAREST", "metres", "--nearest"), *_READING, _OVERWRITE,
         Parameter("OUTPUT", "vector", "--output", optional=False)),
    ),
    Algorithm(
        "export", "data",
        (_PLAN, Parameter("FORMAT", "choice", "--format", choices=(
            "geojson", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "csv", "xlsx",
            "pmtiles", "h3"), default="gpkg", optional=False),
         Parameter("RESOLUTION", "count", "--resolution", advanced=True),
         Parameter("LIST_HOUSEHOLDS", "yes", "--households", advanced=True, default=False),
         Parameter("PUBLISH", "yes", "--publish", default=False),
         Parameter("THRESHOLD", "count", "--threshold", advanced=True), _REPLACE, _FOLDER),
    ),
)  # fmt: skip
"""In the order in which a planner needs them."""


def options_of(algorithm: Algorithm, values: dict[str, str | bool | list[str]]) -> list[str]:
    """Return what follows ``gridcell`` on the command line.

    Parameters
    ----------
    algorithm
        One of `ALGORITHMS`.
    values
        What was given, by the parameter's name: texts, lists of texts, yes or no.
    """
    arguments, options = [], []
    for parameter in algorithm.parameters:
        value = values.get(parameter.name)
        if value is None or value is False or value in ("", []):
            continue
        if algorithm.output_is_stdout and parameter.name == "OUTPUT":
            continue
        several = value if isinstance(value, list) else [value]
        if not parameter.option:
            arguments += [str(each) for each in several]
        elif value is True:
            options.append(parameter.option)
        else:
            options += [f"{parameter.option}={each}" for each in several]
    # A file whose name begins with a dash is no option.
    return [algorithm.command, *options, "--", *arguments]
