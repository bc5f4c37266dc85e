"""The language of the reader: told by ``--lang``, the environment or the system; and words in it.

Files are another matter: unless ``--lang`` or ``GRIDCELL_LANG`` says otherwise they are in English,
so that the same input gives the same bytes on every computer.
"""

import ctypes
import gettext
import locale
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click

from gridcell.errors import Saying
from gridcell.words.catalogue import LANGUAGES, LOCALE
from gridcell.words.columns import width
from gridcell.words.messages import Message, Value, say

VARIABLE: Final = "GRIDCELL_LANG"
"""The language of everything, where no option names one."""

_OPTION: Final = "--lang"
_LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Of these the first that is set is the language of messages, by POSIX."""
_CLICK: Final = "click"
_LABEL: Final = 12
"""Columns of a terminal that a label takes with the space behind it."""


@dataclass
class Session:
    """What the frame must know after a command has failed."""

    verbose: bool = False
    command: click.Command | None = None
    lang: str = LANGUAGES[0]
    """In which messages are said."""


def reader_language(
    arguments: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> str:
    """Return the language to speak before any option is read.

    Parameters
    ----------
    arguments
        What follows the command's name.
    environment
        Variables by name.
    """
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        option, equals, value = word.partition("=")
        named = value if equals else following
        if option == _OPTION and named in LANGUAGES:
            return named
    if environment.get(VARIABLE) in LANGUAGES:
        return environment[VARIABLE]
    system = next(filter(None, map(environment.get, _LOCALES)), None) or _of_windows()
    own = system.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return own if own in LANGUAGES else LANGUAGES[0]


def _of_windows() -> str:
    """Return the language of the desktop of Windows; nothing elsewhere."""
    if sys.platform == "win32":
        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return ""


def language() -> str:
    """Return the language of the command that is running; English where none is."""
    context = click.get_current_context(silent=True)
    session = None if context is None else context.find_object(Session)
    return LANGUAGES[0] if session is None else session.lang


def said(key: str, /, **params: object) -> str:
    """Return the text ``cli.KEY`` with its values in the language of the reader."""
    return say(Message(f"cli.{key}", **params), language())


def in_words(text: Value) -> str:
    """Return a message in the language of the reader."""
    return say(text, language()) if isinstance(text, Message) else str(text)


def labelled(key: str, text: str) -> str:
    """Return a text behind the label ``cli.label_KEY``, in columns."""
    label = said(f"label_{key}")
    return f"{label}{' ' * max(1, _LABEL - width(label))}{text}"


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Let click say usage errors and the headings of its help in a language."""
    domain, variable = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain(_CLICK, LOCALE)
    gettext.textdomain(_CLICK)
    # English is what click has built in.
    os.environ["LANGUAGE"] = lang
    try:
        yield
    finally:
        gettext.textdomain(domain)
        if variable is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = variable


def said_in(lang: str, key: str, /, **params: object) -> str:
    """Return the text ``cli.KEY`` with its values in a language."""
    return say(Message(f"cli.{key}", **params), lang)


def error_line(error: Saying | str, hints: Sequence[str], lang: str) -> str:
    """Return an error as the terminal tells it, with the options that would help behind it."""
    text: Value = error if isinstance(error, Message) else str(error)
    if hints:
        text = Message("error.hinted", error=text, hints=list(hints))
    return said_in(lang, "error", error=text)
