"""The map as people meet it: in a real browser, with the network off.

Needs Chromium and playwright; without them the tests are skipped.
"""

import dataclasses
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from plans import in_words, tiny_plan
from shapely.geometry import LineString, Point

from gridcell.errors import InputError
from gridcell.model import Finding, Plan, findings_frame
from gridcell.render.city import write_city_map
from gridcell.render.map import write_map

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

EVIL = "<script>alert(1)</script>"
EVILS = (EVIL, '"><img src=x onerror=alert(1)>')
TILES = "http://tiles.example/{z}/{x}/{y}.png"
INKED = """() => {
  const { data } = document.querySelector("canvas.leaflet-zoom-animated").getContext("2d")
    .getImageData(0, 0, 1200, 800);
  let count = 0;
  for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
  return count;
}"""
PIXELS = """() => document.querySelector("canvas.leaflet-zoom-animated").getContext("2d")
  .getImageData(0, 0, 1800, 1200).data"""
PICTURE = """() => document.querySelector("canvas.leaflet-zoom-animated").toDataURL()"""
PAINTED = """async () => {
  do await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  while (planMap.painter.busy);
}"""


class Visit:
    """A page and everything that it asked for or complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("pageerror", lambda e: self.faults.append(str(e)))
        page.on("console", lambda m: self.faults.append(m.text))
        page.on("dialog", lambda d: (self.faults.append(f"dialog {d.message}"), d.dismiss()))

    def open(self, path: Path, *, mark: str = "") -> None:
        self.page.goto(path.as_uri() + mark)
        self.page.wait_for_function("() => window.planMap && planMap.painter.painted")
        self.paint()

    def paint(self) -> None:
        self.page.evaluate(PAINTED)

    def ink(self) -> int:
        self.paint()
        return int(self.page.evaluate(INKED))

    def picture(self) -> str:
        self.paint()
        return str(self.page.evaluate(PICTURE))

    def switch(self, layer: str) -> None:
        self.page.locator(f"input[data-layer={layer}]").click()
        self.paint()

    def point_at(self, level: str, row: int) -> None:
        """Put the pointer on the place where the name of a cell stands."""
        x, y = self.page.evaluate(
            """([level, row]) => {
              const { map, plan } = planMap, { places } = plan.levels[level];
              const k = 2 * places.row.indexOf(row), { xy } = places;
              const at = map.latLngToContainerPoint([xy[k + 1] / 1e6, xy[k] / 1e6]);
              return [at.x + 6, at.y + 6];
            }""",
            [level, row],
        )
        self.page.mouse.move(x, y)
        self.paint()

    def chosen(self) -> list[int]:
        """Return which outlines are drawn: 0 the cell, 1 its parent, and so on."""
        return [
            k for k in range(4)
            if len(self.page.locator(f"path.chosen-{k}").get_attribute("d") or "") > 9
        ]  # fmt: skip

    def foreign(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    context.set_default_timeout(15_000)
    yield Visit(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def plan() -> Plan:
    plan = tiny_plan()
    vacant = pd.DataFrame(
        {"role": ["micro_chief"], "code": [plan.micro["code"][0]], "missing": [1],
         "reason": ["capacity"]}
    )  # fmt: skip
    return dataclasses.replace(plan, vacancies=vacant)


@pytest.fixture(scope="module")
def page_file(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "map.html"
    write_map(plan, path)
    return path


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("city") / "map"
    write_city_map(plan, path)
    return path


def test_a_page_is_drawn_without_faults_or_requests(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    assert visit.ink() > 100_000
    assert visit.requests == [page_file.as_uri()]
    assert visit.faults == []
    assert "proven" in visit.page.locator(".plan-panel").inner_text()


def test_the_browser_refuses_what_somebody_adds_to_the_page(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    blocked = visit.page.evaluate(
        """() => new Promise(done => {
          addEventListener("securitypolicyviolation", event => done(event.blockedURI));
          new Image().src = "http://elsewhere.example/spy.png";
        })"""
    )
    assert blocked.startswith("http://elsewhere.example")


LAYERS = ("names", "findings", "vacancies", "medium", "small", "dedicated", "micro", "buildings",
          "barriers", "large", "outside")  # fmt: skip


def test_every_layer_can_be_switched(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    before = visit.picture()
    for layer in LAYERS:
        visit.switch(layer)
        assert visit.picture() != before, layer
        visit.switch(layer)
        assert visit.picture() == before, layer
    assert visit.faults == []


def test_only_bare_land_is_left_without_layers(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    for layer in LAYERS:
        box = visit.page.locator(f"input[data-layer={layer}]")
        if box.is_checked():
            visit.switch(layer)
    colours = visit.page.evaluate(
        """() => {
          const { data } = document.querySelector("canvas.leaflet-zoom-animated").getContext("2d")
            .getImageData(0, 0, 1200, 800), seen = new Set();
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] === 255) seen.add(`${data[i]} ${data[i + 1]} ${data[i + 2]}`);
          }
          return [...seen];
        }"""
    )
    assert "211 229 208" not in colours  # a fill of small cells
    assert len(colours) < 12


def test_colours_by_households_come_with_the_band(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    before = visit.picture()
    visit.switch("by_load")
    assert visit.picture() != before
    legend = visit.page.locator(".plan-legend").inner_text()
    assert "Households per micro cell" in legend
    for text in ("15 – 29", "30 – 36", "44 – 50", "51 – 75", "≥ 76"):
        assert text in legend
    visit.switch("micro")
    assert "Households per small cell" in visit.page.locator(".plan-legend").inner_text()


@pytest.mark.parametrize("column", ["label", "code", "name"])
def test_a_cell_is_found(visit: Visit, page_file: Path, plan: Plan, column: str) -> None:
    visit.open(page_file)
    visit.page.get_by_role("searchbox").fill(plan.micro[column][4])
    assert plan.micro["label"][4] in visit.page.locator(".matches li").first.inner_text()
    visit.page.keyboard.press("Enter")
    visit.paint()
    assert visit.chosen() == [0, 1, 2, 3]
    x, y = plan.micro.to_crs(4326).geometry[4].centroid.coords[0]
    assert visit.page.evaluate("at => planMap.map.getBounds().contains(at)", [y, x])


def test_what_is_not_there_is_said_to_be_missing(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    visit.page.get_by_role("searchbox").fill("Atlantis")
    assert "nothing found" in visit.page.locator(".matches").inner_text()


def test_a_cell_under_the_pointer_stands_out_with_its_parents(
    visit: Visit, page_file: Path, plan: Plan
) -> None:
    visit.open(page_file)
    visit.point_at("micro", 0)
    tip = visit.page.locator(".leaflet-tooltip").inner_text()
    assert plan.micro["label"][0] in tip
    assert "荷城社区第1小网格 · 荷城社区 · 荷城街道" in tip
    assert visit.chosen() == [0, 1, 2, 3]
    visit.switch("micro")
    visit.point_at("small", 2)
    assert plan.small["label"][2] in visit.page.locator(".leaflet-tooltip").inner_text()
    assert visit.chosen() == [0, 1, 2]


@pytest.mark.parametrize(("lang", "said"), [
    ("en", "Households: {n}, wanted 69 to 90 (of these 12 estimated)"),
    ("zh", "户数：{n}，应为 69～90（其中估算 12）"),
])  # fmt: skip
def test_a_cell_tells_the_households_it_should_have_and_those_that_are_estimates(
    visit: Visit, plan: Plan, tmp_path: Path, lang: str, said: str
) -> None:
    small = plan.small.copy()
    small.loc[:, ["band_min", "band_max"]] = 68.75, 90.5
    small.loc[0, "estimated"] = 12
    guessed = dataclasses.replace(plan, small=small, estimated=12)
    write_map(guessed, tmp_path / "map.html", lang=lang)
    visit.open(tmp_path / "map.html")
    visit.switch("micro")
    visit.point_at("small", 0)
    tip = visit.page.locator(".leaflet-tooltip").inner_text()
    assert said.format(n=small["households"][0]) in tip


def test_a_vacancy_tells_its_post(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    x, y = visit.page.evaluate(
        """() => {
          const mark = planMap.painter.marks.find(m => m.layer === "vacancies");
          const at = planMap.map.layerPointToContainerPoint([mark.x, mark.y]);
          return [at.x, at.y];
        }"""
    )
    visit.page.mouse.move(x, y)
    tip = visit.page.locator(".leaflet-tooltip").inner_text()
    assert "vacant: Micro-cell chief (capacity)" in tip


def evil_plan(evil: str) -> Plan:
    """Return a plan in which every text that comes from data, codes as well, is one text."""
    plan = tiny_plan(community_name=evil, message=evil)
    for cells in (plan.large, plan.medium, plan.small, plan.micro):
        cells["name"] = evil
    plan.small["reason"] = plan.micro["reason"] = evil
    plan.findings["kind"] = plan.findings["cell"] = evil
    old = plan.medium["code"][0]
    for cells in (plan.medium, plan.small, plan.micro, plan.leaves, plan.buildings, plan.findings):
        for column in ("code", "label", "parent", "community"):
            if column in cells:
                cells[column] = cells[column].str.replace(old, f"{evil}1", regex=False)
    plan.medium["label"] = plan.small["label"] = evil
    barriers = plan.barriers.assign(name=evil, rank=evil)
    vacant = pd.DataFrame(
        {"role": [evil, evil], "code": [plan.micro["code"][0], plan.medium["code"][0]],
         "missing": [1, 2], "reason": [evil, evil]}
    )  # fmt: skip
    return dataclasses.replace(plan, barriers=barriers, vacancies=vacant)


@pytest.mark.parametrize("evil", EVILS)
def test_names_are_text_wherever_they_show(visit: Visit, tmp_path: Path, evil: str) -> None:
    plan = evil_plan(evil)
    calm = tmp_path / "calm.html"
    write_map(tiny_plan(), calm)
    visit.open(calm)
    count = "document.querySelectorAll('script, img, iframe').length"
    expected = visit.page.evaluate(count)
    write_map(plan, tmp_path / "map.html")
    pages = [path for path in write_city_map(plan, tmp_path / "map") if path.name != "index.html"]
    for path in (tmp_path / "map.html", tmp_path / "map" / "index.html", *pages):
        visit.open(path)
        assert visit.page.locator(".plan-panel summary b").inner_text() == evil
        visit.page.get_by_role("searchbox").fill(evil)
        assert evil in visit.page.locator(".matches").inner_text()
        visit.page.keyboard.press("Enter")
        visit.page.locator(".list").evaluate_all("lists => lists.forEach(list => list.open = true)")
        visit.point_at("micro", 1)
        assert evil in visit.page.locator(".leaflet-tooltip").inner_text()
        visit.page.mouse.click(600, 400)
        for x, y in visit.page.evaluate(
            "planMap.painter.marks.map(m => planMap.map.layerPointToContainerPoint([m.x, m.y]))"
            ".map(({ x, y }) => [x, y])"
        ):
            visit.page.mouse.move(x, y)
        visit.paint()
        assert visit.page.evaluate(count) == expected, path
    assert visit.faults == []


def test_a_code_that_is_markup_gives_a_safe_name_to_its_page(visit: Visit, tmp_path: Path) -> None:
    for evil in EVILS:
        files = write_city_map(evil_plan(evil), tmp_path / "map", overwrite=True)
        assert all(re.fullmatch(r"[a-z]+(-[A-Za-z0-9_-]+)?\.html", path.name) for path in files)
        visit.open(files[0])
        assert visit.page.locator(".pages a").all_inner_texts() == [evil] * 2
        visit.page.locator(".pages a").first.click()
        visit.page.wait_for_url(f"**/{files[1].name}")
        visit.paint()
        visit.page.locator("a.home").click()
        visit.page.wait_for_url("**/index.html")
    assert visit.faults == []


@pytest.mark.parametrize(("severity", "dots"), [("note", True), ("warning", False)])
def test_notes_are_dots_and_many_warnings_gather(
    visit: Visit, tmp_path: Path, severity: Any, dots: bool
) -> None:
    plan = tiny_plan()
    x, y = plan.medium.geometry[0].centroid.coords[0]
    found = [
        Finding(
            kind="k",
            severity=severity,
            text=in_words(f"m{k}"),
            place=Point(x + k % 20, y + k // 20),
        )
        for k in range(300)
    ]
    plan = dataclasses.replace(plan, findings=findings_frame(found, plan.crs))
    write_map(plan, tmp_path / "map.html")
    visit.open(tmp_path / "map.html")
    counts = visit.page.evaluate("planMap.painter.marks.map(mark => mark.count)")
    assert sum(counts) == 300
    assert (len(counts) == 300) is dots


def test_what_was_shifted_looks_like_what_is_painted_anew(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    for zoom, x, y in ((0, 330, 0), (1, -210, 170), (0, 5, -400), (0, 5000, 0), (-1, -4800, 30)):
        visit.page.evaluate(
            """([zoom, x, y]) => {
              const { map } = planMap;
              if (zoom) map.setZoom(map.getZoom() + zoom, { animate: false });
              map.panBy([x, y], { animate: false });
            }""",
            [zoom, x, y],
        )
        visit.paint()
        visit.page.evaluate(f"() => {{ window.shifted = ({PIXELS})(); }}")
        visit.page.evaluate("planMap.painter.backdrop.kept = null; planMap.painter.repaint()")
        visit.paint()
        differ = visit.page.evaluate(
            f"""() => {{
              const now = ({PIXELS})();
              let differ = 0;
              for (let i = 0; i < now.length; i++) differ += Math.abs(now[i] - shifted[i]) > 24;
              return differ / now.length;
            }}"""
        )
        assert differ < 1e-4


def test_a_map_without_room_is_painted_once_it_has_some(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    before = visit.picture()
    for width, height in ((0, 0), (1200, 800)):
        visit.page.evaluate(
            """([width, height]) => {
              const { map } = planMap, { style } = map.getContainer();
              style.width = `${width}px`;
              style.height = `${height}px`;
              map.invalidateSize({ animate: false });
            }""",
            [width, height],
        )
        visit.paint()
    assert visit.picture() == before
    assert visit.faults == []


def test_the_land_stays_in_sight_while_it_is_painted(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    before = visit.ink()
    left = visit.page.evaluate(
        f"""() => {{
          const {{ map, painter }} = planMap, {{ run }} = Backdrop.prototype;
          const {{ backdrop }} = painter, later = () => run.call(backdrop);
          backdrop.run = () => {{ backdrop.timer = setTimeout(later, 50); }};
          map.panBy([40, 0], {{ animate: false }});
          const busy = painter.busy, ink = ({INKED})();
          delete backdrop.run;
          return busy ? ink : 0;
        }}"""
    )
    assert left > 0.7 * before


def test_the_pointer_over_a_control_tells_of_no_cell(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    visit.point_at("micro", 0)
    assert visit.page.locator(".leaflet-tooltip").count() == 1
    visit.page.locator(".plan-legend").hover()
    visit.page.locator(".leaflet-tooltip").wait_for(state="detached")
    assert not visit.page.locator(".leaflet-chosen-pane").is_visible()


def test_a_community_opens_from_the_list_and_leads_back(visit: Visit, folder: Path) -> None:
    visit.open(folder / "index.html")
    visit.page.locator(".pages a", has_text="东湖社区").click()
    visit.page.wait_for_url("**/community-450802001002.html")
    assert visit.page.locator(".plan-panel summary b").inner_text() == "东湖社区"
    visit.page.locator("a.home").click()
    visit.page.wait_for_url("**/index.html")
    assert visit.foreign() == []
    assert visit.faults == []


def test_a_community_opens_from_the_map_at_the_cell_that_was_clicked(
    visit: Visit, folder: Path, plan: Plan
) -> None:
    visit.open(folder / "index.html")
    visit.point_at("micro", 5)
    visit.page.mouse.down()
    visit.page.mouse.up()
    visit.page.locator("a.open").click()
    visit.page.wait_for_url(f"**/community-450802001001.html#{plan.micro['code'][5]}")
    visit.paint()
    assert visit.chosen() == [0, 1, 2, 3]
    assert visit.faults == []


def test_a_neighbour_opens_from_the_page_of_a_community(visit: Visit, folder: Path) -> None:
    visit.open(folder / "communities" / "community-450802001001.html")
    x, y = visit.page.evaluate(
        """() => {
          const { map, plan } = planMap, { xy } = plan.around.places;
          map.setView([xy[1] / 1e6, xy[0] / 1e6], map.getZoom(), { animate: false });
          const at = map.latLngToContainerPoint([xy[1] / 1e6, xy[0] / 1e6]);
          return [at.x, at.y];
        }"""
    )
    visit.page.mouse.click(x, y)
    visit.page.locator("a.open").click()
    visit.page.wait_for_url("**/community-450802001002.html")
    assert visit.faults == []


def test_tiles_are_asked_for_from_their_server_alone(
    visit: Visit, plan: Plan, tmp_path: Path
) -> None:
    write_map(plan, tmp_path / "tiles.html", tiles=TILES)
    visit.open(tmp_path / "tiles.html")
    visit.page.wait_for_timeout(300)
    assert visit.foreign()
    assert all(url.startswith("http://tiles.example/") for url in visit.foreign())
    assert visit.page.locator("input[data-layer=tiles]").is_checked()
    assert "tiles.example" in visit.page.locator(".leaflet-control-attribution").inner_text()


def test_a_chinese_page_speaks_no_english(visit: Visit, plan: Plan, tmp_path: Path) -> None:
    quiet = dataclasses.replace(plan, findings=findings_frame([], plan.crs))
    quiet.micro["reason"] = quiet.small["reason"] = None
    write_city_map(quiet, tmp_path / "zh", lang="zh")
    for name in ("index", "communities/community-450802001001"):
        visit.open(tmp_path / "zh" / f"{name}.html")
        visit.switch("by_load")
        visit.switch("outside")
        visit.point_at("micro", 0)
        said = visit.page.locator("body").inner_text().replace("plan.gpkg", "")
        titles = visit.page.evaluate(
            "[...document.querySelectorAll('[title],[aria-label],[placeholder]')].flatMap("
            "n => ['title', 'aria-label', 'placeholder'].map(a => n.getAttribute(a) || ''))"
        )
        assert re.findall(r"[A-Za-z]{3,}", " ".join([said, *titles])) == []


def test_water_is_filled(visit: Visit, tmp_path: Path) -> None:
    plan = tiny_plan()
    ring = plan.medium.geometry[0].centroid.buffer(60).exterior
    lake = gpd.GeoDataFrame(
        {"kind": ["river"], "rank": [None], "name": [None]},
        geometry=[LineString(ring.coords)],
        crs=plan.crs,
    )
    write_map(dataclasses.replace(plan, barriers=lake), tmp_path / "lake.html")
    visit.open(tmp_path / "lake.html")
    assert "Water" in visit.page.locator(".plan-legend").inner_text()
    for layer in ("names", "micro", "buildings"):
        visit.switch(layer)
    blue = """() => {
      const { data } = document.querySelector("canvas.leaflet-zoom-animated").getContext("2d")
        .getImageData(0, 0, 2000, 1500);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        count += data[i] === 127 && data[i + 1] === 178 && data[i + 2] === 214;
      }
      return count;
    }"""
    assert visit.page.evaluate(blue) > 2000


def test_home_leads_back_and_a_link_shows_a_place(visit: Visit, page_file: Path) -> None:
    visit.open(page_file)
    page, look = visit.page, "() => [planMap.map.getZoom(), planMap.map.getCenter().lng]"
    start = page.evaluate(look)
    assert page.evaluate("location.hash") == ""
    page.evaluate("planMap.map.panBy([4000, 900], { animate: false })")
    link = page.evaluate("location.hash")
    away = page.evaluate(look)
    assert re.fullmatch(r"#map=[\d.]+/[\d.]+/[\d.]+", link)
    page.locator(".way-home").click()
    assert page.evaluate(look) == pytest.approx(start, abs=1e-6)
    page.evaluate("mark => { location.hash = mark; }", link)
    page.wait_for_function("x => Math.abs(planMap.map.getCenter().lng - x) < 1e-4", arg=away[1])
    visit.open(page_file, mark=link)
    page.reload()
    assert page.evaluate(look) == pytest.approx(away, abs=1e-4)
    for strange in ("#map=99/95/-999", "#map=x/y/z", "#%", "#map=1/2"):
        visit.open(page_file, mark=strange)
        page.reload()
    assert visit.faults == []


def test_a_building_is_found_by_its_id(visit: Visit, plan: Plan, page_file: Path) -> None:
    visit.open(page_file)
    wanted = str(plan.buildings["bldg_id"].iloc[0])
    visit.page.locator("input[type=search]").fill(wanted.lower())
    visit.page.keyboard.press("Enter")
    assert visit.page.locator(".leaflet-tooltip").inner_text() == wanted
    assert visit.page.locator("path.found").count() == 1
    visit.page.locator("input[type=search]").fill(str(plan.small["code"].iloc[0]))
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("path.found").count() == 0
    assert visit.faults == []


def test_title_place_day_and_holders_are_texts_and_only_where_asked_for(
    visit: Visit, plan: Plan, tmp_path: Path
) -> None:
    code = plan.micro["code"][0]
    held = pd.DataFrame({"staff_id": ["S1"], "role": ["micro_chief"], "code": [code],
                         "distance_m": [1.0]})  # fmt: skip
    staffed = dataclasses.replace(plan, staff=held)
    write_map(staffed, tmp_path / "bare.html")
    assert "S1" not in (tmp_path / "bare.html").read_text("utf-8").split("plan-data")[1]
    contacts = pd.DataFrame({"staff_id": ["S1"], "name": [EVIL], "phone": ["138"]})
    write_map(staffed, tmp_path / "map.html", title=EVIL, date="2026-11-27", contacts=contacts)
    visit.open(tmp_path / "map.html")
    head = visit.page.locator(".plan-panel > summary").inner_text()
    assert EVIL in head
    assert "2026-11-27" in head
    told = visit.page.evaluate(
        "() => describeCell(planMap.plan, { level: 'micro', row: 0 }).textContent"
    )
    assert f"{EVIL} 138" in told
    assert visit.faults == []
    with pytest.raises(InputError, match="2026"):
        write_map(plan, tmp_path / "no.html", date="27.11.2026")


def test_the_map_is_dark_for_who_likes_it_and_light_on_paper(browser: Any, page_file: Path) -> None:
    context = browser.new_context(
        viewport={"width": 1200, "height": 800}, offline=True, color_scheme="dark"
    )
    visit = Visit(context.new_page())
    visit.open(page_file)
    ink, back = "() => INK.scheme", "() => getComputedStyle(planMap.map.getContainer()).background"
    assert visit.page.evaluate(ink) == "dark"
    dark = visit.page.evaluate(back)
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert visit.page.evaluate("() => [INK.scheme, planMap.painter.busy]") == ["light", False]
    visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert visit.page.evaluate(ink) == "dark"
    visit.page.emulate_media(color_scheme="light")
    visit.page.wait_for_function('() => INK.scheme === "light"')
    assert visit.page.evaluate(back) != dark
    visit.paint()
    assert visit.faults == []
    context.close()


def test_the_legend_of_a_phone_waits_to_be_opened(browser: Any, page_file: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    visit = Visit(context.new_page())
    visit.open(page_file)
    legend = visit.page.locator(".plan-legend")
    assert not legend.locator("canvas").first.is_visible()
    legend.locator("summary").click()
    assert legend.locator("canvas").first.is_visible()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
