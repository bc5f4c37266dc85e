"""What a check found: as frames, as a table, as a notebook cell, as JSON."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gridcell.coverage.units import OWN_AREA, OWN_UNITS
from gridcell.crs import crs_text
from gridcell.model import Finding, findings_frame
from gridcell.schema import FINDING_COLUMNS, SEVERITIES
from gridcell.words.catalogue import notebook_language, section
from gridcell.words.columns import aligned
from gridcell.words.messages import Message, counted, joined, kind_name, say
from gridcell.words.sentences import say_findings, say_kinds

KINDS: Final = (
    "crs_overruled", "outside_area_of_use",
    "area_sum", "empty_geometry", "wrong_type", "unclosed_ring", "invalid_geometry",
    "duplicate_geometry",
    "overlap", "gap", "sliver", "outside", "not_nested_geometry", "unmatched_border", "hole",
    "open_sliver", "multipart", "missing_code", "duplicate_code", "wrong_check_character",
    "wrong_parent", "code_not_nested", "totals", "share_above_100", "household_outside",
    "household_twice", "cut_building",
)  # fmt: skip
"""Kinds of findings about layers, in the order in which they are told."""
_ORDER: Final = {kind: place for place, kind in enumerate(KINDS)}

PIECE_COLUMNS: Final = ("kind", "cells", "area_m2", "width_m")

_SHOWN: Final = 20
_IN_NOTEBOOK: Final = 8


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CheckReport:
    """What a check found, worst first.

    Examples
    --------
    >>> import geopandas, gridcell, shapely
    >>> west = shapely.box(500_000, 2_500_000, 500_100, 2_500_100)
    >>> east = shapely.box(500_098, 2_500_000, 500_200, 2_500_100)
    >>> cells = geopandas.GeoDataFrame(
    ...     {"code": ["W", "E"]}, geometry=[west, east], crs="EPSG:4547"
    ... )
    >>> report = gridcell.check_cells(cells)
    >>> report.ok, report.figures["findings"], report.pieces["area_m2"].tolist()
    (False, {'overlap': 1}, [200.0])
    """

    findings: gpd.GeoDataFrame
    """`schema.FINDING_COLUMNS` and a point at the fault, or nothing."""
    pieces: gpd.GeoDataFrame
    """``kind``, ``cells`` (separated by ``;``), ``area_m2``, ``width_m`` and the polygon of each
    gap, overlap and protrusion, the largest of a kind first."""
    figures: dict[str, Any] = field(default_factory=dict)
    """What was counted and proven."""

    @classmethod
    def of(
        cls,
        findings: Iterable[Finding],
        crs: pyproj.CRS | None,
        *,
        pieces: Iterable[Mapping[str, Any]] = (),
        figures: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the report of some findings.

        Parameters
        ----------
        findings
            In any order.
        crs
            Of their places and of the pieces.
        pieces
            Rows with `PIECE_COLUMNS` and ``geometry``.
        figures
            What else is worth telling; counts by kind are added as ``findings``.
        """
        frame = _in_order(findings_frame(findings, crs))
        return cls(
            findings=frame,
            pieces=_pieces_frame(pieces, crs),
            figures={**(figures or {}), "findings": _counts(frame)},
        )

    def with_findings(self, findings: Iterable[Finding]) -> Self:
        """Return the report with further findings, such as those of the file that was read."""
        more = findings_frame(findings, self.findings.crs)
        if more.empty:
            return self
        frame = _in_order(pd.concat([self.findings, more], ignore_index=True))
        return replace(self, findings=frame, figures={**self.figures, "findings": _counts(frame)})

    @property
    def ok(self) -> bool:
        """Whether no rule is broken: there is no error."""
        return not bool((self.findings["severity"] == "error").any())

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, *, most: int = _SHOWN, lang: str = "en") -> str:
        """Return a table for a terminal: some findings of each kind, worst first, and counts.

        Parameters
        ----------
        most
            About how many findings to show.
        lang
            Output language, ``en`` or ``zh``.
        """
        rows: list[tuple[str, str, str, str]] = []
        groups = self.findings.groupby(["severity", "kind"], sort=False)
        share = max(2, most // max(1, groups.ngroups))
        for _, group in groups:
            shown = len(group) if len(self.findings) <= most else min(share, len(group))
            rows += self._rows(group.head(shown), lang)
            if len(group) > shown:
                more = say(Message("report.more", n=len(group) - shown), lang)
                rows.append((*rows[-1][:2], "", more))
        lines = aligned(rows, "<<<<") if rows else []
        return "\n".join([*lines, self.summary(lang=lang)])

    def summary(self, *, lang: str = "en") -> str:
        """Return one line: how many findings of each severity, and whether the proof holds."""
        counts = self.findings["severity"].value_counts()
        found = [counted(name, counts[name]) for name in SEVERITIES if name in counts]
        held = [Message("report.holds")] if self.ok else []
        said = joined("enumeration", [*held, *found])
        own = self.figures.get("units", {}).get("area") == OWN_AREA
        return say(joined("clauses", [said, OWN_UNITS]) if own else said, lang)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it but the polygons as plain data for JSON."""
        columns = self.findings[list(FINDING_COLUMNS)]
        places = np.asarray(self.findings.geometry.array, dtype=object)
        xy = [(None, None) if place is None else (place.x, place.y) for place in places]
        rows = [
            {**{str(name): _plain(value) for name, value in row.items()}, "x": x, "y": y}
            for row, (x, y) in zip(columns.to_dict("records"), xy, strict=True)
        ]
        figures = {name: value for name, value in self.figures.items() if name != "findings"}
        return {
            "ok": self.ok,
            "crs": None if self.findings.crs is None else crs_text(self.findings.crs),
            "figures": {name: _plain(value) for name, value in figures.items()},
            "findings": dict(self.figures.get("findings", {})),
            "list": rows,
        }

    def _rows(self, findings: gpd.GeoDataFrame, lang: str) -> list[tuple[str, str, str, str]]:
        """Return severity, kind, coordinates and message of findings."""
        names = section("severity", lang)
        columns = [
            [names[severity] for severity in findings["severity"]],
            say_kinds(findings, lang),
            say_findings(findings, lang),
        ]
        crs = findings.crs
        digits = 7 if crs is not None and crs.is_geographic else 2
        at = [
            "-" if place is None else f"{place.x:.{digits}f} {place.y:.{digits}f}"
            for place in np.asarray(findings.geometry.array, dtype=object)
        ]
        return list(zip(columns[0], columns[1], at, columns[2], strict=True))

    def _repr_html_(self) -> str:
        """Return the counts and the first findings as a table that fits a notebook cell."""
        lang = notebook_language()
        head = html.escape(self.summary(lang=lang))
        body = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row)
            + "</tr>"
            for row in self._rows(self.findings.head(_IN_NOTEBOOK), lang)
        )
        more = len(self.findings) - _IN_NOTEBOOK
        rest = html.escape(say(Message("report.more", n=more), lang))
        foot = f"<p>{rest}: <code>.findings</code></p>" if more > 0 else ""
        found = self.figures.get("findings", {}).items()
        kinds = tuple(Message("cli.of_kind", n=n, kind=kind_name(kind)) for kind, n in found)
        said = html.escape(say(Message("cli.found", kinds=kinds), lang))
        told = f"<p>{said}</p>" if kinds else ""
        table = f"<table><tbody>{body}</tbody></table>" if body else ""
        return f"<div><p><b>{head}</b></p>{told}{table}{foot}</div>"


def _in_order(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    keys = pd.DataFrame({
        "severity": findings["severity"].map(SEVERITIES.index).astype("int64"),
        "kind": findings["kind"].map(_ORDER).fillna(len(_ORDER)).astype("int64"),
        "other": findings["kind"].astype(object),
        "size": -findings["measure"].fillna(0.0),
    })  # fmt: skip
    rows = keys.sort_values(list(keys.columns), kind="stable").index
    return findings.loc[rows].reset_index(drop=True)


def _counts(findings: gpd.GeoDataFrame) -> dict[str, int]:
    counts = findings["kind"].value_counts(sort=False)
    return {str(kind): int(number) for kind, number in counts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, str | bool | int | float | list | dict) or value is None:
        return value
    return None if pd.isna(value) else str(value)


def _pieces_frame(pieces: Iterable[Mapping[str, Any]], crs: pyproj.CRS | None) -> gpd.GeoDataFrame:
    rows = sorted(
        pieces, key=lambda p: (_ORDER.get(p["kind"], len(_ORDER)), -p["area_m2"], p["cells"])
    )
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in PIECE_COLUMNS})
    for name in ("kind", "cells"):
        frame[name] = frame[name].astype("str")
    for name in ("area_m2", "width_m"):
        frame[name] = frame[name].astype("float64")
    shapes = np.array([None] * len(rows), dtype=object)
    shapes[:] = [row["geometry"] for row in rows]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=crs)
