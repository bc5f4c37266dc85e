"""Makes the reference from the code: commands, Python, columns, schemas, findings, settings."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from api import write_api
from commands import write_commands
from pages import Entry
from pydantic import BaseModel
from words import EXIT_CODES, WORDS

import gridcell.rules
from gridcell import errors
from gridcell.dictionary import FRAMES, PLACES, columns_of, meaning, title
from gridcell.read.draft import meanings_of
from gridcell.rules import Band, Role, Rules
from gridcell.schemas.files import MODELS, as_text, read_schema
from gridcell.words.catalogue import LANGUAGES, section, text, texts

_TITLES = {"en": "Reference", "zh": "中文"}


def write_reference(source: Path) -> dict[str, list[Entry]]:
    """Write all pages below a folder; return them by the section of the contents."""
    made: dict[str, list[Entry]] = {}
    for lang in LANGUAGES:
        folder = "reference" if lang == "en" else f"{lang}/reference"
        (source / folder).mkdir(parents=True, exist_ok=True)
        words = WORDS[lang]
        entries = [write_commands(source, folder, lang)]
        if lang == "en":
            entries += [write_api(source), write_schemas(source)]
        for name, lines in (
            ("columns", columns_page(lang)), ("findings", findings_page(lang)),
            ("errors", errors_page(lang)), ("rules", rules_page(lang)),
        ):  # fmt: skip
            page = f"{folder}/{name}.md"
            (source / page).write_text("\n".join(lines) + "\n", "utf-8")
            entries.append(Entry(words[name], page, f": {words[f'{name}_says']}"))
        made[_TITLES[lang]] = entries
    return made


def cell(text: object) -> str:
    """Return a text that stands in a cell of a table, with nothing in it that is markup."""
    plain = str(text).replace("\\", "\\\\").replace("\n", " ")
    for mark in "|*_<>[]{}":
        plain = plain.replace(mark, f"\\{mark}")
    return plain


def said_of(key: str, lang: str) -> str:
    """Return a text of the catalogue, with the names of its values in italics."""
    parts = re.split(r"\{(\w+)[^}]*\}", text(key, lang, n=2))
    return "".join(f"*{cell(part)}*" if n % 2 else cell(part) for n, part in enumerate(parts))


def code(text: object) -> str:
    """Return a text as code, within a table."""
    return f"`` {str(text).replace('|', chr(0xFF5C))} ``" if str(text) else ""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def columns_page(lang: str) -> Iterator[str]:
    """Yield the data dictionary."""
    words = WORDS[lang]
    yield from (f"# {words['columns']}", "", words["columns_intro"], "")
    for frame in FRAMES:
        name, _, says = title(frame, lang).partition(": " if lang == "en" else "：")
        yield from (f"({lang}-frame-{frame})=", f"## {cell(name)}", "")
        if says:
            yield from (cell(says[0].upper() + says[1:]) + ".", "")
        yield from (f"{words['in']}: {', '.join(map(code, PLACES[frame]))}", "")
        yield from table(
            (words["column"], words["type"], words["unit"], words["meaning"]),
            (
                (code(one.name), one.type, one.unit, cell(meaning(frame, one.name, lang)))
                for one in columns_of(frame)
            ),
        )  # fmt: skip


def findings_page(lang: str) -> Iterator[str]:
    """Yield every kind of finding, with what causes it and what to do."""
    words = WORDS[lang]
    kinds, said = section("kind", lang), section("finding", lang)
    yield from (f"# {words['findings']}", "", words["findings_intro"], "")
    for kind in sorted(kinds):
        cure = cell(text(f"cure.{kind}", lang))
        yield from (
            f"## `{kind}`",
            "",
            f"**{cell(kinds[kind][0].upper() + kinds[kind][1:])}.** {cure}",
            "",
        )
        own = [key for key in said if key == kind or key.startswith(f"{kind}_")]
        others = {name for name in kinds if name != kind and name.startswith(f"{kind}_")}
        for key in own:
            if not any(key == name or key.startswith(f"{name}_") for name in others):
                yield f"> {said_of(f'finding.{key}', lang)}\n"


def errors_page(lang: str) -> Iterator[str]:
    """Yield the exit codes, and every message of an error."""
    words = WORDS[lang]
    place = LANGUAGES.index(lang)
    yield from (f"# {words['errors']}", "", words["errors_intro"], "")
    yield from (f"## {words['exit']}", "")
    kinds: dict[int, list[str]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.GridcellError):
            kinds.setdefault(kind.exit_code, []).append(kind.__name__)
    if unknown := set(kinds) - set(EXIT_CODES):
        raise SystemExit(f"docs/site/words.py: exit codes {unknown} are not described")
    yield from table(
        (words["code"], words["when"], words["class"]),
        (
            (str(number), cell(said[place]), ", ".join(map(code, kinds.get(number, ()))))
            for number, said in EXIT_CODES.items()
        ),
    )
    yield from (f"## {words['messages']}", "")
    for key in sorted(texts(lang)):
        if key.startswith("error."):
            yield f"- {said_of(key, lang)}"


def rules_page(lang: str) -> Iterator[str]:
    """Yield every key of the rules file."""
    words = WORDS[lang]
    yield from (f"# {words['rules']}", "", words["rules_intro"], "")
    for model, at in _sections(Rules, ""):
        yield from (f"## `{at}`" if at else f"## {words['top']}", "")
        if at:
            owner, key = (Rules, at.strip("[]").partition(".")[0])
            yield from (cell(_meaning(owner.__name__, key, lang)), "")
        yield from table(
            (words["key"], words["default"], words["may_be"], words["meaning"]),
            (
                (
                    code(name), _default(field.get_default(call_default_factory=True)),
                    _bounds(field), cell(_meaning(model.__name__, name, lang)),
                )
                for name, field in model.model_fields.items()
            ),
        )  # fmt: skip


def _sections(model: type[BaseModel], at: str) -> Iterator[tuple[type[BaseModel], str]]:
    yield model, at
    for name, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True)
        if isinstance(value, BaseModel) and not isinstance(value, Band):
            yield type(value), f"[{name}]"
        if name == "staffing":
            yield Role, "[[staffing]]"


def _meaning(model: str, key: str, lang: str) -> str:
    if lang == "en":
        return meanings_of(gridcell.rules)[model].get(key, "").replace("`", "")
    return section("setting", lang).get(f"{model}.{key}", "").replace("`", "")


def _default(value: object) -> str:
    if isinstance(value, Band):
        return code(f'"{value.min:g}:{value.target:g}:{value.max:g}"')
    if isinstance(value, BaseModel) or type(value).__name__ == "PydanticUndefinedType":
        return ""
    if isinstance(value, tuple) and value and isinstance(value[0], Role):
        return ", ".join(code(role.name) for role in value)
    if value is None:
        return code("none")
    return code(str(value).lower() if isinstance(value, bool) else value) if value != () else ""


def _bounds(field: object) -> str:
    """Return what a setting may be: bounds of numbers, or the words it is one of."""
    kind = getattr(field, "annotation", None)
    options = [k for k in (kind, *get_args(kind)) if get_origin(k) is Literal]
    if options:
        return ", ".join(code(word) for word in get_args(options[0]))
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    marks = [*getattr(field, "metadata", ())]
    for inner in get_args(kind):
        marks += getattr(inner, "__metadata__", ())
    marks = [m for mark in marks for m in getattr(mark, "metadata", [mark])]
    told = [f"{signs[s]} {getattr(m, s)}" for m in marks for s in signs if hasattr(m, s)]
    return cell(", ".join(told))


_SCHEMAS = (
    "Schemas (draft 2020-12) of the files that other programs read and write. They are part of "
    "the package, in `gridcell/schemas/`, and made of the code; tests hold every report and "
    "certificate of the suite against them."
)


def write_schemas(source: Path) -> Entry:
    """Write the page of the JSON schemas, and put them beside it."""
    lines = [
        "# JSON schemas", "",
        _SCHEMAS, "",
        "```python", "import json", "from importlib.resources import files", "",
        'file = files("gridcell.schemas") / "report.schema.json"',
        'schema = json.loads(file.read_text("utf-8"))',
        "```", "",
    ]  # fmt: skip
    folder = source / "reference"
    for name, (_, says) in MODELS.items():
        schema = read_schema(name)
        (folder / f"{name}.schema.json").write_text(as_text(schema), "utf-8")
        lines += [f"## `{name}.json`", "", f"{says} {{download}}`Schema <{name}.schema.json>`", ""]
        # What the file itself holds comes before its parts.
        wholes = [str(one["$ref"]).rpartition("/")[2] for one in schema.get("anyOf", ())]
        inner = dict(sorted(schema.get("$defs", {}).items(), key=lambda one: one[0] not in wholes))
        parts = {**({"": schema} if "properties" in schema else {}), **inner}
        for part, shape in parts.items():
            if "properties" not in shape:
                continue
            lines += [f"### {part or name}", "", cell(shape.get("description", "")), ""]
            required = shape.get("required", ())
            lines += table(
                ("key", "type", "meaning"),
                (
                    (code(key), _shape(each) + ("" if key in required else ", optional"),
                     cell(each.get("description", "")))
                    for key, each in shape["properties"].items()
                ),
            )  # fmt: skip
    (folder / "schemas.md").write_text("\n".join(lines), "utf-8")
    return Entry(
        "JSON schemas", "reference/schemas.md", ": `report.json`, `certificate.json`, `edits.json`"
    )


def _shape(shape: dict[str, object]) -> str:
    if "$ref" in shape:
        name = str(shape["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for way in ("anyOf", "oneOf"):
        if isinstance(options := shape.get(way), list):
            return " or ".join(map(_shape, options))
    if isinstance(items := shape.get("items"), dict):
        return f"list of {_shape(items)}"
    if isinstance(items := shape.get("additionalProperties"), dict):
        return f"object of {_shape(items)}"
    if "const" in shape:
        return code(shape["const"])
    if isinstance(values := shape.get("enum"), list):
        return ", ".join(map(code, values))
    return str(shape.get("type", "anything"))
