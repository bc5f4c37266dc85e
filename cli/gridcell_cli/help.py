"""The help of the commands: in groups, in the language of the reader, in columns of a terminal."""

import copy
import gettext
import inspect
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import click

from gridcell.words.catalogue import LOCALE
from gridcell.words.columns import padded, width
from gridcell_cli.language import Session

DOMAIN: Final = "help"
"""Of the catalogues whose keys are the paragraphs of the help in English."""

GROUPS: Final = {
    "Look at your data": ("inspect", "init", "sample"),
    "Make a plan": ("partition", "merge", "adopt"),
    "Prove and repair": ("check", "repair"),
    "Put people in charge": ("staff", "roster", "walk", "place"),
    "Show and hand out": ("map", "atlas", "export"),
    "Keep a plan going": ("update", "edit", "history", "compare"),
    "Look things up": ("locate", "crosswalk", "code"),
    "Work in QGIS": ("qgis",),
}
"""Commands by headings, in the order in which a planner needs them."""

_CLICK_LEAST: Final = 50
_NARROW: Final = 58
"""Columns below which terms and meanings do not stand side by side."""
_VERBATIM: Final = "\b"
_GLYPHS: Final = "\u2e80-\uffef"
"""Characters between which a line may end."""
_PIECE: Final = re.compile(rf"[（“《]*(?:[^\s{_GLYPHS}]+|[{_GLYPHS}])[，。；：、！？）”》]*|\s+")
"""What stands on one line: a word, or a Chinese character with its punctuation."""


def translated(command: click.Command, lang: str) -> click.Command:
    """Return a command whose help is in a language; English is that of the source.

    Parameters
    ----------
    command
        Stays as it is.
    lang
        One of `gridcell.words.catalogue.LANGUAGES`.
    """
    own = copy.copy(command)
    own.context_class = Context
    # Click keeps the option in the language in which it was first asked for.
    own._help_option = None  # noqa: SLF001
    own.help = _paragraphs(command.help, lang)
    own.options_metavar = _text(command.options_metavar or "", lang)
    if isinstance(own, click.Group):
        own.subcommand_metavar = _text(own.subcommand_metavar, lang)
    own.params = [_translated_parameter(parameter, lang) for parameter in command.params]
    return own


def _translated_parameter(parameter: click.Parameter, lang: str) -> click.Parameter:
    own = copy.copy(parameter)
    if own.metavar is not None:
        own.metavar = _text(own.metavar, lang)
    if isinstance(own, click.Option):
        own.help = _paragraphs(own.help, lang)
    return own


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text, each on one line unless it is marked as verbatim."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield paragraph if paragraph.startswith(_VERBATIM) else " ".join(paragraph.split())


def _paragraphs(text: str | None, lang: str) -> str | None:
    if text is None:
        return None
    return "\n\n".join(_text(paragraph, lang) for paragraph in paragraphs(text))


def _text(english: str, lang: str) -> str:
    return _catalogue(lang).gettext(english)


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    # English has no file.
    return gettext.translation(DOMAIN, LOCALE, [lang], fallback=True)


class Formatter(click.HelpFormatter):
    """Help whose lines end in time in scripts that take two columns a character."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(f"{heading}{':' if heading.isascii() else '：'}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs, indented."""
        if text.isascii():
            return super().write_text(text)
        indent = " " * self.current_indent
        for number, paragraph in enumerate(text.split("\n\n")):
            mark, _, kept = paragraph.partition("\n")
            lines = (
                kept.splitlines()
                if mark == _VERBATIM
                else _wrapped(paragraph, self.width - self.current_indent)
            )
            self.write("\n" * bool(number))
            self.write("".join(f"{indent}{line}\n" for line in lines))
        return None

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write terms and what they mean in two columns."""
        rows = list(rows)
        if self.width < _NARROW:
            self._write_below(rows)
            return
        terms = min(max(width(term) for term, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, meaning in rows:
            first, *others = _wrapped(meaning, max(self.width - terms - 2, 10)) or [""]
            fits = width(term) <= terms - col_spacing
            lines = [padded(term, terms) + first] if fits else [term, " " * terms + first]
            lines += [" " * terms + line for line in others]
            self.write("".join(f"{(indent + line).rstrip()}\n" for line in lines))

    def _write_below(self, rows: list[tuple[str, str]]) -> None:
        """Write what terms mean below them, where two columns would be a word wide."""
        indent = " " * self.current_indent
        for term, meaning in rows:
            below = _wrapped(meaning, max(self.width - self.current_indent - 4, 10))
            self.write(
                "".join(f"{indent}{line}\n" for line in (term, *(f"    {each}" for each in below)))
            )


class Context(click.Context):
    """The context of every command."""

    formatter_class = Formatter

    def make_formatter(self) -> click.HelpFormatter:
        """Return what writes the help, as wide as the terminal; click takes 50 columns at least."""
        columns = shutil.get_terminal_size().columns
        if columns - 2 >= _CLICK_LEAST:
            return super().make_formatter()
        return Formatter(width=max(columns - 2, 20))


def _wrapped(text: str, columns: int) -> list[str]:
    """Return a text in lines of at most so many columns of a terminal."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and width(line) + width(piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


def write_commands(group: click.Group, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the commands of a group under their headings, each with its first paragraph."""
    lang = ctx.ensure_object(Session).lang
    for heading, names in GROUPS.items():
        commands = {name: group.get_command(ctx, name) for name in names}
        rows = [
            (name, command.help.partition("\n\n")[0])
            for name, command in commands.items()
            if command is not None and command.help is not None
        ]
        with formatter.section(_text(heading, lang)):
            formatter.write_dl(rows)
