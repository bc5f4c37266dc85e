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


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines: the first column on the left, all others on the right.

    Examples
    --------
    >>> from gridcell.words.columns import aligned
    >>> aligned([("", "cells"), ("小网格", "38"), ("micro", "1,064")])
    ['        cells', '小网格     38', 'micro   1,064']
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        fields = [first + " " * (widths[0] - width(first))]
        fields += [
            " " * (wide - width(text)) + text for text, wide in zip(rest, widths[1:], strict=True)
        ]
        lines.append("  ".join(fields).rstrip())
    return lines
