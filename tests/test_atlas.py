"""The atlas: every cell on one page, text that can be read back, the same bytes each time."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pandas as pd
import pytest
import shapely
from atlas_fonts import CHARACTERS, make_font
from fontTools.ttLib import TTCollection, TTFont
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plans import tiny_plan
from pypdf import PdfReader

from gridcell.disclosure.publication import publish_plan
from gridcell.display.content import page_content
from gridcell.errors import GridcellError, InputError, WriteError
from gridcell.folder import write_plan
from gridcell.formats.geopackage import read_plan
from gridcell.model import Finding, Plan, findings_frame
from gridcell.render.atlas import fonts, write_atlas, write_cards
from gridcell.render.atlas.cards import KINDS
from gridcell.render.atlas.content import make_content
from gridcell.render.atlas.frame import fit_frame, round_scale
from gridcell.render.atlas.labels import Labels
from gridcell.render.atlas.sheet import PAPERS, Sheets, open_sheets
from gridcell.schema import HOUSEHOLD_COLUMNS
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.maps import atlas_words
from gridcell.words.messages import Message
from gridcell_cli.atlas import command

LARGE = "450802001"
FIRST = f"{LARGE}001"


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_font(tmp_path_factory.mktemp("fonts") / "boxes.ttf")


def staffed() -> Plan:
    staff = pd.DataFrame(
        [
            ("P7", "community_chief", FIRST, 12.3),
            ("S1", "small_chief", f"{FIRST}001", 80.0),
            ("S2", "micro_chief", f"{FIRST}001001", 20.0),
            ("S3", "porter", f"{LARGE}002801", 5.0),
        ],
        columns=["staff_id", "role", "code", "distance_m"],
    )
    vacancies = pd.DataFrame(
        [("micro_chief", f"{FIRST}001002", 1, "capacity")],
        columns=["role", "code", "missing", "reason"],
    )
    return dataclasses.replace(tiny_plan(), staff=staff, vacancies=vacancies)


def with_register(plan: Plan) -> Plan:
    leaves = plan.leaves["code"]
    rows = pd.DataFrame({"household_id": [f"H{i:03}" for i in range(20)], "count": 1})
    rows["code"] = [leaves.iloc[i % len(leaves)] for i in range(19)] + [None]
    rows["distance_m"] = 0.0
    return dataclasses.replace(plan, households=rows.reindex(columns=list(HOUSEHOLD_COLUMNS)))


def latin(plan: Plan) -> Plan:
    """Return the plan with names that Helvetica can write."""
    levels = {}
    for level in ("large", "medium", "small", "micro", "leaves"):
        cells = plan.cells(level).copy()
        cells["name"] = "Cell " + cells["code"].str[9:]
        levels[level] = cells
    return dataclasses.replace(plan, **levels, barriers=plan.barriers.assign(name="Main Street"))


def pages_of(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def bodies(path: Path, head: str = "Index") -> list[str]:
    """Return the pages after the title and the index."""
    texts = pages_of(path)
    return texts[1 + max(i for i, text in enumerate(texts) if text.startswith(head)) :]


@pytest.mark.parametrize(("lang", "told", "untold"), [
    ("en", "pers.", r"\bhh\b|ouseholds"), ("zh", "人数", "户"),
])  # fmt: skip
def test_persons_are_told_as_persons(
    tmp_path: Path, font: Path, lang: str, told: str, untold: str
) -> None:
    plan = tiny_plan()
    text = Message("finding.persons_as_households", label="blocks", column="TOTPOP")
    found = Finding(kind="persons_as_households", severity="warning", text=text)
    plan = dataclasses.replace(plan, findings=findings_frame([found], plan.crs))
    for shown in (plan, publish_plan(plan).plan):
        write_atlas(shown, tmp_path / "a.pdf", lang=lang, font=font, overwrite=True)
        printed = "".join(pages_of(tmp_path / "a.pdf"))
        assert told in printed
        # What a publication says of itself is about households in any case.
        note = "".join((shown.note(lang) or "").split())
        assert not re.search(
            untold, "".join(printed.split()).replace(note, "") if note else printed
        )
        words = page_content(shown, lang)["words"]
        assert told in (words["unit"], words["households"])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("level", ["small", "micro"])
def test_every_grid_has_exactly_one_page(tmp_path: Path, font: Path, lang: str, level: str) -> None:
    plan = staffed()
    write_atlas(plan, tmp_path / "a.pdf", level=level, lang=lang, font=font)
    cells = plan.small if level == "small" else plan.leaves
    texts = bodies(tmp_path / "a.pdf", atlas_words(lang)["index"])
    heads = [text.splitlines()[1] for text in texts]
    assert sorted(heads) == sorted([*cells["label"], *plan.medium["label"]])
    assert len(PdfReader(tmp_path / "a.pdf").pages) == 2 + len(heads)


@pytest.mark.parametrize(("lang", "said"), [
    ("en", "{n} hh, wanted 69 to 90 (of these 12 estimated)"),
    ("zh", "{n} 户，应为 69～90（其中估算 12）"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["atlas", "cards"])
def test_a_grid_tells_the_households_it_should_have_and_those_that_are_estimates(
    tmp_path: Path, font: Path, kind: str, lang: str, said: str
) -> None:
    plan = staffed()
    leaves = plan.leaves.copy()
    leaves.loc[0, ["band_min", "band_max"]] = 68.75, 90.5
    leaves.loc[0, "estimated"] = 12
    plan = dataclasses.replace(plan, leaves=leaves, estimated=12)
    file = tmp_path / "a.pdf"
    if kind == "atlas":
        write_atlas(plan, file, level="micro", lang=lang, font=font)
    else:
        write_cards(plan, file, lang=lang, font=font)
    told = said.format(n=leaves["households"][0])
    text = "".join(pages_of(file)).replace(" ", "").replace("\n", "")
    assert text.count(told.replace(" ", "")) == 1
    assert text.count(told.split("69")[1][:6].replace(" ", "")) == 1


def test_the_index_tells_each_page_and_leads_there(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    write_atlas(plan, tmp_path / "a.pdf", font=font)
    reader = PdfReader(tmp_path / "a.pdf")
    index = reader.pages[1].extract_text().split()
    for cell in plan.small.itertuples():
        page = int(index[index.index(str(cell.label)) + 2])
        assert str(cell.label) in reader.pages[page - 1].extract_text()
    targets = [
        reader.get_page_number(note.get_object()["/Dest"][0].get_object())
        for note in reader.pages[1]["/Annots"]
    ]
    assert targets == list(range(2, 2 + len(plan.medium) + len(plan.small)))
    assert [str(item.title) for item in reader.outline if not isinstance(item, list)] == [
        "荷城街道", "Index", "荷城社区", "东湖社区",
    ]  # fmt: skip


def test_a_page_tells_figures_posts_micro_grids_buildings_and_streets(
    tmp_path: Path, font: Path
) -> None:
    plan = staffed()
    write_atlas(plan, tmp_path / "a.pdf", font=font)
    text = next(t for t in bodies(tmp_path / "a.pdf") if t.startswith("荷城社区第1小网格"))
    small = plan.small.set_index("code").loc[f"{FIRST}001"]
    for said in (
        f"{small['households']} hh", "the community is too small", "Small-cell chief", "S1",
        "Community chief", "P7", "vacant", "ba", "bb", "人民路", "1 : 2,500", "第2小网格 p. 5",
    ):  # fmt: skip
        assert said in " ".join(text.split()), said
    for label in plan.micro.loc[plan.micro["parent"] == f"{FIRST}001", "label"]:
        assert text.count(label) == 1


def test_chinese_words_are_chinese(tmp_path: Path, font: Path) -> None:
    write_atlas(staffed(), tmp_path / "a.pdf", lang="zh", font=font)
    text = "\n".join(pages_of(tmp_path / "a.pdf"))
    for said in ("小网格图册", "索引", "小网格长", "空缺", "户数范围", "北"):
        assert said in text
    assert "Households" not in text


def test_nobody_is_named_without_contacts(tmp_path: Path, font: Path) -> None:
    contacts = pd.DataFrame({"staff_id": ["S2"], "name": ["王丽"], "phone": ["13800000000"]})
    write_atlas(staffed(), tmp_path / "a.pdf", font=font)
    write_atlas(staffed(), tmp_path / "b.pdf", font=font, contacts=contacts)
    plain, named = ("\n".join(pages_of(tmp_path / f"{n}.pdf")) for n in "ab")
    assert "王丽" not in plain
    assert "S2" in plain
    assert "王丽 13800000000" in named
    assert "S2" not in named


def test_one_community_has_an_atlas_of_its_own(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    write_atlas(plan, tmp_path / "a.pdf", community=f"{LARGE}002", font=font)
    heads = [text.splitlines()[1] for text in bodies(tmp_path / "a.pdf")]
    own = plan.small.loc[plan.small["community"] == f"{LARGE}002", "label"]
    assert sorted(heads[1:]) == sorted(own)
    assert pages_of(tmp_path / "a.pdf")[0].startswith("东湖社区")


@pytest.mark.parametrize("paper", PAPERS)
def test_pages_have_the_size_of_the_paper_and_no_pictures(
    tmp_path: Path, font: Path, paper: str
) -> None:
    write_atlas(tiny_plan(), tmp_path / "a.pdf", paper=paper, font=font)
    for page in PdfReader(tmp_path / "a.pdf").pages:
        size = np.array([page.mediabox.width, page.mediabox.height], dtype=float) * 25.4 / 72
        assert size == pytest.approx(PAPERS[paper], abs=0.02)
        assert not list(page.images)


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path, font: Path) -> None:
    write_plan(staffed(), tmp_path / "plan")
    code = (
        "import sys\n"
        "from gridcell.render.atlas import write_atlas, write_cards\n"
        "from gridcell.formats.geopackage import read_plan\n"
        "write_atlas(read_plan(sys.argv[1]), sys.argv[2] + 'atlas.pdf', font=sys.argv[3])\n"
        "write_cards(read_plan(sys.argv[1]), sys.argv[2] + 'cards.pdf', font=sys.argv[3])\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "plan", tmp_path / "1", font],
        check=True, env={**os.environ, "PYTHONHASHSEED": "77"},
    )  # fmt: skip
    write_atlas(read_plan(tmp_path / "plan"), tmp_path / "2atlas.pdf", font=font)
    write_cards(read_plan(tmp_path / "plan"), tmp_path / "2cards.pdf", font=font)
    for name in ("atlas.pdf", "cards.pdf"):
        assert (tmp_path / f"1{name}").read_bytes() == (tmp_path / f"2{name}").read_bytes()


def test_signs_that_mean_something_in_a_pdf_are_only_text(tmp_path: Path, font: Path) -> None:
    name = r"a(b\c) /Type <x> ET"
    write_atlas(tiny_plan(community_name=name), tmp_path / "a.pdf", font=font)
    assert bodies(tmp_path / "a.pdf")[0].splitlines()[0] == name


# --- fonts ----------------------------------------------------------------------------------


def test_a_missing_font_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "system_fonts", lambda: iter(()))
    with pytest.raises(InputError, match=r"no font has '.' \(U\+.*fonts-noto-cjk.*\(font\)"):
        write_atlas(tiny_plan(), tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_a_character_that_the_font_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "system_fonts", lambda: iter(()))
    given = make_font(tmp_path / "x.ttf", lacks="龘")
    with pytest.raises(InputError, match=r"no font has '龘' \(U\+9F98\) in '龘社区'"):
        write_atlas(tiny_plan(community_name="龘社区"), tmp_path / "a.pdf", font=given)


def test_what_one_font_lacks_another_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = make_font(tmp_path / "x.ttf", lacks="龘")
    other = make_font(tmp_path / "y.ttf", family="Other")
    monkeypatch.setattr(fonts, "system_fonts", lambda: iter([other]))
    write_atlas(tiny_plan(community_name="龘社区"), tmp_path / "a.pdf", font=given)
    assert bodies(tmp_path / "a.pdf")[0].splitlines()[0] == "龘社区"


def test_latin_names_need_no_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "system_fonts", lambda: iter(()))
    write_atlas(latin(tiny_plan()), tmp_path / "a.pdf")
    assert "Main Street" in "".join(pages_of(tmp_path / "a.pdf"))


def test_postscript_outlines_of_a_collection_are_embedded_and_read_back(tmp_path: Path) -> None:
    collection = TTCollection()
    for family in ("Test JP", "Test SC", "Test Mono SC"):
        part = make_font(tmp_path / f"{family}.otf", family=family, cff=True)
        collection.fonts.append(TTFont(part))
    collection.save(tmp_path / "all.ttc")
    collection.close()
    write_atlas(tiny_plan(), tmp_path / "a.pdf", lang="zh", font=tmp_path / "all.ttc")
    assert any(t.startswith("荷城社区第1小网格") for t in pages_of(tmp_path / "a.pdf"))
    chosen = fonts.choose_faces({"荷"}, tmp_path / "all.ttc")[0]
    assert chosen.number == 1


@pytest.mark.parametrize("content", [b"", b"no font", b"ttcf\0\0\0\0\0\0\0\1"])
def test_a_file_that_is_no_font_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ttf").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.ttf: cannot be used as a font"):
        write_atlas(tiny_plan(), tmp_path / "a.pdf", font=tmp_path / "x.ttf")
    with pytest.raises(InputError, match="No such file"):
        write_atlas(tiny_plan(), tmp_path / "a.pdf", font=tmp_path / "none.ttf")


@pytest.mark.skipif(not any(fonts.system_fonts()), reason="no Chinese font on this system")
def test_a_font_of_the_system_is_found(tmp_path: Path) -> None:
    write_atlas(tiny_plan(), tmp_path / "a.pdf", lang="zh")
    assert any(t.startswith("荷城社区第1小网格") for t in pages_of(tmp_path / "a.pdf"))


# --- cards ----------------------------------------------------------------------------------


def test_cards_are_eight_to_a_page_one_a_leaf(tmp_path: Path, font: Path) -> None:
    plan = staffed()
    write_cards(plan, tmp_path / "c.pdf", font=font)
    texts = pages_of(tmp_path / "c.pdf")
    found = [text.count("Micro cell contacts") for text in texts]
    assert sum(found) == len(plan.leaves)
    assert found[:-1] == [8] * (len(found) - 1)
    everything = "\n".join(texts)
    assert all(everything.count(label) == 1 for label in plan.leaves["label"])
    assert "vacant" in everything


def test_households_have_a_card_each_where_they_have_a_cell(tmp_path: Path, font: Path) -> None:
    write_cards(with_register(staffed()), tmp_path / "c.pdf", kind="household", font=font)
    text = "\n".join(pages_of(tmp_path / "c.pdf"))
    assert all(text.count(f"H{i:03}") == 1 for i in range(19))
    assert "H019" not in text


def test_cards_that_cannot_be_made_say_why(tmp_path: Path, font: Path) -> None:
    with pytest.raises(InputError, match=r"no register of households.*kind='micro'"):
        write_cards(tiny_plan(), tmp_path / "c.pdf", kind="household", font=font)
    with pytest.raises(InputError, match="cards 'dog': expected one of micro, household"):
        write_cards(tiny_plan(), tmp_path / "c.pdf", kind="dog", font=font)


def test_a_plan_without_micro_grids_has_cards_for_small_ones(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    plan = dataclasses.replace(plan, micro=plan.micro.iloc[:0], leaves=plan.small)
    assert write_cards(plan, tmp_path / "c.pdf", font=font) == [tmp_path / "c.pdf"]
    texts = pages_of(tmp_path / "c.pdf")
    assert sum(text.count("cell contacts") for text in texts) == len(plan.small)
    with pytest.raises(InputError, match=r"no micro cells.*level='small'"):
        write_atlas(plan, tmp_path / "a.pdf", level="micro", font=font)
    write_atlas(plan, tmp_path / "a.pdf", font=font)
    assert len(pages_of(tmp_path / "a.pdf")) == 2 + 2 + len(plan.small)


# --- what fits where --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sheets(font: Path) -> Any:
    with open_sheets("A4", set(CHARACTERS), title="t", lang="en", font=font) as opened:
        opened.add_page()
        yield opened


ONE_SHEET = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ONE_SHEET
@given(
    text=st.text(st.sampled_from(CHARACTERS), max_size=60),
    size=st.floats(3, 30),
    width=st.floats(8, 190),
)
def test_a_text_is_never_wider_than_its_place(
    sheets: Sheets, text: str, size: float, width: float
) -> None:
    shown, smaller = sheets.fit(text, size, width)
    assert smaller <= size
    assert sheets.measure(shown, smaller) <= max(width, sheets.measure("…", smaller)) + 1e-6
    assert shown == text or "…" in shown
    assert "".join(sheets.wrap(text, size, width)) == text


@ONE_SHEET
@given(
    st.lists(
        st.tuples(
            st.floats(0, 100), st.floats(0, 100), st.floats(-90, 90),
            st.sampled_from(["001", "人民路", "B02834"]),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_no_label_lies_over_another_or_the_rim(
    sheets: Sheets, wishes: list[tuple[float, float, float, str]]
) -> None:
    labels = Labels(sheets, 0, 0, 100, 100)
    labels.keep(40, 40, 10, 10)
    placed = 1
    for x, y, angle, text in wishes:
        placed += labels.put(np.array([[x, y]]), text, (8.0, 5.0), angles=np.array([angle]))
    boxes = np.array(labels._taken)
    assert len(boxes) == placed
    tree = shapely.STRtree(boxes)
    left, right = tree.query(boxes, predicate="intersects")
    assert (left == right).all()
    assert shapely.contains(shapely.box(0, 0, 100, 100), boxes).all()


@given(st.floats(1, 1e7))
def test_scales_are_round_and_show_all(need: float) -> None:
    scale = round_scale(need)
    assert need * (1 - 1e-6) <= scale <= 1.5 * need
    assert float(f"{scale:.3g}") == pytest.approx(scale)


@given(
    west=st.floats(-1e6, 1e6), south=st.floats(-1e6, 1e6), across=st.floats(1, 1e5),
    up=st.floats(1, 1e5),
)  # fmt: skip
def test_a_frame_shows_the_whole_cell(west: float, south: float, across: float, up: float) -> None:
    frame = fit_frame(np.array([west, south, west + across, south + up]), 10, 20, 190, 150)
    corners = frame.paper(shapely.points([[west, south], [west + across, south + up]]))
    (x0, y0), (x1, y1) = shapely.get_coordinates(corners).tolist()
    assert 10 < x0 < x1 < 200
    assert 20 < y1 < y0 < 170
    assert (x1 - x0) / 1000 * frame.scale == pytest.approx(across, rel=1e-3)


# --- refusals and the command ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"paper": "A5"}, "paper 'A5': expected one of A4, A3"),
        ({"level": "leaf"}, "level 'leaf': expected one of small, micro"),
        ({"lang": "fr"}, "language 'fr'"),
        ({"community": "4"}, "no community '4'; it has 450802001001"),
        ({"contacts": pd.DataFrame({"staff_id": ["1"], "name": ["x"]})}, "the plan has no staff"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    tmp_path: Path, font: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_atlas(tiny_plan(), tmp_path / "a.pdf", font=font, **options)
    assert not list(tmp_path.iterdir())


def test_files_are_replaced_only_when_that_is_wanted(tmp_path: Path, font: Path) -> None:
    write_atlas(tiny_plan(), tmp_path / "a.pdf", font=font)
    with pytest.raises(WriteError, match="is there already"):
        write_atlas(tiny_plan(), tmp_path / "a.pdf", font=font)
    write_atlas(tiny_plan(), tmp_path / "a.pdf", font=font, overwrite=True)
    with pytest.raises(WriteError, match=r"unknown atlas format '\.gif'; expected \.pdf"):
        write_atlas(tiny_plan(), tmp_path / "a.gif", font=font)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]


def test_the_command_draws_atlas_and_cards(tmp_path: Path, font: Path) -> None:
    plan = with_register(staffed())
    write_plan(plan, tmp_path / "plan")
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("staff_id,name\nS2,王丽\n", encoding="utf-8")

    def run(*arguments: str) -> click.testing.Result:
        given = [str(tmp_path / "plan"), "--font", str(font), *arguments]
        return click.testing.CliRunner().invoke(command, given)

    atlas = tmp_path / "a.pdf"
    done = run("-o", str(atlas), "--json", "--paper", "a3", "--contacts", str(contacts))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report == {"output": str(atlas), "pages": 10, "bytes": atlas.stat().st_size}
    assert "王丽" in "".join(pages_of(atlas))
    for cards, count in (("--cards",), len(plan.leaves)), (("--cards", "household"), 19):
        done = run("-o", str(atlas), "--overwrite", "--json", *cards)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["cards"] == count
    refused = run("-o", str(atlas))
    assert isinstance(refused.exception, GridcellError)
    assert run("-o", str(tmp_path / "b.pdf"), "--level", "large").exit_code == 2


def test_kinds_of_cards_and_levels_are_those_of_the_command() -> None:
    choices = {p.name: getattr(p.type, "choices", None) for p in command.params}
    assert tuple(choices["cards"]) == KINDS
    assert tuple(choices["paper"]) == tuple(PAPERS)
    assert make_content(
        tiny_plan(), level=tuple(choices["level"])[1], community=None, contacts=None, lang="en"
    ).inner == {}  # fmt: skip


def test_a_leaf_with_part_of_a_building_says_of_which():
    plan = tiny_plan()
    leaf = plan.micro["code"][0]
    micro = plan.micro.assign(
        buildings=plan.micro["buildings"].where(plan.micro["code"] != leaf, 0)
    )
    one = dataclasses.replace(plan, micro=micro)
    content = make_content(one, level="small", community=None, contacts=None, lang="en")
    building = plan.buildings.set_index("code")["bldg_id"][leaf]
    assert content.buildings(micro.iloc[0]) == f"part of {building}"
    assert content.buildings(micro.iloc[1]) == "1"
