"use strict";
// The page around the painting: panel, layers, legend, tooltips, search.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (value) node.setAttribute(key, value);
  node.append(...children.filter(child => child !== null && child !== undefined)); // text stays text
  return node;
}

const AT_FIRST = ["medium", "small", "dedicated", "barriers", "buildings", "names", "findings"];
const BANDS = ["", "in", "under", "over"];

function drawPlan(map, plan) {
  document.documentElement.lang = plan.lang === "zh" ? "zh-CN" : plan.lang;
  const shown = Object.fromEntries(AT_FIRST.map(name => [name, true]));
  shown.micro = plan.micro_at_first;
  shown.large = plan.levels.large.label.length > 1;
  fit(map, plan);
  const painter = new Painter(map, plan, shown);
  addLayers(map, plan, painter);
  addLegend(map, plan);
  const highlight = L.polygon([], {
    renderer: L.svg({ padding: 0.25 }), interactive: false, color: "#111", weight: 2.5, fill: false,
  }).addTo(map);
  const show = cell => highlight.setLatLngs(cell ? painter.shapes[cell.level].latLngs(cell.row) : []);
  addPanel(map, plan, show, painter);
  addTooltips(map, plan, painter, show);
  L.control.zoom({ position: "bottomleft" }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
}

function isWide(map) { // room for the panel and the layers beside the map
  return map.getSize().x >= 1000;
}

function fit(map, plan) {
  const wide = isWide(map);
  map.fitBounds(plan.bounds, {
    animate: false, paddingTopLeft: wide ? [320, 24] : [12, 12], paddingBottomRight: wide ? [260, 24] : [12, 12],
  });
}

const Switch = L.Layer.extend({
  initialize(name, painter) { this.name = name; this.painter = painter; },
  onAdd() { this.turn(true); },
  onRemove() { this.turn(false); },
  turn(on) {
    if (Boolean(this.painter.shown[this.name]) === on) return;
    this.painter.shown[this.name] = on;
    this.painter.repaint();
  },
});

function addLayers(map, plan, painter) {
  const { words, counts, levels } = plan, rows = {
    names: [words.names, ""], findings: [words.findings, counts.findings],
    large: [words.large, levels.large.label.length], medium: [words.medium, levels.medium.label.length],
    small: [words.small_general, counts.small_general], dedicated: [words.small_dedicated, counts.small_dedicated],
    micro: [words.micro, levels.micro.label.length], outside: [words.outside, ""],
    buildings: [words.buildings, plan.buildings ? counts.buildings : words.too_many_buildings],
    barriers: [words.barriers, ""],
  };
  const overlays = {};
  for (const [name, [word, count]] of Object.entries(rows)) {
    const number = typeof count === "number" ? count.toLocaleString("en") : count;
    const layer = new Switch(name, painter);
    if (painter.shown[name]) layer.addTo(map);
    overlays[`<i class="swatch" data-swatch="${name}"></i>${word}<span class="count">${number}</span>`] = layer;
  }
  const control = L.control.layers(null, overlays, { collapsed: !isWide(map) }).addTo(map);
  for (const node of control.getContainer().querySelectorAll("[data-swatch]")) node.append(swatch(node.dataset.swatch));
}

function swatch(name) {
  const canvas = element("canvas", { width: 44, height: 26 }), ctx = canvas.getContext("2d");
  ctx.scale(2, 2);
  const box = (fill, edge, width) => {
    ctx.fillStyle = fill;
    ctx.fillRect(1.5, 1.5, 19, 10);
    ctx.strokeStyle = edge;
    ctx.lineWidth = width;
    ctx.strokeRect(1.5, 1.5, 19, 10);
  };
  const line = (colour, width, dash = []) => {
    ctx.beginPath();
    ctx.moveTo(1, 6.5);
    ctx.lineTo(21, 6.5);
    ctx.setLineDash(dash);
    ctx.lineWidth = width;
    ctx.strokeStyle = colour;
    ctx.stroke();
  };
  const draw = {
    large: () => box(INK.land, INK.large, 3), medium: () => { box(INK.land, INK.halo, 4); box("transparent", INK.medium, 1.8); },
    small: () => {
      INK.cells.slice(0, 4).forEach((c, i) => { ctx.fillStyle = c; ctx.fillRect(1.5 + 4.75 * i, 1.5, 4.75, 10); });
      box("transparent", INK.small, 1.2);
    },
    dedicated: () => { box(INK.dedicatedFill, INK.dedicated, 1.6); box(hatch(ctx, INK.hatch, 7), INK.dedicated, 1.6); },
    micro: () => { box(INK.cells[1], INK.micro, 1); ctx.fillStyle = INK.micro; ctx.fillRect(10.6, 1.5, 0.8, 10); },
    outside: () => { ctx.fillStyle = INK.underFill; ctx.fillRect(1, 1, 10, 11); ctx.fillStyle = INK.overFill; ctx.fillRect(11, 1, 10, 11); },
    under: () => { ctx.fillStyle = INK.underFill; ctx.fillRect(1, 1, 20, 11); },
    over: () => { ctx.fillStyle = INK.overFill; ctx.fillRect(1, 1, 20, 11); },
    buildings: () => box(INK.building, INK.buildingEdge, 0.8),
    barriers: () => { line(INK.roadEdge, 6); line(INK.road, 4); },
    road: () => { line(INK.roadEdge, 6); line(INK.road, 4); },
    river: () => line(INK.river, 3.5),
    rail: () => { line(INK.rail, 3.2); line(INK.road, 1.8, [4, 4]); },
    wall: () => line(INK.wall, 1.4),
    names: () => { ctx.font = `700 11px ${FONT}`; ctx.fillStyle = INK.medium; ctx.fillText("Aa", 3, 11); },
    findings: () => INK.severity.forEach((c, i) => { ctx.beginPath(); ctx.arc(4.2 + 6.6 * i, 6.5, 2.9, 0, 7); ctx.fillStyle = c; ctx.fill(); }),
  };
  draw[name]();
  return canvas;
}

function dot(severity) {
  const node = element("i", { class: "dot" });
  node.style.background = INK.severity[severity];
  return node;
}

function addLegend(map, plan) {
  const { words } = plan, legend = L.control({ position: "bottomright" });
  const row = (name, word) => element("div", {}, element("i", { class: "swatch" }, swatch(name)), word);
  legend.onAdd = () => element("div", { class: "plan-legend" },
    element("b", {}, words.legend),
    row("small", words.legend_general), row("dedicated", words.dedicated),
    row("under", words.outside_under), row("over", words.outside_over),
    ...["road", "river", "rail", "wall"].filter((_, k) => plan.barriers.kind.includes(k)).map(k => row(k, words[k])),
    ...["error", "warning", "note"].map((s, k) => element("div", {}, dot(k), words[`findings_${s}`])));
  legend.addTo(map);
}

function addPanel(map, plan, show, painter) {
  const { words, figures } = plan, panel = L.control({ position: "topleft" });
  const table = element("table", {}, ...figures.map(([word, value, mark]) =>
    element("tr", {}, element("td", {}, word), element("td", { class: mark }, value))));
  const search = element("input", { type: "search", placeholder: words.search, "aria-label": words.search });
  search.addEventListener("input", () => search.classList.remove("missed"));
  search.addEventListener("keydown", event => {
    if (event.key !== "Enter") return;
    const cell = findCell(plan, search.value);
    search.classList.toggle("missed", !cell && search.value.trim() !== "");
    show(cell);
    if (cell) map.fitBounds(painter.shapes[cell.level].bounds(cell.row), { maxZoom: 18, paddingTopLeft: [320, 60], paddingBottomRight: [60, 60] });
  });
  const inside = element("div", { class: "inside" }, table, search, findingsList(map, plan),
    element("p", {}, words.precision));
  const node = element("details", { class: "plan-panel", open: isWide(map) ? "open" : "" },
    element("summary", {}, element("small", {}, words.plan), element("b", {}, plan.title)), inside);
  if (plan.title === words.plan) node.querySelector("small").remove();
  panel.onAdd = () => { L.DomEvent.disableClickPropagation(node); L.DomEvent.disableScrollPropagation(node); return node; };
  panel.addTo(map);
}

function findingsList(map, plan) {
  const { words, findings } = plan, most = 100;
  if (!findings.message.length) return null;
  const place = new Map(findings.placed.map((row, k) => [row, k])), xy = readPoints(findings.at);
  const items = findings.message.slice(0, most).map((message, row) => {
    const item = element("li", { class: place.has(row) ? "placed" : "" }, dot(findings.severity[row]), message || findings.kind[row]);
    const k = place.get(row);
    if (k !== undefined) item.addEventListener("click", () => map.setView([xy[2 * k + 1] / UNITS, xy[2 * k] / UNITS], Math.max(map.getZoom(), 17)));
    return item;
  });
  const rest = plan.counts.findings - items.length;
  if (rest > 0) items.push(element("li", {}, `+ ${rest.toLocaleString("en")} ${words.more}`));
  return element("details", { class: "list" }, element("summary", {}, words.findings), element("ol", {}, ...items));
}

function findCell(plan, text) {
  const plain = t => (t || "").toLowerCase().replace(/[\s-]/g, "");
  const wanted = plain(text);
  if (!wanted) return null;
  const tests = [
    (c, i) => plain(c.code[i]) === wanted || plain(c.label[i]) === wanted || plain(c.name[i]) === wanted,
    (c, i) => plain(c.code[i]).startsWith(wanted) || plain(c.name[i]).includes(wanted),
  ];
  for (const test of tests) {
    for (const level of ["large", "medium", "small", "micro"]) {
      const cells = plan.levels[level];
      for (let row = 0; row < cells.label.length; row++) if (test(cells, row)) return { level, row };
    }
  }
  return null;
}

function cellAt(painter, latlng) {
  const x = latlng.lng * UNITS, y = latlng.lat * UNITS, { shown, shapes, plan } = painter;
  for (const level of ["micro", "small", "medium", "large"]) {
    if (!(shown[level] || (level === "small" && shown.dedicated))) continue;
    const row = shapes[level].at(x, y);
    if (row < 0) continue;
    if (level === "small" && !shown[plan.levels.small.dedicated[row] ? "dedicated" : "small"]) continue;
    return { level, row };
  }
  return null;
}

function markAt(painter, point) {
  if (!painter.shown.findings) return null;
  return [...painter.marks].reverse().find(m => Math.hypot(m.x - point.x, m.y - point.y) <= m.r + 3) || null;
}

function describeCell(plan, { level, row }) {
  const { words, levels } = plan, c = levels[level], dedicated = c.dedicated[row], lines = [];
  const kind = level === "small" || level === "micro" ? ` · ${words[dedicated ? "dedicated" : "general"]}` : "";
  lines.push(element("span", { class: dedicated ? "kind dedicated" : "kind" }, words[`one_${level}`] + kind));
  lines.push(element("b", {}, c.name[row] || c.label[row]), element("code", {}, c.label[row]));
  const people = element("div", {}, `${words.households}: ${(c.households[row] ?? 0).toLocaleString("en")}`);
  if (plan.estimated) people.append(` (${words.estimated})`);
  people.append(` · ${words.buildings}: ${(c.buildings[row] ?? 0).toLocaleString("en")}`);
  lines.push(people);
  const band = BANDS[c.band[row]];
  if (band) lines.push(element("div", {}, `${words.band}: `, element("span", { class: band }, words[band])));
  if (c.reason[row]) lines.push(element("div", {}, `${words.reason}: ${c.reason[row]}`));
  const above = [], order = ["large", "medium", "small", "micro"];
  for (let k = order.indexOf(level), r = row; k > 0;) {
    r = levels[order[k]].parent[r];
    if (r < 0) break;
    k -= 1;
    above.push(levels[order[k]].name[r] || levels[order[k]].label[r]);
  }
  if (above.length) lines.push(element("div", { class: "above" }, above.join(" · ")));
  return element("div", {}, ...lines);
}

function describeMark(plan, mark) {
  const { words, findings } = plan, most = 4;
  if (mark.rows.length > most) return element("div", {}, `${mark.rows.length} ${words.cluster}`);
  return element("div", {}, ...mark.rows.map(row => element("div", {},
    element("span", { class: "kind" }, dot(findings.severity[row]), `${words[["error", "warning", "note"][findings.severity[row]]]} · ${findings.kind[row]}`,
      findings.cell[row] ? ` · ${findings.cell[row]}` : ""), findings.message[row] || "")));
}

function addTooltips(map, plan, painter, show) {
  const tip = L.tooltip({ className: "plan-tip", direction: "auto", offset: [14, 0], opacity: 1 });
  let last = "";
  const close = () => { last = ""; show(null); tip.remove(); };
  const point = event => {
    const mark = markAt(painter, event.layerPoint), cell = mark ? null : cellAt(painter, event.latlng);
    if (!mark && !cell) return close();
    const key = mark ? `finding ${mark.rows[0]}` : `${cell.level} ${cell.row}`;
    if (key !== last) {
      tip.setContent(mark ? describeMark(plan, mark) : describeCell(plan, cell));
      show(cell);
      last = key;
    }
    tip.setLatLng(event.latlng).addTo(map);
  };
  map.on("mousemove", point);
  map.on("click", event => {
    const mark = markAt(painter, event.layerPoint);
    if (mark && mark.rows.length > 1) map.setView(event.latlng, Math.min(map.getZoom() + 2, map.getMaxZoom()));
    else point(event);
  });
  map.on("mouseout movestart zoomstart", close);
}
