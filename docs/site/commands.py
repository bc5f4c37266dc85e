"""A page for each command, made of its help; examples are those of ``docs/commands.md``."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from pages import DOCS, Entry
from words import EXIT_CODES, WORDS

from gridcell.words.catalogue import LANGUAGES
from gridcell_cli.help import GROUPS, _text, translated
from gridcell_cli.language import Session, speaking
from gridcell_cli.main import COMMANDS, cli


def write_commands(source: Path, folder: str, lang: str) -> Entry:
    """Write a page for each command and one that lists them."""
    words = WORDS[lang]
    told = examples()
    (source / folder / "commands").mkdir(exist_ok=True)
    session = Session(lang=lang)
    root = click.Context(cli, info_name="gridcell", obj=session)
    lines = [f"# {words['commands']}", "", words["commands_intro"], ""]
    with speaking(lang):
        for heading, names in GROUPS.items():
            lines += [f"## {_text(heading, lang)}", ""]
            for name in names:
                command = cli.get_command(root, name)
                if command is None:
                    raise SystemExit(f"no command {name}")
                lines.append(f"- [gridcell {name}](commands/{name}.md): {first(command)}")
                page = "\n".join(page_of(translated(command, lang), root, lang, told[name]))
                (source / folder / "commands" / f"{name}.md").write_text(page + "\n", "utf-8")
            lines.append("")
    names_of_pages = "\n".join(f"gridcell {name} <commands/{name}>" for name in COMMANDS)
    lines += [f"```{{toctree}}\n:hidden:\n\n{names_of_pages}\n```", ""]
    (source / folder / "commands.md").write_text("\n".join(lines), "utf-8")
    return Entry(words["commands"], f"{folder}/commands.md", f": {words['commands_says']}")


def first(command: click.Command) -> str:
    """Return the first paragraph of the help of a command."""
    return escaped((command.help or "").partition("\n\n")[0].replace("\n", " "))


def examples() -> dict[str, str]:
    """Return the section of ``docs/commands.md`` about each command."""
    text = (DOCS / "commands.md").read_text("utf-8")
    parts = re.split(r"^## gridcell (\w+)$", text, flags=re.MULTILINE)[1:]
    return {name: part.strip() for name, part in zip(parts[::2], parts[1::2], strict=True)}


def page_of(command: click.Command, root: click.Context, lang: str, example: str) -> Iterator[str]:
    """Yield the page of a command in a language."""
    words = WORDS[lang]
    context = click.Context(command, info_name=command.name, parent=root)
    yield from (f"# gridcell {command.name}", "")
    for paragraph in (command.help or "").split("\n\n"):
        mark, _, kept = paragraph.partition("\n")
        yield from ("```text", kept, "```", "") if mark == "\b" else (escaped(paragraph), "")
    usage = f"gridcell {command.name} {' '.join(command.collect_usage_pieces(context))}"
    yield from (f"## {words['usage']}", "", "```text", usage, "```", "")
    example = re.sub(r"<!--.*?-->\n?", "", example, flags=re.DOTALL)
    if lang != "en":
        example = "\n".join(re.findall(r"^```sh\n.*?^```$", example, re.MULTILINE | re.DOTALL))
    yield from (f"## {words['example']}", "", example, "")
    yield from (f"## {words['options']}", "")
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            yield from option(parameter, context, words)
    yield from (f"## {words['exit']}", "")
    place = LANGUAGES.index(lang)
    for number, said in EXIT_CODES.items():
        yield f"- {number}: {said[place]}"


def option(parameter: click.Option, context: click.Context, words: dict[str, str]) -> Iterator[str]:
    """Yield an option: its names, what it means, where else it is read from, its default."""
    names, said = parameter.get_help_record(context) or ("", "")
    said = re.sub(r"\s*\[(?:default|env var|required|默认|必填)[^\]]*\]", "", said)
    variables = parameter.envvar
    more = []
    if parameter.required:
        more.append(words["required"])
    if isinstance(variables, str):
        more.append(f"{words['variable']} `{variables}`")
    default = parameter.default
    if isinstance(default, str | int | float) and not parameter.is_flag and default != "":
        more.append(f"{words['default']} `{default}`")
    yield f"`{names}`"
    tail = f" ({'; '.join(more)})" if more else ""
    yield from (f": {escaped(' '.join(said.split()))}{tail}", "")


def escaped(text: str) -> str:
    """Return a text in which nothing is markup."""
    return re.sub(r"([\\*_<>\[\]{}`])", r"\\\1", text)
