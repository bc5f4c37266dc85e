"""Tables as a terminal shows them."""

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two.

    Examples
    --------
    >>> from gridcell.words.columns import width
    >>> width("grid"), width("网格")
    (4, 4)
    """
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def padded(text: str, wide: int) -> str:
    """Return a text with spaces behind it, so that it takes so many columns.

    Examples
    --------
    >>> from gridcell.words.columns import padded
    >>> padded("网格", 6) + "|"
    '网格  |'
    """
    return text + " " * (wide - width(text))


def aligned(rows: Sequence[Sequence[str]], sides: str = "<") -> list[str]:
    """Return rows as lines.

    Parameters
    ----------
    rows
        Texts, a column each.
    sides
        Where each column stands in its place, ``<`` left or ``>`` right; right where none is given.

    Examples
    --------
    >>> from gridcell.words.columns import aligned
    >>> aligned([("", "cells"), ("小网格", "38"), ("micro", "1,064")])
    ['        cells', '小网格     38', 'micro   1,064']
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    sides = sides.ljust(len(widths), ">")
    lines = []
    for row in rows:
        fields = [
            padded(text, wide) if side == "<" else " " * (wide - width(text)) + text
            for text, wide, side in zip(row, widths, sides, strict=True)
        ]
        lines.append("  ".join(fields).rstrip())
    return lines
