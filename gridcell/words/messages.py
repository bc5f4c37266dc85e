"""Messages: a text of the catalogue with its values, put into words at the end."""

import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from gridcell.errors import GridcellError, Saying
from gridcell.words.catalogue import LANGUAGES, section, text
from gridcell.words.quotations import ENCODING, OTHER, kind_of

Value: TypeAlias = "str | int | float | Message | tuple[Value, ...]"

_LIST: Final = "list.separator"
_JOIN: Final = "join."
_PHRASES: Final = ("count", "land")
"""Sections whose texts stand within other texts."""
STEERING: Final = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]"
"""Characters that steer a terminal or turn the direction of reading, as a pattern: control
characters but for tabs and ends of lines; embeddings, overrides, isolates."""
_ANY: Final = {"": "(.+)", "n": r"(\d[\d,]*)"}
_NUMBERS: Final = ("distance", "limit")
"""Values of sentences without counted things that are numbers."""


@dataclass(frozen=True, slots=True, init=False)
class Message:
    """What there is to say: which text of the catalogue, and the values that go into it.

    Values are names, numbers, other messages, and lists of these; paths become names, and errors
    what they say. A text that tells a number of things calls it ``n``, which chooses between the
    singular and the plural.

    Parameters
    ----------
    msgid
        Key of the text: ``finding.site_fitted``.
    **params
        The values by the names of their placeholders. Numbers of numpy become plain ones.

    Examples
    --------
    >>> message = Message("reason.building_alone", name="7", n=64)
    >>> str(message)
    'building 7 alone holds 64 households'
    >>> say(message, "zh")
    '楼栋7一处即有64户'
    """

    msgid: str
    params: dict[str, Value]

    def __init__(self, msgid: str, /, **params: object) -> None:
        object.__setattr__(self, "msgid", msgid)
        object.__setattr__(self, "params", {k: _plain(v) for k, v in params.items()})

    def __str__(self) -> str:
        return say(self, LANGUAGES[0])


def counted(what: str, n: object) -> Message:
    """Return a number of things, for texts that tell several: ``3 buildings``.

    Parameters
    ----------
    what
        The things, in the singular: the text ``count.WHAT``.
    n
        How many.
    """
    return Message(f"count.{what}", n=n)


def some(names: Sequence[str], most: int = 5) -> Value:
    """Return names as a list, with an ellipsis instead of those behind the first `most`."""
    return Message("list.some", names=names[:most]) if len(names) > most else tuple(names)


def listed(names: Sequence[str], most: int) -> Value:
    """Return names as a list, with the number of those behind the first `most`."""
    if len(names) <= most:
        return tuple(names)
    return Message("list.more", names=names[:most], n=len(names) - most)


def joined(how: str, parts: Sequence[Value]) -> Message:
    """Return parts as one message: ``lines``, ``clauses`` of a sentence, or ``words``.

    Examples
    --------
    >>> str(joined("clauses", [counted("building", 1), counted("household", 3)]))
    '1 building; 3 households'
    """
    return Message(f"{_JOIN}{how}", parts=tuple(parts))


def quoted(error: BaseException, text: str | None = None) -> Message:
    """Return what an error of another program says: in our words where its kind is known.

    Parameters
    ----------
    error
        The error.
    text
        What of its text is worth telling; all of it by default.

    Examples
    --------
    >>> say(quoted(PermissionError(13, "Permission denied", "a.csv")), "zh")
    '没有权限：a.csv'
    >>> say(quoted(ValueError("odd bits")), "zh")
    '原文“odd bits”'
    """
    text = text or " ".join(str(error).split()) or type(error).__name__
    kind = kind_of(error, text)
    if kind == OTHER:
        return Message("quoted.other", text=text)
    if kind == ENCODING:
        return Message("quoted.encoding", encoding=getattr(error, "encoding", ""))
    reason = Message(f"quoted.{kind}")
    name = getattr(error, "filename", None)
    return reason if name is None else Message("quoted.at", reason=reason, path=str(name))


def either(names: Sequence[str]) -> Value:
    """Return names as a list, and where there are none a word for that."""
    return tuple(names) or Message("part.none")


def input_name(role: str) -> Value:
    """Return an input as messages tell it; a role that is none of ours as it is."""
    return Message(f"input.{role}") if role in section("input", LANGUAGES[0]) else role


def role_name(name: str) -> Value:
    """Return a role as messages tell it: the usual ones have names in every language."""
    return Message(f"role.{name}") if name in section("role", LANGUAGES[0]) else name


def kind_name(kind: str) -> Value:
    """Return a kind of finding as messages tell it; one that is not ours as it is."""
    return Message(f"kind.{kind}") if kind in section("kind", LANGUAGES[0]) else kind


def say(message: Saying | str, lang: str) -> str:
    """Return a message in a language.

    Parameters
    ----------
    message
        What there is to say. A sentence stays as it is.
    lang
        One of `LANGUAGES`.

    Raises
    ------
    InputError
        For any other language.
    KeyError
        The catalogue has no such text, or a value is missing.
    """
    return _say(message, lang, "") if isinstance(message, Message) else str(message)


def dump_params(message: Message) -> str:
    """Return the values of a message as JSON."""
    return json.dumps({k: _as_json(v) for k, v in message.params.items()}, ensure_ascii=False)


def load_message(msgid: str, params: str) -> Message:
    """Return a message of its text and its values as `dump_params` wrote them.

    Raises
    ------
    ValueError, KeyError, TypeError
        The values are damaged.
    """
    values = json.loads(params)
    if not isinstance(values, dict):
        raise ValueError("params is no object")  # noqa: TRY004 - a damaged text
    return _message(msgid, values)


def find_message(sentence: str, name: str, lang: str = LANGUAGES[0]) -> Message | None:
    """Return the message of a section whose text a sentence is.

    For plans that keep nothing but the sentence.

    Parameters
    ----------
    sentence
        A sentence as the catalogue words it now.
    name
        Section of the catalogue: ``reason``.
    lang
        Language of the sentence.
    """
    for msgid, pattern, names in _patterns(name, lang):
        if found := pattern.fullmatch(sentence):
            values = {k: _value_of(k, v, lang) for k, v in zip(names, found.groups(), strict=True)}
            return Message(msgid, **values)
    return None


class _Inner:
    """A value that is a message: a format in the text around it is one for its numbers."""

    def __init__(self, message: Message, lang: str) -> None:
        self._message, self._lang = message, lang

    def __format__(self, spec: str) -> str:
        return _say(self._message, self._lang, spec)


def _say(message: Message, lang: str, spec: str) -> str:
    params = message.params
    if message.msgid.startswith(_JOIN):
        return text(message.msgid, lang).join(_parts(params["parts"], lang, spec))
    n = params.get("n", 1)
    template = text(message.msgid, lang, n=n if isinstance(n, int) else 2)
    return template.format_map({k: _said(v, lang, spec) for k, v in params.items()})


def _said(value: Value, lang: str, spec: str) -> object:
    if isinstance(value, Message):
        return _Inner(value, lang)
    if isinstance(value, tuple):
        return text(_LIST, lang).join(_parts(value, lang, spec))
    if isinstance(value, str):
        # Names of files and columns, too, are not to steer the terminal.
        return re.sub(STEERING, "\ufffd", value)
    return format(value, spec) if spec else value


def _parts(value: Value, lang: str, spec: str) -> list[str]:
    return [f"{_said(item, lang, spec)}" for item in (value if isinstance(value, tuple) else ())]


def _plain(value: Any) -> Value:
    # A number of numpy, which itself takes a while to import.
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, GridcellError):
        value = value.text
    elif isinstance(value, BaseException):
        return quoted(value)
    if isinstance(value, (str, int, float, Message)):
        return value
    raise TypeError(f"a message tells names, numbers, messages and lists of these, got {value!r}")


def _as_json(value: Value) -> object:
    if isinstance(value, Message):
        return {"msgid": value.msgid, "params": {k: _as_json(v) for k, v in value.params.items()}}
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value


def _from_json(value: object) -> Value:
    if isinstance(value, dict):
        return _message(value["msgid"], value["params"])
    return tuple(map(_from_json, value)) if isinstance(value, list) else _plain(value)


def _message(msgid: str, params: dict[str, object]) -> Message:
    return Message(msgid, **{name: _from_json(value) for name, value in params.items()})


@cache
def _patterns(name: str, lang: str) -> tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]:
    """Return the texts of a section as patterns, the longest first."""
    found = []
    for key in section(name, lang):
        msgid = f"{name}.{key}"
        for template in dict.fromkeys(text(msgid, lang, n=n) for n in (1, 2)):
            parts = list(string.Formatter().parse(template))
            names = tuple(field for _, field, _, _ in parts if field)
            pattern = "".join(
                re.escape(literal) + (_ANY.get(field, _ANY[""]) if field else "")
                for literal, field, _, _ in parts
            )
            found.append((len(pattern), msgid, re.compile(pattern), names))
    found.sort(key=lambda one: -one[0])
    return tuple(one[1:] for one in found)


def _value_of(name: str, told: str, lang: str) -> Value:
    """Return the value that a sentence tells: a number, a piece of land, a name."""
    if name == "n":
        return int(told.replace(",", ""))
    if name in _NUMBERS:
        return float(told)
    for section_name in _PHRASES:
        if (message := find_message(told, section_name, lang)) is not None:
            return message
    return told
