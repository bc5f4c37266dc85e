"use strict";
// The page of changes: cells that changed as a list, their borders before and now on a map.

const IS_DARK = window.matchMedia("(prefers-color-scheme: dark)").matches;
const THEN = { color: IS_DARK ? "#ff8a80" : "#b2182b", dashArray: "6 4", fill: false };
const NOW = { color: IS_DARK ? "#a5c4f5" : "#1b3a6b", fillOpacity: 0.25 };
const FILLS = { changed: "#6b9bd1", new: "#7fc98f", retired: "#d98a8a" };
const WIDTHS = { now: { 3: 4.4, 4: 3 }, then: { 3: 2, 4: 1.4 } };

function drawChanges(data) {
  document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
  const { words, cells } = data;
  const map = namedMap(words);
  const home = () => map.fitBounds(data.bounds, { animate: false });
  home();
  const groups = { around: L.layerGroup().addTo(map), then: L.layerGroup(), now: L.layerGroup().addTo(map) };
  const around = new Shapes(data.around.shape, [0, 0]);
  for (let i = 0; i < around.length; i++) {
    L.polygon(around.latLngs(i), { color: "#999", weight: 1, fill: false, interactive: false }).addTo(groups.around);
  }
  const places = {}; // of the cells that changed together
  for (const side of ["now", "then"]) {
    const shapes = new Shapes(data[side].shape, [0, 0]);
    for (let i = 0; i < shapes.length; i++) {
      const corners = shapes.latLngs(i);
      if (!corners.length) continue;
      const drawn = L.polygon(corners, {
        ...(side === "now" ? { ...NOW, fill: cells.level[i] === 4, fillColor: FILLS[cells.change[i]] } : THEN),
        weight: WIDTHS[side][cells.level[i]], interactive: side === "now",
      }).addTo(groups[side]);
      if (side === "now") drawn.bindTooltip(() => tooltip(data, i), { sticky: true });
      (places[cells.group[i]] ??= L.latLngBounds([])).extend(drawn.getBounds());
    }
  }
  groups.then.addTo(map); // above the new ones
  const key = (word, colour) => `<i class="swatch" style="background:${colour}"></i>${word}`; // words of ours
  addOverlays(map, words, {
    [key(words.borders_before, THEN.color)]: groups.then, [key(words.borders_after, NOW.color)]: groups.now,
    [key(words.small, "#999")]: groups.around,
  });
  addZoom(map, words, home, "topleft");
  L.control.scale({ imperial: false }).addTo(map);
  fillList(data, group => map.fitBounds(group === null ? data.bounds : places[group].pad(0.4), { animate: false }));
}

function fillList(data, show) {
  const { words, cells } = data, list = document.getElementById("list");
  const number = value => node("td", "number", value === null ? "" : value.toLocaleString("en"));
  const all = node("button", "", words.all);
  const rows = node("table", "", node("thead", "", node("tr", "",
    ...["cell", "", "before", "after", "moved"].map(name => node("th", "", name && words[name])))));
  rows.id = "rows";
  let chosen = null, body = null;
  const choose = (element, group) => {
    chosen?.classList.remove("chosen");
    chosen = element;
    chosen?.classList.add("chosen");
    show(group);
  };
  all.onclick = () => choose(null, null);
  cells.code.forEach((code, i) => {
    if (cells.group[i] !== cells.group[i - 1]) {
      const place = cells.community[i];
      if (place !== cells.community[i - 1]) {
        const title = node("td", "", `${data.communities[place] ?? ""} ${place}`.trim());
        title.colSpan = 5;
        rows.append(node("tbody", "", node("tr", "place", title)));
      }
      const own = body = node("tbody", "");
      own.tabIndex = 0;
      own.onclick = () => choose(own, cells.group[i]);
      own.onkeydown = event => { if (event.key === "Enter") own.onclick(); };
      rows.append(own);
    }
    body.append(node("tr", "", node("td", "code", code), node("td", cells.change[i], words[cells.change[i]]),
      number(cells.before[i]), number(cells.after[i]), number(cells.moved[i])));
    if (cells.why[i]) {
      const why = node("td", "why", cells.why[i]);
      why.colSpan = 5;
      body.append(node("tr", "", why));
    }
  });
  const figures = node("table", "", ...data.figures.map(([word, value]) =>
    node("tr", "", node("td", "", word), node("td", "", value))));
  figures.id = "figures";
  const [head, ...sides] = data.sides;
  const compared = node("table", "", ...(head ? [node("tr", "", ...head.map(word => node("th", "", word)))] : []),
    ...sides.map(row => node("tr", "", ...row.map(value => node("td", "", value)))));
  compared.id = "sides";
  list.append(node("h1", "", words.title), compared, figures, all, ...(cells.code.length ? [rows] : []));
}

function tooltip(data, i) {
  const { words, cells } = data;
  const row = (word, value) => node("tr", "", node("td", "", word), node("td", "", value));
  const shown = value => value === null ? "–" : value.toLocaleString("en");
  return node("table", "", row(words.cell, cells.code[i]), row(words.before, shown(cells.before[i])),
    row(words.after, shown(cells.after[i])), row(words.why, cells.why[i]));
}
