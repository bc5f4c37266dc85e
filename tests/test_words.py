"""What there is to say, and the catalogue that says it in every language."""

import ast
import dataclasses
import io
import re
import sqlite3
import string
from gettext import GNUTranslations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plans
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from pyogrio.errors import DataSourceError

from gridcell.check.report import KINDS
from gridcell.display.content import page_content
from gridcell.errors import InputError
from gridcell.formats.geopackage import read_plan, write_geopackage
from gridcell.model import Finding, findings_frame
from gridcell.partition import reasons
from gridcell.rules import Rules
from gridcell.staff.assign import CAPACITY, NOBODY
from gridcell.words import quotations
from gridcell.words.catalogue import DOMAIN, LANGUAGES, LOCALE, section, text, texts
from gridcell.words.maps import atlas_words, words
from gridcell.words.messages import (
    Message,
    counted,
    dump_params,
    find_message,
    load_message,
    say,
)
from gridcell.words.sentences import say_findings, say_kinds, say_reasons
from gridcell.words.terms import term

COMPILE = "run: pybabel compile -d gridcell/words/locale -D gridcell"
TOLD = Message(
    "reason.not_found", households=counted("household", 20), places=counted("building", 1),
    least=30, most=50,
)  # fmt: skip


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


def catalogue(lang, domain=DOMAIN):
    with (LOCALE / lang / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        return read_po(file, locale=lang, abort_invalid=True)


def forms(entry) -> list[str]:
    return [entry.string] if isinstance(entry.string, str) else list(entry.string)


def by_key(lang) -> dict:
    found = [(e.id if isinstance(e.id, str) else e.id[0], e) for e in catalogue(lang)]
    assert len(dict(found)) == len(found)
    return {key: entry for key, entry in found if key}


def placeholders(template: str) -> set[tuple[str, str]]:
    parts = string.Formatter().parse(template)
    return {(name, spec or "") for _, name, spec, _ in parts if name is not None}


@pytest.mark.parametrize(
    ("lang", "domain"), [*((lang, DOMAIN) for lang in LANGUAGES), ("zh", "click"), ("zh", "help")]
)
def test_catalogues_are_compiled_from_their_sources(lang: str, domain: str) -> None:
    stream = io.BytesIO()
    write_mo(stream, catalogue(lang, domain))
    stream.seek(0)
    with (LOCALE / lang / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        shipped, compiled = vars(GNUTranslations(file)), vars(GNUTranslations(stream))
    for one in (shipped, compiled):
        del one["_catalog"][""], one["_info"]  # dates and the version of Babel
    assert shipped["_catalog"] == compiled["_catalog"], COMPILE


def test_every_folder_of_the_catalogue_is_an_output_language() -> None:
    assert LANGUAGES[0] == "en"
    assert sorted(LANGUAGES) == sorted(path.name for path in LOCALE.iterdir())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_is_in_every_language_with_the_same_placeholders(lang: str) -> None:
    english, other = by_key("en"), by_key(lang)
    assert list(other) == list(english) == sorted(english)
    for key, entry in other.items():
        assert bool(entry.pluralizable) == bool(english[key].pluralizable), key
        told = {frozenset(placeholders(form)) for form in forms(entry)}
        assert told == {frozenset(placeholders(forms(english[key])[-1]))}, key
        assert all(forms(entry)), key
        assert not entry.fuzzy, key


def test_no_english_is_left_in_chinese_sentences() -> None:
    for key, entry in by_key("zh").items():
        if key.split(".")[0] in {"finding", "reason"}:
            words = re.sub(r"\{[^}]*\}", "", " ".join(forms(entry)))
            assert not re.search("[A-Za-z]{2,} [a-z]{2,}", words), key


def test_one_is_singular_in_english() -> None:
    assert say(counted("household", 1), "en") == "1 household"
    assert say(counted("household", np.int64(0)), "en") == "0 households"
    assert say(counted("household", 1), "zh") == "1户"
    assert text("count.building", "en", n=2) == "{n} buildings"


def test_a_text_that_is_not_there_is_a_bug() -> None:
    with pytest.raises(KeyError, match=r"reason\.none"):
        text("reason.none", "en")
    with pytest.raises(TypeError, match="names, numbers"):
        Message("reason.too_few", land=None, n=1)


values = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans(),
    lambda inner: (
        st.lists(inner).map(tuple)
        | st.builds(counted, st.sampled_from(["household", "building"]), st.integers())
    ),
)


@given(st.dictionaries(st.from_regex("[a-z_]+", fullmatch=True), values))
def test_a_message_comes_back_from_its_text_and_values(params) -> None:
    message = Message("list.separator", **params)
    assert load_message(message.msgid, dump_params(message)) == message


@pytest.mark.parametrize("above", ["community", "small"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", ["building", "given"])
def test_every_reason_that_a_division_gives_is_said_in_chinese(
    monkeypatch: pytest.MonkeyPatch, above: str, whole: bool, kind: str
) -> None:
    # Households of the pieces of each cell, those on its land, neighbours gone through.
    cells = [
        ([64], 500, 0), ([12], 12, 0), ([20, 35], 55, 0), ([0], 500, 0), ([20], 500, 0),
        ([11, 13], 500, 1), ([30, 31], 500, 3), ([1], 1, 0),
    ]  # fmt: skip
    cell = np.repeat(np.arange(len(cells)), [len(held) for held, _, _ in cells])
    fabric = SimpleNamespace(
        pieces=pd.DataFrame({
            "atom": np.arange(len(cell)), "building": np.arange(len(cell)),
            "households": np.concatenate([held for held, _, _ in cells]),
        }),
        atoms=pd.DataFrame({"kind": [kind] * len(cell)}),
    )  # fmt: skip
    n = len(cells)
    land = SimpleNamespace(share=np.array([s for _, s, _ in cells]), whole=np.full(n, whole))
    monkeypatch.setattr(reasons._GeneralLand, "of", lambda *_: land)
    level = reasons._CellsOfLevel(
        cell=cell, parent=np.zeros(n, dtype=int), community=np.zeros(n, dtype=int),
        dedicated=np.zeros(n, dtype=bool), above=above,
        neighbours_tried=np.array([tried for _, _, tried in cells]),
    )  # fmt: skip
    targets = SimpleNamespace(low=np.array([30.0]), high=np.array([50.0]))
    ids = np.array([f"B 第{i}栋 7" for i in range(len(cell))], dtype=object)
    found = reasons._explain(fabric, level, targets, ids).reason.tolist()
    assert len(set(map(str, found))) == n
    for reason in found:
        said = say(reason, "zh")
        assert has_chinese(said)
        assert not any(word.isalpha() and word.isascii() for word in said.replace("B", "").split())
        numbers = "".join(c if c.isdigit() else " " for c in str(reason)).split()
        assert all(number in said for number in numbers), (reason, said)
        # A plan that keeps nothing but the English sentence.
        assert say(find_message(str(reason), "reason"), "zh") == said
    assert str(found[-1]).endswith("holds only 1 household")


def with_reason(message: Message, *, keep: bool = True):
    """Return the tiny plan with a reason for its first micro cell, kept or in English alone."""
    plan = plans.tiny_plan()
    code = plan.micro["code"][0]
    micro = plan.micro.assign(reason=None).astype({"reason": "str"})
    micro.loc[0, "reason"] = str(message)
    said = Message("finding.under_band", label="L", reason=message)
    finding = Finding(kind="under_band", severity="note", cell=code, text=said)
    findings = findings_frame([finding], plan.crs)
    if not keep:
        findings = findings.drop(columns=["msgid", "params"])
    return dataclasses.replace(plan, micro=micro, findings=findings)


@pytest.mark.parametrize("keep", [True, False])
def test_a_plan_says_its_reasons_in_the_language_of_the_page(keep: bool, tmp_path) -> None:
    write_geopackage(with_reason(TOLD, keep=keep), tmp_path / "plan.gpkg")
    plan = read_plan(tmp_path / "plan.gpkg")
    assert page_content(plan, "en")["levels"]["micro"]["reason"] == {"0": str(TOLD)}
    assert page_content(plan, "zh")["levels"]["micro"]["reason"] == {"0": say(TOLD, "zh")}
    said = say_findings(plan.findings, "zh")
    assert said == [f"L：{say(TOLD, 'zh')}" if keep else f"L: {TOLD}"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_somebody_else_wrote_stays_as_it_is(lang: str) -> None:
    plan = with_reason(TOLD)
    written = pd.Series(["the river"])
    assert say_reasons(plan.micro["code"][:1], written, plan.findings, lang) == ["the river"]
    assert say_findings(plan.findings.assign(message="by hand"), lang) == ["by hand"]
    assert term("porter", lang) == "porter"


@pytest.mark.parametrize(
    "params", ["", "{", "[]", "null", "{}", '{"label": null}', '{"label": {"a": 1}}']
)
@pytest.mark.parametrize("msgid", ["finding.under_band", "finding.of_the_future", "", None])
def test_damaged_values_leave_the_english_sentence(msgid, params: str) -> None:
    findings = with_reason(TOLD).findings.assign(msgid=msgid, params=params)
    assert say_findings(findings, "zh") == [f"L: {TOLD}"]


def test_every_role_of_the_rules_and_reason_of_a_vacancy_has_a_name() -> None:
    usual = [*(role.name for role in Rules().staffing), CAPACITY, NOBODY]
    assert all(has_chinese(term(key, "zh")) for key in usual)
    assert all(map(has_chinese, section("term", "zh").values()))
    assert not any(map(has_chinese, texts("en").values()))


TELLERS = {
    "Finding": None, "fault": 0, "cell_faults": 0, "_finding": 0, "_grouped": 0, "_against": 0,
    "_add": 1, "mended_findings": 2,
}  # fmt: skip
"""What makes findings, and which positional argument is the kind."""
MADE = (
    "over_band", "under_band", "sliver", "gap", "hole", "outside", "not_nested_geometry",
    "band_told", "reason_told", "collapsed", "split", "wrong_area", "wrong_compactness",
    "wrong_label", "wrong_check_character", "wrong_band", "wrong_reason", "outside_area_of_use",
)  # fmt: skip
"""Kinds that are no literal where the finding is made."""


def literals(node) -> set[str]:
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) else set()


def kinds_in_the_library() -> set[str]:
    found = set(MADE) | set(KINDS)
    for file in sorted(LOCALE.parents[1].rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = getattr(node, "func", None)
            name = getattr(called, "id", getattr(called, "attr", None))
            if name in TELLERS:
                given = [k.value for k in node.keywords if k.arg == "kind"]
                place = TELLERS[name]
                if place is not None and len(node.args) > place:
                    given.append(node.args[place])
                found |= set().union(*map(literals, given))
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_finding_has_a_name_and_every_name_a_kind(lang: str) -> None:
    named, kinds = section("kind", lang), kinds_in_the_library()
    assert len(kinds) > 100
    assert set(named) == kinds
    assert len(set(named.values())) == len(named)


def test_maps_say_the_kind_of_a_finding_and_data_keep_its_key() -> None:
    plan = with_reason(TOLD)
    assert plan.findings["kind"].tolist() == ["under_band"]
    assert page_content(plan, "en")["findings"]["kind"] == ["under the band"]
    assert page_content(plan, "zh")["findings"]["kind"] == ["户数低于范围"]
    assert say_kinds(plan.findings.assign(kind="my_own"), "zh") == ["my_own"]


def test_another_language_is_refused_everywhere() -> None:
    for ask in (
        words,
        atlas_words,
        texts,
        lambda lang: section("map", lang),
        lambda lang: term("in", lang),
        lambda lang: say(TOLD, lang),
        lambda lang: say_findings(pd.DataFrame({"message": []}), lang),
    ):
        with pytest.raises(InputError, match="language 'fr': expected one of en, zh"):
            ask("fr")


READS_PLANNERS_FILES = {
    "check/codes.py", "check/shares.py", "coverage/layer.py", "display/content.py",
    "households/entrances.py", "households/estimate.py", "read/atoms.py", "read/features.py",
    "render/city.py", "revision/drawn.py", "revision/locks.py", "schema.py", "staff/workbook.py",
    "tables/figures.py", "tables/names.py",
}  # fmt: skip
"""Modules that know Chinese names of columns and values in the files that they read."""
RANGES = {"cells/frames.py", "render/atlas/fonts.py", "render/atlas/sheet.py"}
"""Modules that ask whether a text is Chinese."""


def test_what_is_said_in_chinese_is_in_the_catalogue_alone() -> None:
    package = LOCALE.parents[1]
    found = set()
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if id(node) not in told and has_chinese(node.value)
        ]
        if texts:
            found.add(file.relative_to(package).as_posix())
    # The town that `gridcell sample` invents has Chinese names.
    strange = {name for name in found if not name.startswith("sample/")}
    assert strange - READS_PLANNERS_FILES - RANGES == set()


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (PermissionError(13, "whatever", "a.csv"), "Permission denied: a.csv", "没有权限：a.csv"),
        (OSError(28, "whatever"), "No space left on device", "磁盘空间不足"),
        (DataSourceError("'a' not recognized as being in a supported file format."),
         "not recognized as being in a supported file format", "不是受支持的文件格式"),
        (sqlite3.DatabaseError("file is not a database"),
         "file is not a database", "不是数据库文件"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
         "it is not text in utf-8", "不是 utf-8 编码的文本"),
        (ValueError("odd  bits"), "odd bits", "原文“odd bits”"),
        (ValueError(), "ValueError", "原文“ValueError”"),
        (InputError(Message("error.points_no_crs")), None, None),
    ],
)  # fmt: skip
def test_what_other_programs_say_is_known_by_its_kind_or_quoted(error, english, chinese) -> None:
    message = Message("error.cannot_write", path="x", reason=error)
    reason = message.params["reason"]
    assert isinstance(reason, Message)
    if english is None:
        assert reason == error.text
    else:
        assert (say(reason, "en"), say(reason, "zh")) == (english, chinese)
    assert load_message(message.msgid, dump_params(message)) == message


def test_every_kind_of_quotation_has_its_words() -> None:
    kinds = {*quotations._KNOWN, *(kind for kind, _ in quotations._TEXTS)}
    assert kinds | {"other", "encoding", "at"} == set(section("quoted", "en"))
