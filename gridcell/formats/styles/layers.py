"""The styles of each layer of a plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gridcell.formats.styles.symbols import Choice, Colour, Label, Rule, Style
from gridcell.words.catalogue import LANGUAGES, section, text

_WHITE: Final = (255, 255, 255, 255)
_ORANGE: Final = (176, 79, 31, 255)
_SMALL_LINE: Final = (43, 90, 138, 255)
_MICRO_LINE: Final = (110, 130, 150, 255)

_GENERAL: Final = Choice(column="grid_type", value="general")
_DEDICATED: Final = Choice(column="grid_type", value="dedicated")
_UNTOLD: Final = Choice(column="grid_type", value="general", without="band")
_BANDS: Final[Mapping[str, Colour]] = {
    # What is as it should be stays pale: below it another level may show what is not.
    "in": (120, 180, 110, 60),
    "under": (60, 130, 215, 170),
    "over": (215, 60, 50, 170),
}


def _title(key: str) -> str:
    """Return a title in all languages, English last: a project is read by people of each."""
    return " ".join(text(f"style.{key}", lang) for lang in reversed(LANGUAGES))


def _by_type(line: Colour, width: float, fill: Colour) -> tuple[Rule, ...]:
    return (
        Rule(title=_title("general"), of=_GENERAL, line=line, width=width, fill=fill),
        Rule(title=_title("dedicated"), of=_DEDICATED, line=_ORANGE, width=width + 0.1,
             fill=(240, 143, 79, 60), hatched=True),
    )  # fmt: skip


def _by_band(line: Colour, width: float) -> tuple[Rule, ...]:
    bands = (
        Rule(
            title=_title(band),
            of=Choice(column="band", value=band),
            line=line,
            width=width,
            fill=fill,
        )
        for band, fill in _BANDS.items()
    )
    return (
        *bands,
        _by_type(line, width, line)[1],
        # Published plans hide what would tell small counts.
        Rule(title=_title("untold"), of=_UNTOLD, line=line, width=width),
    )


_NUMBER: Final = """regexp_replace(substr("code", length("parent") + 1), '^0+', '')"""
"""The number of a cell within its parent."""
_WITH_HOUSEHOLDS: Final = _NUMBER + """ || coalesce('\\n' || "households", '')"""
# Of dedicated cells the leaves are the small ones: they look alike, whichever layer is on top.
_SITE: Final = Label(
    text='"name"', column="name", of=_DEDICATED, size=7, colour=_ORANGE, below=10_000, bold=True,
    priority=6,
)  # fmt: skip
_SMALL_LABELS: Final = (
    Label(text=_WITH_HOUSEHOLDS, column="label", of=_GENERAL, size=9, colour=(31, 61, 110, 255),
          below=20_000, bold=True, priority=7),
    _SITE,
)  # fmt: skip
_GREY: Final = (80, 90, 100, 255)
_MICRO_LABELS: Final = (
    Label(text=_NUMBER, column="label", of=_GENERAL, size=6.5, colour=_GREY, below=5_000,
          above=3_000, priority=3),
    Label(text=_WITH_HOUSEHOLDS, column="label", of=_GENERAL, size=6.5, colour=_GREY, below=3_000,
          priority=3),
    _SITE,
)  # fmt: skip


def _cells(
    what: str, line: Colour, width: float, fill: Colour, labels: tuple[Label, ...], below: int
) -> tuple[Style, ...]:
    """Return the styles of a level whose cells have a type and a band."""
    return (
        Style(
            kind="fill", about=f"{what} by type, dedicated grids hatched",
            rules=_by_type(line, width, fill), labels=labels, below=below,
        ),
        Style(
            kind="fill", title=_title("bands"), about=f"{what} by households against the band",
            rules=_by_band(line, width), labels=labels, below=below, default=False,
        ),
    )  # fmt: skip


LAYERS: Final[Mapping[str, tuple[Style, ...]]] = {
    "large": (
        Style(
            kind="fill", about="Level 1: outline and name",
            rules=(Rule(title=_title("large"), line=(36, 47, 59, 255), width=1.0),),
            labels=(Label(text='"name"', column="name", size=12, colour=(36, 47, 59, 255),
                          below=10_000_000, above=10_000, bold=True, priority=10),),
        ),
    ),
    "medium": (
        Style(
            kind="fill", about="Level 2: outline and name",
            rules=(Rule(title=_title("medium"), line=(31, 61, 90, 255), width=0.7),),
            labels=(Label(text='"name"', column="name", size=10, colour=(31, 61, 90, 255),
                          below=100_000, bold=True, priority=9),),
        ),
    ),
    "small": _cells("Level 3", _SMALL_LINE, 0.45, (160, 196, 224, 70), _SMALL_LABELS, 200_000),
    "micro": _cells("Level 4", _MICRO_LINE, 0.2, (255, 255, 255, 0), _MICRO_LABELS, 25_000),
    "leaves": _cells(
        "Cells without children", _MICRO_LINE, 0.2, (255, 255, 255, 0), _MICRO_LABELS, 25_000
    ),
    "buildings": (
        Style(
            kind="fill", about="Buildings and their slabs", below=15_000,
            rules=(Rule(title=_title("building"), line=(140, 135, 130, 255), width=0.1,
                        fill=(205, 200, 192, 255)),),
        ),
    ),
    "atoms": (
        # For those who look for them: the cells are what a plan is about.
        Style(
            kind="fill", about="Pieces of land that are never divided", below=2_500,
            rules=(Rule(title=_title("atom"), line=(150, 150, 150, 110), width=0.08),),
        ),
    ),
    "barriers": (
        Style(
            kind="line", about="Roads, rivers, railways and walls by kind", below=100_000,
            rules=tuple(
                Rule(title=_title(kind), of=Choice(column="kind", value=kind), line=line,
                     width=width, dashed=kind == "rail")
                for kind, line, width in (
                    ("road", (170, 165, 155, 255), 0.5),
                    ("river", (90, 150, 210, 255), 0.8),
                    ("rail", (60, 60, 60, 255), 0.5),
                    ("wall", (140, 110, 80, 255), 0.4),
                )
            ),
        ),
    ),
    "points": (
        Style(
            kind="marker", about="Service points",
            rules=(Rule(title=_title("point"), line=_WHITE, width=3.6, fill=(46, 125, 90, 255)),),
            labels=(Label(text='"point_id"', column="point_id", size=8, colour=(28, 84, 60, 255),
                          below=50_000, bold=True, priority=9),),
        ),
    ),
    "findings": (
        Style(
            kind="marker", about="What checks found, by severity",
            rules=tuple(
                Rule(title=_title(severity), of=Choice(column="severity", value=severity),
                     line=_WHITE, width=width, fill=fill)
                for severity, width, fill in (
                    ("note", 2.2, (70, 130, 200, 255)),
                    ("warning", 2.8, (235, 150, 40, 255)),
                    ("error", 3.4, (205, 45, 45, 255)),
                )
            ),
            labels=(Label(text='"kind"', column="kind", size=7, colour=(90, 60, 40, 255),
                          below=5_000, priority=8),),
        ),
    ),
}  # fmt: skip
"""Of each layer its styles, the default first."""


def styles_of(layer: str, lang: str) -> tuple[Style, ...]:
    """Return the styles of a layer, the default first; none where nothing is known of it.

    Findings are labelled with what their kinds are called.
    """
    styles = LAYERS.get(layer, ())
    if layer != "findings":
        return styles
    names = ", ".join(
        f"{_quoted(kind)}, {_quoted(name)}" for kind, name in sorted(section("kind", lang).items())
    )
    told = f'coalesce(map_get(map({names}), "kind"), "kind")'
    return tuple(
        replace(style, labels=tuple(replace(label, text=told) for label in style.labels))
        for style in styles
    )


def _quoted(text: str) -> str:
    """Return a text as an expression of QGIS."""
    plain = text.replace("'", "''")
    return f"'{plain}'"
