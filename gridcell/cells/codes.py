"""Codes as text: labelled, parsed and verified.

A child's code begins with its parent's. The default scheme has 9 digits for level 1, 12 for level 2
and 3 more for each level below.
"""

import itertools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridcell.cells.iso7064 import character_values, check_character
from gridcell.errors import CodeError
from gridcell.rules import Codes
from gridcell.words.messages import Message

SEPARATOR: Final = "-"
LARGE_DIGITS: Final = 9
MEDIUM_DIGITS: Final = 12

_DEFAULT: Final = Codes()


class ParsedCode(NamedTuple):
    """The parts of a code: the code of the cell at each level, down to its own."""

    large: str
    medium: str | None
    small: str | None
    micro: str | None
    grid_type: str
    """``general`` or ``dedicated``."""
    level: int
    """1 to 4."""
    check_ok: bool | None
    """Whether the check character is right; ``None`` where there is none."""


def verify(text: str) -> bool:
    """Return whether the last character of a code is its check character.

    Separators, blanks and case do not matter.

    Raises
    ------
    CodeError
        Anything but letters, digits and separators, or fewer than two characters.
    """
    bare = _bare(text)
    if len(bare) < 2:
        raise CodeError(Message("error.code_no_check", code=text))
    return check_character(bare[:-1]) == bare[-1].upper()


def label(segments: Sequence[str]) -> str:
    """Return a code as people read it: its segments, then the check character of the whole.

    Examples
    --------
    >>> label(["450802001", "013", "012", "003"])
    '450802001-013-012-003-9'
    """
    return SEPARATOR.join([*segments, check_character("".join(segments))])


def parse_code(text: str, *, rules: Codes = _DEFAULT) -> ParsedCode:
    """Return the parts of a code or label of the default scheme.

    Parameters
    ----------
    text
        With separators, the segments are taken as they are, and a last segment of one character
        is the check character. Without, 9 digits are level 1, 12 are level 2 and one more
        character is the check character.
    rules
        Widths and ranges of levels 3 and 4.

    Raises
    ------
    CodeError
        No code of the scheme: another length, other characters, a number out of its range. A
        wrong check character is no error: see `ParsedCode.check_ok`.

    Examples
    --------
    >>> parse_code("450802001-013-012").small
    '450802001013012'
    """
    bare = _bare(text)
    small_digits, micro_digits = rules.small_digits, rules.micro_digits
    if SEPARATOR in text:
        segments = re.sub(r"\s", "", text).split(SEPARATOR)
        check = segments.pop() if len(segments[-1]) == 1 else ""
        if not 1 <= len(segments) <= 4 or not all(segments):
            raise CodeError(Message("error.code_segments", code=text))
    else:
        segments, check = _cut(bare, small_digits, micro_digits, text)
    for segment, name, digits in zip(
        segments[2:], ("small", "micro"), (small_digits, micro_digits), strict=False
    ):
        if not (len(segment) == digits and segment.isdigit()):
            raise CodeError(
                Message(
                    "error.code_segment",
                    code=text,
                    level=Message(f"level.{name}"),
                    segment=segment,
                    digits=digits,
                )
            )
    grid_type = "general"
    if len(segments) > 2:
        number = int(segments[2])
        first, last = small_ranges(rules)
        kinds = np.flatnonzero((first <= number) & (number <= last))
        if not kinds.size:
            raise CodeError(
                Message(
                    "error.code_small_range",
                    code=text,
                    small=segments[2],
                    general_first=first[0],
                    general_last=last[0],
                    dedicated_first=first[1],
                    dedicated_last=last[1],
                )
            )
        grid_type = ("general", "dedicated")[int(kinds[0])]
    if len(segments) > 3 and int(segments[3]) == 0:
        raise CodeError(Message("error.code_micro_zero", code=text))
    codes: list[str | None] = ["".join(segments[: depth + 1]) for depth in range(len(segments))]
    codes += [None] * (4 - len(codes))
    return ParsedCode(
        large=segments[0],
        medium=codes[1],
        small=codes[2],
        micro=codes[3],
        grid_type=grid_type,
        level=len(segments),
        check_ok=check_character("".join(segments)) == check.upper() if check else None,
    )


def small_ranges(rules: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last number of general and of dedicated cells."""
    first = np.array([max(1, rules.general_first), rules.dedicated_first])
    last = np.array([rules.general_last, rules.dedicated_last])
    if first[0] <= last[1] and first[1] <= last[0]:
        raise CodeError(
            Message(
                "error.code_ranges_overlap",
                general_first=first[0],
                general_last=last[0],
                dedicated_first=first[1],
                dedicated_last=last[1],
            )
        )
    return first, np.minimum(last, 10**rules.small_digits - 1)


def _bare(text: str) -> str:
    bare = re.sub(rf"[\s{SEPARATOR}]", "", text)
    character_values(np.array([bare], dtype=np.str_), shown=text)
    return bare


def _cut(bare: str, small_digits: int, micro_digits: int, text: str) -> tuple[list[str], str]:
    """Return the segments and the check character of a code without separators."""
    ends = np.cumsum([LARGE_DIGITS, MEDIUM_DIGITS - LARGE_DIGITS, small_digits, micro_digits])
    lengths = [int(end) for end in ends]
    plain, checked = len(bare) in lengths, len(bare) - 1 in lengths
    if plain and checked:
        raise CodeError(Message("error.code_two_levels", code=text))
    if not (plain or checked) or not bare[: len(bare) - checked].isdigit():
        raise CodeError(Message("error.code_length", code=text, lengths=list(map(str, lengths))))
    end = len(bare) - checked
    cuts = [0, *(length for length in lengths if length <= end)]
    return [bare[a:b] for a, b in itertools.pairwise(cuts)], bare[end:]
