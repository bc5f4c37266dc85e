"""What notebooks show of plans, layers, fabrics, proofs and rules: short pieces of HTML.

Everything that comes from data is escaped. No colours are set but in pictures, so that the pieces
follow a dark theme as well.
"""

import html
from collections.abc import Iterable, Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from gridcell.display.comparison import comparison_rows, scenario_rows
from gridcell.display.content import map_title
from gridcell.display.frames import PlanFrames
from gridcell.display.load import words_of
from gridcell.display.thumbnail import thumbnail
from gridcell.schema import BARRIER_CLASSES, SEVERITIES
from gridcell.words.catalogue import notebook_language, section
from gridcell.words.maps import words

_LEFT: Final = "text-align:left"
_RIGHT: Final = "text-align:right"
_NONE: Final = "none"
_ALWAYS: Final = ("small", "micro", "prefer", "seed")
"""Settings that are shown though they have their defaults."""


def plan_html(plan: PlanFrames, lang: str | None = None) -> str:
    """Return the plan's figures, level by level, whether it is proven, and a small picture.

    Parameters
    ----------
    plan
        A plan.
    lang
        ``en`` or ``zh``; without it `GRIDCELL_LANG`, else English. So for the other functions.
    """
    text = words_of(plan, _text(lang))
    levels: list[tuple[str, gpd.GeoDataFrame]] = [
        (text["large"], plan.large),
        (text["medium"], plan.medium),
        (text["small_general"], plan.small[plan.small["grid_type"] == "general"]),
        (text["small_dedicated"], plan.small[plan.small["grid_type"] == "dedicated"]),
        (text["micro"], plan.micro),
    ]
    rows = [
        (name, f"{len(cells):,}", _in_band(cells, text), _spread(cells["households"]))
        for name, cells in levels
        if len(cells)
    ]
    table = _table((text["level"], text["cells"], text["in"], text["median"]), rows)
    told = [_proof_mark(plan, text)]
    if plan.publication is None:
        cut = int((plan.findings["kind"] == "cut_building").sum())
        told.append(f"{cut:,} {text['cut']}")
        told.append(_findings(plan.findings["severity"], text))
    if len(plan.vacancies):
        told.append(f"{int(plan.vacancies['missing'].sum()):,} {text['vacancies']}")
    if plan.unassigned:
        told.append(f"{text['unassigned']}: {plan.unassigned:,}")
    if plan.is_estimated:
        told.append(f"{text['households']}: {text['estimated']}")
    told.append(_crs(plan.crs))
    note = plan.note(_language(lang))
    body = f"<div>{table}{_line(told)}{_line([note]) if note else ''}</div>"
    return _card(map_title(plan, _language(lang)), body, thumbnail(plan))


def layers_html(
    layers: Mapping[str, pd.DataFrame],
    sources: Mapping[str, list[tuple[str, str | None, str | None]]],
    severities: Iterable[str],
    crs: pyproj.CRS,
    lang: str | None = None,
) -> str:
    """Return what was read: rows, households, files, CRS and encoding of each layer.

    Parameters
    ----------
    layers
        The layers that there are, by the role of each.
    sources
        File, CRS and encoding of what each role was read from.
    severities
        Of the findings.
    crs
        Of all layers.
    lang
        As for `plan_html`.
    """
    text = _text(lang)
    rows = []
    for role, frame in layers.items():
        counted = next((name for name in ("households", "count") if name in frame.columns), None)
        total = pd.to_numeric(frame[counted]).sum() if counted is not None else 0
        rows.append((
            role, f"{len(frame):,}", f"{int(total):,}" if total else "",
            *(_listed(told[k] for told in sources.get(role, [])) for k in range(3)),
        ))  # fmt: skip
    heads = ("layer", "rows", "households", "source", "crs", "encoding")
    table = _table([text[name] for name in heads], rows, left=(0, 3, 4, 5))
    told = [
        f"{text['all_in']} {_crs(crs)}",
        _findings(pd.Series(list(severities), dtype="object"), text),
    ]
    return _card(text["layers"], f"<div>{table}{_line(told)}</div>")


def fabric_html(
    atoms: pd.DataFrame, metres: NDArray[np.float64], crs: pyproj.CRS, lang: str | None = None
) -> str:
    """Return what the land is made of: atoms by kind, and how many borders lie on barriers.

    Parameters
    ----------
    atoms
        ``kind``, ``households``, ``area_m2``.
    metres
        (1 + barrier classes,) length of borders off barriers, then on each class.
    crs
        Of the fabric.
    lang
        As for `plan_html`.
    """
    text = _text(lang)
    rows = [
        (text.get(str(kind), str(kind)), *_atoms(some))
        for kind, some in atoms.groupby("kind", observed=True, sort=True)
    ]
    rows.append((text["total"], *_atoms(atoms)))
    heads = ("kind", "number", "households", "area_ha")
    told = [f"{metres.sum() / 1000:,.1f} km {text['borders']}"]
    for name, length in zip(BARRIER_CLASSES, metres[1:], strict=True):
        if length:
            word = text.get(f"class_{name}", text[name])
            told.append(f"{length / 1000:,.1f} km {text['on']} {word}")
    told.append(_crs(crs))
    table = _table([text[name] for name in heads], rows)
    return _card(text["fabric"], f"<div>{table}{_line(told)}</div>")


def proof_html(
    faults: Mapping[str, tuple[int, float | None]], *, holds: bool, lang: str | None = None
) -> str:
    """Return whether the cells cover their land exactly, else the faults by kind.

    Parameters
    ----------
    faults
        Number and area in m2, where it has one, of ``gaps``, ``overlaps``, ``outside_land``,
        ``unmatched`` and ``invalid``.
    holds
        Whether the proof holds.
    lang
        As for `plan_html`.
    """
    text = _text(lang)
    title = f"✓ {text['holds']}" if holds else f"✗ {text['fails']}"
    rows = [
        (text[name], f"{number:,}", "" if area is None else f"{area:,.3f}")
        for name, (number, area) in faults.items()
        if number or not holds
    ]
    table = _table((text["fault"], text["number"], "m²"), rows) if rows else ""
    return _card(title, table)


def rules_html(
    given: Mapping[str, object], default: Mapping[str, object], lang: str | None = None
) -> str:
    """Return the main settings, and every other one that differs from its default.

    Parameters
    ----------
    given, default
        Values by setting. Mappings in them are named by their keys, lists told by their names.
    lang
        As for `plan_html`.
    """
    text = _text(lang)
    told, usual = _flat(given), _flat(default)
    changed = [n for n in told if told[n] != usual.get(n, _NONE)]
    names = [n for n in told if n in _ALWAYS or n in changed]
    heads = (text["setting"], text["value"], *([text["default"]] if changed else []))
    rows = [(n, told[n], usual.get(n, "") if n in changed else "")[: len(heads)] for n in names]
    table = _table(heads, rows, left=(0, 1, 2))
    return _card(
        text["rules"],
        f"<div>{table}{_line([text['as_default'] if changed else text['all_default']])}</div>",
    )


def comparison_html(figures: pd.DataFrame, lang: str | None = None) -> str:
    """Return the figures of two plans side by side.

    Parameters
    ----------
    figures
        As for `gridcell.display.comparison.comparison_rows`.
    lang
        As for `plan_html`.
    """
    said = section("compare", _language(lang))
    heads = ("", said["a"], said["b"], said["difference"])
    return _card(said["title"], _table(heads, comparison_rows(figures, _language(lang))))


def scenarios_html(figures: pd.DataFrame, lang: str | None = None) -> str:
    """Return the figures of several plans side by side.

    Parameters
    ----------
    figures
        As for `gridcell.display.comparison.scenario_rows`.
    lang
        As for `plan_html`.
    """
    said = section("compare", _language(lang))
    rows = scenario_rows(figures, _language(lang))
    return _card(said["scenarios"], _table(("", *figures.columns), rows))


def _language(lang: str | None) -> str:
    if lang is not None:
        return lang
    return notebook_language()


def _text(lang: str | None) -> dict[str, str]:
    lang = _language(lang)
    return words(lang) | dict(section("notebook", lang))


def _in_band(cells: gpd.GeoDataFrame, text: Mapping[str, str]) -> str:
    band = cells["band"].dropna()
    if band.empty:
        return ""
    return f"{int((band == 'in').sum()):,} {text['of']} {len(band):,}"


def _spread(households: "pd.Series[int]") -> str:
    least, middle, most = (households.quantile(share) for share in (0, 0.5, 1))
    if least == most:
        return f"{least:,.0f}"
    return f"{least:,.0f}, {middle:,.0f}, {most:,.0f}"


def _proof_mark(plan: PlanFrames, text: Mapping[str, str]) -> str:
    if not plan.coverage:
        return f"{text['coverage']}: {text['unchecked']}"
    proven = all(figures.holds for figures in plan.coverage.values())
    mark = f"✓ {text['proven']}" if proven else f"✗ {text['disproven']}"
    return f"{text['coverage']}: {mark}"


def _findings(severities: "pd.Series[Any]", text: Mapping[str, str]) -> str:
    counts = severities.value_counts()
    told = [
        f"{counts[name]:,} {text[name if counts[name] == 1 else f'many_{name}']}"
        for name in SEVERITIES
        if name in counts.index
    ]
    return f"{text['findings']}: {', '.join(told) or text['no_findings']}"


def _atoms(atoms: pd.DataFrame) -> tuple[str, str, str]:
    hectares = atoms["area_m2"].sum() / 10_000
    return f"{len(atoms):,}", f"{int(atoms['households'].sum()):,}", f"{hectares:,.2f}"


def _flat(settings: Mapping[str, object]) -> dict[str, str]:
    flat: dict[str, str] = {}

    def put(name: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                put(f"{name}.{key}", item)
        elif isinstance(value, tuple):
            flat[name] = _listed(getattr(item, "name", item) for item in value)
        else:
            flat[name] = _NONE if value is None else str(value)

    for name, value in settings.items():
        put(name, value)
    return flat


def _crs(crs: Any) -> str:
    code = crs.to_epsg()
    return str(crs.name) if code is None else f"EPSG:{code}, {crs.name}"


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value is not None))


def _table(
    heads: Iterable[str], rows: Iterable[tuple[str, ...]], *, left: tuple[int, ...] = (0,)
) -> str:
    def row(tag: str, texts: Iterable[str]) -> str:
        fields = "".join(
            f"<{tag} style='{_LEFT if at in left else _RIGHT}'>{html.escape(text)}</{tag}>"
            for at, text in enumerate(texts)
        )
        return f"<tr>{fields}</tr>"

    body = "".join(row("td", texts) for texts in rows)
    return f"<table><thead>{row('th', heads)}</thead><tbody>{body}</tbody></table>"


def _line(texts: Iterable[str]) -> str:
    return f"<p style='margin:4px 0;max-width:60em'>{html.escape(' · '.join(texts))}</p>"


def _card(title: str, body: str, picture: str = "") -> str:
    return (
        f"<div><p style='margin:4px 0'><b>{html.escape(title)}</b></p>"
        "<div style='display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start'>"
        f"{body}{picture}</div></div>"
    )
