"""An atlas says who prints it and when, lies as is wanted, and gives single pages as pictures."""

import re
import struct
import zlib

import pytest
from atlas_fonts import make_font
from plans import tiny_plan
from pypdf import PdfReader

from gridcell.errors import InputError
from gridcell.render.atlas.content import ENLARGED
from gridcell.render.atlas.pdf import write_atlas
from gridcell_cli.main import main as gridcell

IMPRINT = {"title": "街道网格图册", "department": "社会治理办公室", "date": "2026-11-27"}


@pytest.fixture(scope="module")
def font(tmp_path_factory):
    return make_font(tmp_path_factory.mktemp("fonts") / "boxes.ttf")


@pytest.fixture(scope="module")
def plan():
    return tiny_plan()


@pytest.fixture(scope="module")
def printed(plan, font, tmp_path_factory):
    """Return pages of an atlas of these options, drawn once for each."""
    folder, known = tmp_path_factory.mktemp("atlas"), {}

    def printed(**options):
        key = repr(sorted(options.items()))
        if key not in known:
            file = folder / f"{len(known)}.pdf"
            write_atlas(plan, file, font=font, **options)
            known[key] = PdfReader(file).pages
        return known[key]

    return printed


def png(path, side=4):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x20\x60\xa0" * side for _ in range(side)))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    return path


def sizes(page):
    """Return the sizes of texts on a page by what they say, points on paper."""
    found = {}

    def note(text, _cm, _tm, _font, size):
        if text.strip():
            found.setdefault(text.strip(), round(size, 2))

    page.extract_text(visitor_text=note)
    return found


def test_title_department_and_date_are_on_the_title_and_on_every_foot(printed):
    pages = [page.extract_text() for page in printed(**IMPRINT, sign_off=True, lang="zh")]
    for text in IMPRINT.values():
        assert all(text in page for page in pages)
    for word in ("编制", "审核", "批准", "签字", "日期"):
        assert word in pages[0]
        assert not any(word in page for page in pages[1:])


def test_nothing_is_to_be_signed_unless_that_is_wanted(printed):
    assert "Approved by" not in printed()[0].extract_text()


def test_the_overview_has_the_numbers_of_the_cells(printed, plan):
    told = printed()[0].extract_text().split()
    assert {code[-3:] for code in plan.small["code"]} <= set(told)


def test_texts_on_a3_are_larger_than_on_a4(printed):
    small, large = sizes(printed()[0]), sizes(printed(paper="A3")[0])
    shared = set(small) & set(large)
    assert len(shared) > 5
    alike = [text for text in shared if large[text] == pytest.approx(1.2 * small[text], rel=0.01)]
    assert len(alike) > 0.8 * len(shared)
    assert ENLARGED == {"A4": 1.0, "A3": 1.2}


def test_landscape_pages_have_the_same_content(printed):
    lying, upright = printed(orientation="landscape"), printed()
    assert len(lying) == len(upright)
    for one, two in zip(lying, upright, strict=True):
        assert one.mediabox.width == pytest.approx(float(two.mediabox.height), abs=0.1)
        words = set(re.findall(r"[一-鿿]{3,}|\d{9,}[\d-]*", two.extract_text()))
        assert len(words - set(re.findall(r"[一-鿿]{3,}|\d{9,}[\d-]*", one.extract_text()))) <= 2


def test_a_fixed_scale_is_that_of_every_map_that_fits(printed):
    told = [re.findall(r"1 : ([\d,]+)", page.extract_text()) for page in printed(scale=2345)]
    assert told[3] == ["2,345"]
    assert all(scales == ["2,345"] for scales in told[-3:])


def test_the_command_tells_cells_that_do_not_fit(plan, font, tmp_path, capsys):
    from gridcell.folder import write_plan

    write_plan(plan, tmp_path / "plan")
    with pytest.raises(SystemExit) as end:
        gridcell(["atlas", str(tmp_path / "plan"), "-o", str(tmp_path / "a.pdf"), "--scale", "100",
                  "--font", str(font), "--json", "--date", "2026-01-31"])  # fmt: skip
    assert end.value.code == 0
    assert '"smaller": ["' in capsys.readouterr().out


def test_dedicated_cells_are_hatched(plan, font, tmp_path):
    from gridcell.render.atlas.furniture import HATCH

    write_atlas(plan, tmp_path / "a.svg", font=font)
    colour = f'stroke="#{bytes(HATCH).hex()}"'
    assert (tmp_path / "a.svg").read_text("utf-8").count(colour) > 10
    general = plan.small.assign(grid_type="general")
    other = type(plan)(
        **{
            name: getattr(plan, name)
            for name in plan.__dataclass_fields__
            if plan.__dataclass_fields__[name].init
        }
        | {"small": general, "leaves": plan.leaves.assign(grid_type="general")}
    )
    write_atlas(other, tmp_path / "b.svg", font=font)
    assert (tmp_path / "b.svg").read_text("utf-8").count(colour) == 0


def test_a_page_is_a_picture_of_the_same_content(plan, font, tmp_path, printed):
    from xml.etree import ElementTree as ET

    write_atlas(plan, tmp_path / "a.svg", font=font, page=4)
    write_atlas(plan, tmp_path / "b.svg", font=font, page=4)
    content = (tmp_path / "a.svg").read_bytes()
    assert content == (tmp_path / "b.svg").read_bytes()
    root = ET.fromstring(content)  # noqa: S314 - our own
    assert (root.get("width"), root.get("height")) == ("210mm", "297mm")
    told = " ".join(node.text for node in root.iter("{http://www.w3.org/2000/svg}text"))
    pages = printed()[3].extract_text()
    assert set(re.findall(r"\d{9,}[\d-]+", pages)) <= set(re.findall(r"\d{9,}[\d-]+", told))
    assert b"http" not in content.replace(b"http://www.w3.org/2000/svg", b"")

    write_atlas(plan, tmp_path / "a.png", font=font, page=4)
    head = (tmp_path / "a.png").read_bytes()[:24]
    assert struct.unpack(">II", head[16:]) == pytest.approx((1654, 2339), abs=2)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_logo_is_on_the_title_page_alone(plan, font, tmp_path, suffix):
    logo = tmp_path / f"logo.{suffix}"
    if suffix == "png":
        png(logo)
    else:
        logo.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
            '<rect width="9" height="9" fill="#123456"/></svg>', "utf-8",
        )  # fmt: skip
    write_atlas(plan, tmp_path / "a.svg", font=font, logo=logo)
    assert "data:image/" in (tmp_path / "a.svg").read_text("utf-8")
    write_atlas(plan, tmp_path / "a.pdf", font=font, logo=logo)
    pages = PdfReader(tmp_path / "a.pdf").pages
    if suffix == "png":
        assert [len(page.images) for page in pages][:3] == [1, 0, 0]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"date": "27.11.2026"}, "date"),
        ({"orientation": "askew"}, "no orientation askew"),
        ({"scale": 1.0}, "must lie between"),
        ({"page": 2}, "as a picture only"),
        ({"logo": "nowhere.png"}, "no such file"),
    ],
)
def test_what_cannot_be_is_refused(plan, font, tmp_path, options, fault):
    with pytest.raises(InputError, match=fault):
        write_atlas(plan, tmp_path / "a.pdf", font=font, **options)
    assert not list(tmp_path.iterdir())


def test_logos_that_are_broken_or_look_elsewhere_are_refused(plan, font, tmp_path):
    broken, looking = tmp_path / "broken.png", tmp_path / "looking.svg"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        write_atlas(plan, tmp_path / "a.pdf", font=font, logo=broken)
    looking.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://example.org/x.png"/></svg>',
        "utf-8",
    )
    with pytest.raises(InputError, match="names other files"):
        write_atlas(plan, tmp_path / "a.pdf", font=font, logo=looking)


def test_a_page_that_there_is_not_is_told(plan, font, tmp_path):
    with pytest.raises(InputError, match="no page 99; the atlas has"):
        write_atlas(plan, tmp_path / "a.png", font=font, page=99)
