"""What a style is made of: rules with a symbol each, labels, and the scales they are for."""

from dataclasses import dataclass
from typing import Literal

Colour = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Features by their value in a column."""

    column: str
    value: str
    without: str | None = None
    """Only features that have nothing in this other column."""

    @property
    def expression(self) -> str:
        """Return the choice as QGIS writes it."""
        only = f' AND "{self.without}" IS NULL' if self.without else ""
        return f"\"{self.column}\" = '{self.value}'{only}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One symbol and what it is for."""

    title: str
    of: Choice | None = None
    """Features that get the symbol; all where there is none."""
    line: Colour = (0, 0, 0, 0)
    width: float = 0.3
    """Millimetres; of points their size."""
    dashed: bool = False
    fill: Colour | None = None
    hatched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Text on features."""

    text: str
    """An expression of QGIS."""
    column: str
    """The column shown by systems that know no expressions."""
    of: Choice | None = None
    """Features that get the label; all where there is none."""
    size: float
    """Points."""
    colour: Colour
    below: int
    """Shown at scales larger than one to this …"""
    above: int = 0
    """… and not larger than one to this."""
    bold: bool = False
    priority: int = 5
    """Which of two labels stays where there is no room for both: 0 to 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a layer looks."""

    kind: Literal["fill", "line", "marker"]
    rules: tuple[Rule, ...]
    labels: tuple[Label, ...] = ()
    below: int | None = None
    """Drawn at scales larger than one to this."""
    title: str = "gridcell"
    about: str = ""
    default: bool = True
