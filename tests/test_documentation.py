"""The documentation is whole: commands, names, findings and exit codes are in it, links lead on."""

import json
import re
import sys
import tomllib
from pathlib import Path

import click
import jsonschema
import pytest

import gridcell
from gridcell import errors
from gridcell.rules import Band, Rules
from gridcell.schemas.files import read_schema
from gridcell.words.catalogue import LANGUAGES, section
from gridcell_cli.main import COMMANDS, cli

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path[:0] = [str(DOCS), str(DOCS / "site")]

import api  # noqa: E402
import pages  # noqa: E402
import reference  # noqa: E402
import run_examples  # noqa: E402
from words import EXIT_CODES, WORDS  # noqa: E402

WRITTEN = sorted({*pages.places(), DOCS / "README.md"})
BLOCKS = [block for page in WRITTEN for block in run_examples.blocks_of(page)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as forges make them."""
    plain = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = set()
    for title in re.findall(r"^#+ (.*)$", plain, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_pages_and_headings_that_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]+`", "", text)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_contents() -> None:
    sections = pages.sections((DOCS / "README.md").read_text("utf-8"))
    listed = {entry.target for section in sections for entry in section.entries}
    assert listed == set(pages.places())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_finding_has_its_cause_and_cure(lang: str) -> None:
    assert set(section("cure", lang)) == set(section("kind", lang))
    page = "\n".join(reference.findings_page(lang))
    assert [kind for kind in section("kind", lang) if f"\n## `{kind}`\n" not in page] == []


def test_every_exit_code_is_documented() -> None:
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.GridcellError)
    }
    assert raised <= set(EXIT_CODES)
    said = re.search(r"Exit codes: (.*?)\n\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert {"0", "2", "3", "4", "5"} <= set(re.findall(r"\b\d\b", said[1]))


def test_every_public_name_has_its_place_in_the_reference() -> None:
    listed = [name for _, names in api.TOPICS.values() for name in names]
    assert sorted(listed) == sorted(api.public_names())
    assert api.public_names() <= set(gridcell.__all__)


def test_every_setting_is_in_the_reference_in_every_language() -> None:
    for lang in LANGUAGES:
        page = "\n".join(reference.rules_page(lang))
        for name, field in Rules.model_fields.items():
            assert f"`` {name} ``" in page
            if field.annotation is not Band:
                for inner in getattr(field.annotation, "model_fields", {}):
                    assert f"`` {inner} ``" in page
        assert not re.search(r"\|\s*\|$", page, re.MULTILINE), "a setting without a meaning"


def test_the_words_of_the_reference_are_in_every_language() -> None:
    assert {lang: set(words) for lang, words in WORDS.items()} == {
        lang: set(WORDS["en"]) for lang in LANGUAGES
    }


def test_every_command_has_an_example_that_runs() -> None:
    found = [block for block in BLOCKS if block.page == DOCS / "commands.md" and block.runs]
    text = "\n".join(block.text for block in found)
    told = set(re.findall(r"^gridcell (\w+)", text, re.MULTILINE))
    assert told == set(COMMANDS)


def test_what_is_not_run_says_why() -> None:
    silent = [b.where for b in BLOCKS if "not run" in b.marks and len(b.marks["not run"]) < 8]
    assert silent == []
    kinds = {b.marks["runs in"] for b in BLOCKS if "runs in" in b.marks}
    assert kinds <= {"empty", "town", "plan", "blocks"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_blocks_are_what_their_language_says(block) -> None:
    if block.language == "python":
        compile(block.text, block.where, "exec")
    elif block.language == "toml":
        Rules.build(tomllib.loads(block.text))
    elif block.language == "json":
        jsonschema.Draft202012Validator(read_schema("edits")).validate(json.loads(block.text))
    elif block.language in ("sh", "console", "text", "powershell"):
        for name in re.findall(r"^(?:\$ )?gridcell (\w+)", block.text, re.MULTILINE):
            assert cli.get_command(click.Context(cli), name) is not None, name
    else:
        pytest.fail(f"{block.where}: a block in {block.language or 'no language'}")


def typed(page: Path) -> list[str]:
    """Return the commands of a page, each in one line, without the language they ask for."""
    lines = [
        re.sub(r"\s+", " ", line.replace(" --lang zh", "")).strip()
        for block in run_examples.blocks_of(page)
        if block.language in run_examples.RUN
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("page", sorted(run_examples.TRANSLATED.glob("*.md")), ids=lambda p: p.stem)
def test_translated_recipes_type_what_the_english_ones_do(page: Path) -> None:
    english = typed(ROOT / "docs" / "recipes" / page.name)
    assert set(typed(page)) <= set(english)


def test_both_readmes_say_the_same() -> None:
    english, chinese = (
        (ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md")
    )  # fmt: skip
    blocks = [
        [(b.language, b.text, b.runs) for b in run_examples.blocks_of(ROOT / name)]
        for name in ("README.md", "README.zh.md")
    ]
    assert blocks[0] == blocks[1]
    headings = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, chinese)]
    assert headings[0] == headings[1]
    rows = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in (english, chinese)]
    assert rows[0] == rows[1]
    assert "](README.zh.md)" in english.splitlines()[2]
    assert "](README.md)" in chinese.splitlines()[2]
