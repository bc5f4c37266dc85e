"""What is wrong with settings and records, as messages: from the faults that pydantic finds."""

import re
import string
from collections.abc import Mapping
from typing import Any, Final

from gridcell.words.catalogue import LANGUAGES, section, text
from gridcell.words.messages import Message, Value

_SECTION: Final = "invalid"
_LONGEST: Final = 80
_GEOS: Final = re.compile(r"(.*?)(?:\[([^\]]*)\])?", re.DOTALL)


def fault_text(fault: Mapping[str, Any]) -> Value:
    """Return what a fault says; one that is in no catalogue keeps pydantic's sentence.

    Parameters
    ----------
    fault
        One of ``ValidationError.errors()``: ``type``, ``msg`` and perhaps ``ctx``. The error of a
        validator of ours says a `Message`.

    Examples
    --------
    >>> str(fault_text({"type": "greater_than", "msg": "", "ctx": {"gt": 0}}))
    'Input should be greater than 0'
    """
    context = fault.get("ctx", {})
    own = getattr(context.get("error"), "args", ())
    if own and isinstance(own[0], Message):
        return own[0]
    kind = fault["type"]
    if kind in section(_SECTION, LANGUAGES[0]):
        key = f"{_SECTION}.{kind}"
        wanted = {name for _, name, _, _ in string.Formatter().parse(text(key, LANGUAGES[0]))}
        if wanted - {None} <= context.keys():
            # Lists in a sentence are in English: 'a', 'b' or 'c'.
            values = {name: _listed(context[name]) for name in wanted if name is not None}
            return Message(key, **values)
    return str(fault["msg"]).removeprefix("Value error, ")


def input_text(given: object) -> Value:
    """Return what was given instead, as the end of a sentence: nothing of a whole table."""
    if isinstance(given, dict | list | tuple):
        return ""
    shown = repr(given)
    return Message("part.got", given=shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…")


def _listed(value: object) -> object:
    if not isinstance(value, str) or " or " not in value:
        return value
    *names, last = value.replace(" or ", ", ").split(", ")
    return Message("list.or", names=names, last=last)


def geometry_fault(reason: str) -> Value:
    """Return why a geometry is invalid: what GEOS says, ``Self-intersection[500000.1 2500000.5]``.

    Examples
    --------
    >>> str(geometry_fault("Self-intersection[500000.123 2500000.5]"))
    'self-intersection at x 500000.12, y 2500000.50'
    """
    kind, place = _GEOS.fullmatch(reason).groups()  # type: ignore[union-attr]
    key = re.sub("[^a-z]+", "_", kind.lower())
    known = key in section("geos", LANGUAGES[0])
    fault: Value = Message(f"geos.{key}") if known else kind.lower()
    try:
        x, y, *_ = map(float, (place or "").split())
    except ValueError:
        return fault
    digits = 7 if abs(x) <= 360 and abs(y) <= 360 else 2
    return Message("fault.at", fault=fault, x=f"{x:.{digits}f}", y=f"{y:.{digits}f}")
