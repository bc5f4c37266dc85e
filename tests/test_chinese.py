"""``--lang zh`` is all Chinese: what commands say and write, and every error that is raised."""

import ast
import io
import os
import re
import shutil
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path

import openpyxl
import pyogrio
import pytest
from babel.messages.pofile import read_po
from pypdf import PdfReader

import gridcell
from gridcell.certificate import verify_certificate
from gridcell.read.draft import _meanings, draft_rules
from gridcell.words.catalogue import LANGUAGES, LOCALE, texts
from gridcell.words.columns import width
from gridcell_cli import main as frame
from gridcell_cli.help import GROUPS, paragraphs
from gridcell_cli.language import reader_language

ERRORS = {
    "InputError", "RulesError", "PartitionError", "ProofError", "CodeError", "AssignmentError",
    "WriteError", "GridcellError",
}  # fmt: skip
USAGE = {"click.UsageError", "click.BadParameter"}
PUT_TOGETHER = {"joined", "_explain"}
"""What returns a message made of several."""
PASSED_ON = {"why", "findings[0].text", "failed[0].fault or ''", "said"}
"""Messages that were made elsewhere."""
WORDS = re.compile(r"[A-Za-z][a-z]+(?:[ ,;:]+[A-Za-z]?[a-z]+)+")
"""A run of two or more English words."""
CODE = (
    r"用法：.*", r"'[^'\n]*'", r"（--field [^）]*）", r"“[^”]*”", r"[\w/]+/", r"\w+ = \w+",
    r"[\w./#-]+\.(?:gpkg|html|json|csv)", r"--rules \S+", r"(?:geojson|merge|lock|undo)\b.*",
)  # fmt: skip
"""Not ours to translate: usage lines, quotations, options, names of files, edits as typed."""


NAMES = (
    r"[\w-]+\.(?:gpkg|json|html)", r"gridcell edit [^。]*", r"Ctrl\+\w|Shift", r"--[a-z-]+",
    r"\blon\b|\blat\b", r"EPSG:\d+", r"Polsby-Popper",
)  # fmt: skip
"""Names that are the same in every language."""
TOLD = """() => {
  const told = [document.title];
  const said = ["title", "aria-label", "aria-description", "placeholder", "alt"];
  const walk = node => {
    for (const child of node.childNodes) {
      if (child.nodeType === 3) told.push(child.textContent);
      if (child.nodeType !== 1 || ["SCRIPT", "STYLE"].includes(child.tagName)) continue;
      told.push(...said.map(name => child.getAttribute(name) ?? ""));
      walk(child);
    }
  };
  walk(document.body);
  return told;
}"""
"""Every text of a page, shown or read out."""
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def english_in(text: str) -> list[str]:
    for pattern in CODE:
        text = re.sub(pattern, " | ", text)
    return WORDS.findall(text)


def latin_in(texts):
    """Return the words in Latin letters: in short texts one alone is English."""
    found = set()
    for text in texts:
        for pattern in NAMES:
            text = re.sub(pattern, " | ", text)
        found |= set(re.findall(r"\b[A-Za-z]{3,}\b", text))
    return sorted(found)


def shown_in(browser, page):
    """Return all that a page shows or reads out, with the tooltips under a pointer that moves."""
    visit = browser.new_page(viewport={"width": 1200, "height": 800})
    visit.goto(page.as_uri())
    visit.wait_for_timeout(700)
    told = set(visit.evaluate(TOLD))
    for x in range(250, 1200, 150):
        for y in range(60, 800, 60):
            visit.mouse.move(x, y)
        told |= set(visit.evaluate(TOLD))
    visit.mouse.click(600, 400)
    told |= set(visit.evaluate(TOLD))
    visit.close()
    return told


def raised():
    packages = [Path(gridcell.__file__).parent, Path(frame.__file__).parent]
    for file in (file for package in packages for file in sorted(package.rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                yield file.name, ast.unparse(node.exc.func), node.exc.args[0]


def test_every_error_that_is_raised_says_a_message():
    plain = [
        (file, ast.unparse(said)[:80])
        for file, error, said in raised()
        if error in ERRORS
        and not (
            isinstance(said, ast.Call)
            and getattr(said.func, "id", None) in {"Message", *PUT_TOGETHER}
        )
        and ast.unparse(said) not in PASSED_ON
    ]
    assert plain == []


def test_every_usage_error_is_said_in_the_language_of_the_reader():
    plain = [
        (file, ast.unparse(said)[:80])
        for file, error, said in raised()
        if error in USAGE and getattr(getattr(said, "func", None), "id", None) != "said"
    ]
    assert plain == []


@pytest.mark.parametrize(
    ("arguments", "environment", "lang"),
    [
        ((), {}, "en"),
        (("--lang", "zh"), {"GRIDCELL_LANG": "en"}, "zh"),
        (("--lang=zh",), {}, "zh"),
        ((), {"GRIDCELL_LANG": "zh", "LC_ALL": "C"}, "zh"),
        ((), {"GRIDCELL_LANG": "fr", "LANG": "zh_TW.UTF-8"}, "zh"),
        ((), {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ((), {"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "de_DE"}, "zh"),
        ((), {"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_readers(arguments, environment, lang):
    assert reader_language(arguments, environment) == lang


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chinese")
    with pytest.raises(SystemExit):
        frame.main(["sample", str(folder / "t"), "--households", "200", "--communities", "1", "-q"])
    (folder / "points.csv").write_text("lon,lat\n110.1,22.9\n,\n110.1,x\n200,1\n", "utf-8")
    (folder / "now.csv").write_text("staff_id,lon,lat\nA,110.1,22.9\n", "utf-8")
    staff = (folder / "t" / "staff.csv").read_text("utf-8-sig").splitlines()[1:]
    rows = (f"{row.split(',')[0]},张三,13800000000" for row in staff)
    (folder / "contacts.csv").write_text("\n".join(["staff_id,name,phone", *rows]), "utf-8")
    return folder


def in_chinese(*arguments, lang_first=False):
    """Run a command; return its exit code and what it said."""
    lang = ("--lang", "zh")
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told), pytest.raises(SystemExit) as exit_:
        frame.main([*lang, *arguments] if lang_first else [*arguments, *lang])
    return exit_.value.code, told.getvalue()


@pytest.fixture(scope="module")
def said(town):
    """Run every command that works, once; return what it said, its files lie in the town."""
    with chdir(town):
        return {arguments: in_chinese(*arguments) for arguments in WORKING}


@pytest.fixture
def run(monkeypatch, town):
    monkeypatch.chdir(town)
    return in_chinese


DIVISION = (
    "partition", "t/communities.shp", "t/buildings.shp", "--barriers",
    "t/roads.shp", "--households", "t/households.csv", "--staff", "t/staff.csv", "--small",
    "60:80:100", "--micro", "14:15:16",
)  # fmt: skip
WORKING = (
    ("inspect", "t/communities.shp", "t/buildings.shp", "t/households.csv"),
    (*DIVISION, "-o", "p"),
    ("update", "p", "t/communities.shp", "t/buildings.shp", "--micro", "10:20:30", "-o", "u"),
    ("history", "u"),
    ("compare", "p", "u", "-o", "compared.html"),
    ("edit", "p", "rename", "450899001001001", "北片", ",", "lock", "450899001001001", "-o", "e"),
    ("history", "e"),
    ("history", "e", "450899001001001"),
    ("check", "p"),
    ("check", "p", "--certificate"),
    ("check", "p/plan.gpkg#small", "--within", "t/communities.shp"),
    ("repair", "p/plan.gpkg#small", "-o", "r.gpkg"),
    ("staff", "p", "t/staff.csv", "-o", "s"),
    ("place", "p", "--tier", "点:small:80", "--tier", "站:medium", "-o", "w"),
    ("place", "p", "--count", "2", "--capacity", "20", "-o", "v"),
    ("map", "w", "-o", "w.html"),
    ("roster", "p", "--contacts", "contacts.csv", "-o", "r.xlsx"),
    ("walk", "p", "-o", "w.xlsx"),
    ("walk", "p", "-o", "w.gpx"),
    ("locate", "p", "points.csv", "-o", "l.csv"),
    ("locate", "p", "points.csv", "--positions", "now.csv", "-o", "l.xlsx"),
    ("crosswalk", "p", "u", "--buildings", "t/buildings.shp", "-o", "c.xlsx", "--map", "c.html"),
    ("map", "p", "-o", "m.html"),
    ("map", "p", "-o", "city"),
    ("map", "p", "--edit", "-o", "edit.html"),
    ("map", "p", "--publish", "-o", "published.html"),
    ("atlas", "p", "--walk", "--contacts", "contacts.csv", "-o", "atlas.pdf"),
    ("atlas", "p", "--publish", "-o", "published.pdf"),
    ("atlas", "p", "--cards", "-o", "cards.pdf"),
    ("atlas", "p", "--cards", "household", "-o", "cards_all.pdf"),
    ("export", "p", "--format", "xlsx", "--households", "-o", "x"),
    ("export", "p", "--format", "kml", "-o", "k"),
    ("export", "p", "--format", "h3", "-o", "h"),
    ("export", "p", "--format", "xlsx", "--publish", "-o", "y"),
    ("check", "y", "--publish"),
    (
        "adopt",
        "p/plan.gpkg#small",
        "--communities",
        "t/communities.shp",
        "--buildings",
        "t/buildings.shp",
        "-o",
        "a",
    ),
    ("init", "t/communities.shp", "t/households.csv", "-o", "i.toml"),
    ("sample", "another", "--households", "90"),
    ("code", "45"),
)
FAILING = (
    (2, "partition"),
    (2, "partition", "t/communities.shp", "--workers", "0", "-o", "z"),
    (2, "partition", "t/communities.shp", "--prefer", "no", "-o", "z"),
    (2, "partition", "t/communities.shp", "--nothing"),
    (2, "partition", "t/communities.shp", "t/buildings.shp", "--atoms", "h3:9", "-o", "z"),
    (2, "partition", "t/communities.shp", "--field", "a", "-o", "z"),
    (3, "partition", "nothing.shp", "-o", "z"),
    (3, "partition", "t/buildings.shp", "-o", "z"),
    (3, "partition", "t/roads.shp", "-o", "z"),
    (3, "partition", "t/communities.shp", "--small", "1", "-o", "z"),
    (3, "partition", "t/communities.shp", "-o", "t"),
    (3, "inspect", "nothing.gpkg"),
    (3, "check", "nothing"),
    (2, "check", "nothing", "--gap-width", "-1"),
    (2, "repair", "t/communities.shp"),
    (2, "sample", "z"),
    (3, "code", "!!"),
    (2, "edit", "p", "fly", "-o", "z"),
    (3, "place", "p", "-o", "z"),
    (3, "place", "p", "--tier", "home", "-o", "z"),
)


def test_no_command_says_a_sentence_in_english(said):
    wrong = {a: (c, text) for a, (c, text) in said.items() if c != (3 if a[0] == "code" else 0)}
    assert wrong == {}
    assert {a: english_in(text) for a, (_, text) in said.items() if english_in(text)} == {}
    assert any("\u4e00" <= c <= "\u9fff" for _, text in said.values() for c in text)


@pytest.mark.usefixtures("said")
def test_no_page_shows_a_word_in_english(town, browser):
    pages = sorted(
        [*town.glob("*.html"), *town.glob("city/**/*.html"), town / "u" / "changes.html"]
    )
    assert len(pages) >= 8
    found = {page.name: latin_in(shown_in(browser, page)) for page in pages}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.usefixtures("said")
def test_no_printed_page_holds_a_word_in_english(town):
    files = sorted(town.glob("*.pdf"))
    assert len(files) == 4
    for file in files:
        document = PdfReader(file)
        told = [document.metadata.title, *(page.extract_text() for page in document.pages[:30])]
        assert latin_in(told) == [], file.name


@pytest.mark.usefixtures("said")
def test_no_sheet_holds_a_word_in_english(town):
    files = [*(town / f"{name}.xlsx" for name in "rlcw"), *town.glob("[xy]/*.xlsx")]
    assert len(files) == 6
    for file in files:
        for sheet in openpyxl.load_workbook(file):
            heads, *rows = sheet.values
            told = [sheet.title, *heads]
            for head, column in zip(heads, zip(*rows, strict=True), strict=True):
                # Keys, and values of keys, are what this sheet explains.
                if sheet.title != "字段说明" and head != "lat":
                    told += [value for value in column if isinstance(value, str)]
            assert latin_in(told) == [], (file.name, sheet.title)


@pytest.mark.parametrize("arguments", FAILING, ids=lambda a: " ".join(a[1:]))
def test_no_error_is_a_sentence_in_english(run, arguments):
    code, *words = arguments
    found, text = run(*words)
    assert (found, english_in(text)) == (code, []), text
    assert "错误：" in text


def help_texts():
    """Return every paragraph, heading and metavar of the help in English."""
    commands = [frame.cli, *(import_module(f"gridcell_cli.{n}").command for n in frame.COMMANDS)]
    texts = [*GROUPS, frame.cli.subcommand_metavar]
    for command in commands:
        texts += [command.options_metavar, *paragraphs(command.help)]
        for parameter in command.params:
            texts += [parameter.metavar or ""]
            texts += paragraphs(getattr(parameter, "help", None) or "")
    return set(filter(None, texts))


def test_the_help_is_translated_text_by_text():
    with (LOCALE / "zh" / "LC_MESSAGES" / "help.po").open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    assert known == help_texts()


@pytest.mark.parametrize("name", [None, *frame.COMMANDS])
def test_no_help_is_in_english(run, name, monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((80, 24)))
    code, text = run(*filter(None, (name,)), "--help", lang_first=True)
    assert code == 0
    told = re.sub(r"'gridcell [a-z]+[^']*'|\[[a-z|_0-9]+\]|--[a-z-]+", "", text)
    assert english_in(told) == []
    assert max(map(width, text.splitlines())) <= 80
    assert not [line for line in text.splitlines() if line.strip()[:1] in "，。；：、）”" and line]


@pytest.mark.usefixtures("said")
def test_a_language_before_the_command_is_that_of_its_messages_and_files(town, run):
    assert run(*DIVISION, "-o", "before", lang_first=True)[0] == 0
    one, two = (
        (town / place / "geojson" / "leaves.geojson").read_text("utf-8")
        for place in ("before", "p")
    )
    assert one == two
    assert "户" in one


def test_files_are_chinese_and_hold_the_same_plan(town, monkeypatch):
    monkeypatch.chdir(town)
    for lang in LANGUAGES:
        with pytest.raises(SystemExit):
            frame.main([*DIVISION, "-o", lang, "--lang", lang, "-q"])
    chinese, english = (gridcell.read_plan(town / lang) for lang in ("zh", "en"))
    # In memory a plan is the same, whichever language its file is in, and so is its proof.
    assert chinese.findings.equals(english.findings)
    assert chinese.leaves.equals(english.leaves)
    assert [f for f in verify_certificate(town / "zh") if f.severity == "error"] == []
    cells = pyogrio.read_dataframe(town / "zh" / "plan.gpkg", layer="leaves", read_geometry=False)
    found = pyogrio.read_dataframe(town / "zh" / "plan.gpkg", layer="findings", read_geometry=False)
    reasons, messages = cells["reason"].dropna().tolist(), found["message"].tolist()
    assert reasons
    assert messages
    assert english_in("\n".join([*reasons, *messages])) == []
    styles = pyogrio.read_dataframe(town / "zh" / "plan.gpkg", layer="layer_styles")
    assert '<alias index="0" field="code" name="网格编码"' in styles["styleQML"].iloc[0]
    labels = styles.loc[styles["f_table_name"] == "findings", "styleQML"].iloc[0]
    assert "'under_band', '户数低于范围'" in labels
    text = (town / "zh" / "geojson" / "leaves.geojson").read_text("utf-8")
    assert f'"reason":"{reasons[0]}"' in text


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("folder", ["x", "y"])
def test_sheets_and_their_columns_have_chinese_names(town, folder):
    book = openpyxl.load_workbook(town / folder / "cells.xlsx")
    assert book.sheetnames[:5] == ["大网格", "社区", "小网格", "微网格", "末级网格"]
    heads = [cell.value for sheet in book for cell in sheet[1]]
    assert not {"households", "grid_type"} & set(heads)


def test_what_the_computer_speaks_changes_no_byte(town, monkeypatch, capsys):
    monkeypatch.chdir(town)
    for locale in ("zh_CN.UTF-8", "C"):
        monkeypatch.setenv("LC_ALL", locale)
        with pytest.raises(SystemExit):
            frame.main(["partition", "t/communities.shp", "t/buildings.shp", "-o", locale])
        assert ("验证" in capsys.readouterr().out) == (locale != "C")
    names = ("map.html", "geojson/small.geojson", "plan.gpkg")
    for name in names[:2]:
        one, two = ((town / locale / name).read_bytes() for locale in ("zh_CN.UTF-8", "C"))
        assert one == two, name


def test_the_meanings_of_settings_are_those_of_the_source():
    told = {
        f"setting.{name}.{key}": text
        for name, settings in _meanings().items()
        for key, text in settings.items()
        if key in getattr(getattr(gridcell.rules, name), "model_fields", {})
    }
    known = {key: text for key, text in texts("en").items() if key.startswith("setting.")}
    assert known == told


def test_a_drafted_rules_file_is_commented_in_chinese_and_means_the_same():
    sample = Path(__file__).parents[1] / "data" / "samples" / "gbk_cgcs2000"
    english, chinese = (
        draft_rules([sample / "communities.shp", sample / "buildings.shp"], lang=lang)
        for lang in ("en", "zh")
    )
    assert tomllib.loads(english) == tomllib.loads(chinese)
    assert re.findall(r"[a-z]+ [a-z]+ [a-z]+", english)
    lines = [line for line in chinese.splitlines() if "{" not in line]
    assert [line for line in lines if re.search(r"[a-z]+ [a-z]+ [a-z]+", line)] == []
