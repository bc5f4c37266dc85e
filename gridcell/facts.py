"""What is known of a plan beside its cells and tables, as small typed records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """Where a layer came from, for the report."""

    role: str
    """Which input it is: ``communities``, ``buildings``, ``barriers`` …"""
    path: str
    """File name without folders."""
    layer: str | None
    rows: int
    encoding: str | None
    crs: str | None
    """CRS of the file, as ``EPSG:4547`` or its name."""
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRecord:
    """What a plan to publish tells of the whole: what was hidden, and nothing that was counted."""

    threshold: int
    """Fewest households that are told."""
    households: int | None
    """Of all cells; ``None`` where hidden."""
    hidden: Mapping[str, int]
    """By level, the cells whose households are hidden."""
    hidden_pairs: int | None = None
    """Pieces shared with an older publication whose households are hidden; ``None`` without one."""
    exposed: int = 0
    """Hidden counts that follow from what was published before, whatever is hidden now."""
    notes: Mapping[str, str]
    """What published files say of themselves, by language."""

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        pairs = {} if self.hidden_pairs is None else {"hidden_pairs": self.hidden_pairs}
        return {
            "threshold": self.threshold,
            "households": self.households,
            "hidden": dict(self.hidden),
            **pairs,
            "exposed": self.exposed,
            "notes": dict(self.notes),
        }
