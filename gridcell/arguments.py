"""Arguments of public functions, held against their annotations."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from gridcell.errors import InputError
from gridcell.words.messages import Message, Value, joined

P = ParamSpec("P")
T = TypeVar("T")

_TAKEN: Final[dict[Any, tuple[type, ...]]] = {
    Path: (PathLike,),
    int: (Integral,),
    float: (Real,),
    bool: (bool, np.bool_),
}
"""What serves as well as the annotated type."""
_SHOWN: Final = 40


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise `InputError` where an argument is not of the type it is annotated with.

    For functions that people call: `TypeError` from the depths tells nobody which argument it was.
    Missing and unknown arguments stay a `TypeError`, as everywhere in Python.

    Examples
    --------
    >>> @checked
    ... def double(width: float) -> float:
    ...     return 2 * width
    >>> double(3)
    6
    >>> double("wide")
    Traceback (most recent call last):
    gridcell.errors.InputError: width: expected float, got str 'wide'
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checking(*args: P.args, **kwargs: P.kwargs) -> T:
        kinds = _hints(function)
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            kind = kinds.get(name, Any)
            if signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
                require_type(value, kind, name)
        return function(*args, **kwargs)

    return checking


def require_type(value: object, kind: Any, name: str) -> None:
    """Raise `InputError` where a value is not of the type: what was expected, what was given."""
    if not _fits(value, kind):
        raise InputError(
            Message("error.argument", name=name, kind=_said(kind), given=_given(value))
        )


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function)


def _fits(value: object, kind: Any) -> bool:
    if kind is Any:
        return True
    origin = get_origin(kind) or kind
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(kind))
    if origin in (Sequence, Iterable):
        # Texts are sequences of texts, and never meant.
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            return False
        parts = value if isinstance(value, list | tuple) else ()
        return all(_fits(part, get_args(kind)[0]) for part in parts)
    if origin is np.ndarray and not isinstance(value, np.ndarray):
        # Commands that read no table do without pandas, which takes half a second to import.
        import pandas as pd

        return isinstance(value, pd.Series)
    kinds = _TAKEN.get(origin, (origin,))
    return not all(isinstance(k, type) for k in kinds) or isinstance(value, kinds)


def _said(kind: Any) -> Value:
    """Return a type as messages name it."""
    if get_origin(kind) in (Union, UnionType):
        parts = {str(said): said for said in map(_said, get_args(kind))}
        return joined("or", list(parts.values()))
    if get_origin(kind) in (Sequence, Iterable):
        return Message("type.sequence", of=_said(get_args(kind)[0]))
    if kind is NoneType:
        return "None"
    if get_origin(kind) is np.ndarray:
        return Message("type.array")
    return str(getattr(kind, "__name__", kind))


def _given(value: object) -> str:
    name = type(value).__name__
    if not isinstance(value, str | int | float):
        return name
    text = repr(value)
    return f"{name} {text if len(text) <= _SHOWN else text[:_SHOWN] + ' …'}"
