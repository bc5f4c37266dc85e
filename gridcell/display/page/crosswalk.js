"use strict";
// The page of a crosswalk: pairs of cells in the colour of their relation, borders of both divisions.

const FILLS = {
  equal: "#5aae61", inside: "#a6dba0", contains: "#9ecae1", overlaps: "#fdae61", only_a: "#d9d9d9", only_b: "#bdbdbd",
};
const DARK = window.matchMedia("(prefers-color-scheme: dark)").matches;
const SIDES = {
  a: { color: DARK ? "#a9c7f7" : "#1b3a6b", weight: 2.2 }, b: { color: DARK ? "#ff8a80" : "#b2182b", weight: 1.6, dashArray: "6 4" },
};

function drawCrosswalk(data) {
  document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
  const { words } = data;
  const map = namedMap(words), wide = map.getSize().x >= 1000;
  const home = () => map.fitBounds(data.bounds, {
    animate: false, paddingTopLeft: wide ? [350, 24] : [12, 12], paddingBottomRight: wide ? [260, 24] : [12, 12],
  });
  home();
  const pairs = new Shapes(data.pairs.shape, [0, 0]);
  const groups = {};
  for (let i = 0; i < data.pairs.a.length; i++) {
    const relation = data.pairs.relation[i];
    groups[relation] ??= L.layerGroup().addTo(map);
    L.polygon(pairs.latLngs(i), { weight: 0.6, color: DARK ? "#17181b" : "#666", fillColor: FILLS[relation], fillOpacity: 0.75 })
      .bindTooltip(() => tooltip(data, i), { sticky: true, className: "plan-tip", opacity: 1 })
      .addTo(groups[relation]);
  }
  const overlays = {};
  for (const name of Object.keys(FILLS)) {
    if (groups[name]) overlays[label(words[name], data.counts[name], FILLS[name])] = groups[name];
  }
  for (const side of ["a", "b"]) {
    const shapes = new Shapes(data[`cells_${side}`].shape, [0, 0]);
    const group = L.layerGroup().addTo(map);
    for (let i = 0; i < shapes.length; i++) {
      L.polygon(shapes.latLngs(i), { ...SIDES[side], fill: false, interactive: false }).addTo(group);
    }
    overlays[label(words[`borders_${side}`], shapes.length, SIDES[side].color, "line")] = group;
  }
  addOverlays(map, words, overlays);
  addZoom(map, words, home);
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
  keepView(map);
  const box = node("details", "plan-panel", node("summary", "", node("b", "", data.title)),
    node("div", "inside", node("table", "", ...data.figures.map(([word, value]) => node("tr", "", node("td", "", word), node("td", "", value))))));
  box.open = wide;
  const panel = L.control({ position: "topleft" });
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  panel.onAdd = () => box;
  panel.addTo(map);
}

function label(word, count, colour, kind = "") { // words and numbers of ours: no markup in them
  return `<i class="swatch ${kind}" style="background:${colour}"></i>${word} <span class="count">${count.toLocaleString("en")}</span>`;
}

function tooltip(data, i) {
  const { words, pairs } = data;
  const row = (word, value) => node("tr", "", node("td", "", word), node("td", "", value));
  const share = value => value === null ? "–" : `${(100 * value).toFixed(1)} %`;
  const rows = [
    row("A", pairs.a[i] ?? "–"), row("B", pairs.b[i] ?? "–"), row(words.relation, words[pairs.relation[i]]),
    row(words.area, `${pairs.area[i].toLocaleString("en")} m²`),
    row(words.share_a, share(pairs.share_a[i])), row(words.share_b, share(pairs.share_b[i])),
  ];
  if (pairs.buildings[i] !== null) rows.push(row(words.buildings, String(pairs.buildings[i])));
  if (pairs.suppressed[i]) rows.push(row(words.households, words.suppressed));
  else if (pairs.households[i] !== null) rows.push(row(words.households, String(pairs.households[i])));
  return node("table", "", ...rows);
}
