"use strict";
// The page around the painting: layers and legend.

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (value) node.setAttribute(key, value);
  node.append(...children.filter(child => child !== null && child !== undefined)); // text stays text
  return node;
}

const AT_FIRST = ["medium", "small", "micro", "dedicated", "barriers", "buildings", "names", "findings", "vacancies", "points", "by_cell", "tiles"];

function drawPlan(map, plan) {
  document.documentElement.lang = plan.lang === "zh" ? "zh-CN" : plan.lang;
  unpack(plan);
  map.getContainer().setAttribute("role", "application");
  map.getContainer().setAttribute("aria-label", plan.title);
  const shown = Object.fromEntries(AT_FIRST.map(name => [name, true]));
  shown.large = plan.levels.large.label.length > 1;
  fit(map, plan);
  if (plan.tiles) L.control.attribution({ prefix: false }).addTo(map);
  const painter = new Painter(map, plan, shown);
  addLayers(map, plan, painter);
  addLegend(map, plan, painter);
  const choose = highlighter(map, plan, painter);
  addPanel(map, plan, painter, choose);
  addTooltips(map, plan, painter, choose);
  addZoom(map, plan.words, () => fit(map, plan));
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
  keepView(map);
  followScheme(map, painter);
  prepareForPaper(map, plan, painter);
  window.planMap = { map, plan, painter }; // for whoever looks from the console
}

function isWide(map) { // room for the panel and the layers beside the map
  return map.getSize().x >= 1000;
}

// Colours of the light or the dark scheme, whichever the reader has.
function followScheme(map, painter) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => {
    INK = dark.matches ? DARK : LIGHT;
    painter.later();
    map.fire("planink");
  });
}

// Paper is light, and has its own shape.
function prepareForPaper(map, plan, painter) {
  const box = map.getContainer();
  let before = null;
  const draw = (ink, look) => {
    INK = ink;
    map.invalidateSize({ animate: false, pan: false });
    look();
    map.fire("planink");
    painter.repaint();
    painter.backdrop.finish();
  };
  window.addEventListener("beforeprint", () => {
    if (before) return;
    before = { at: map.getCenter(), zoom: map.getZoom(), ink: INK };
    const seen = map.getBounds().contains(plan.bounds) ? plan.bounds : map.getBounds();
    box.classList.add("on-paper");
    draw(LIGHT, () => map.fitBounds(seen, { animate: false, paddingTopLeft: [345, 8], paddingBottomRight: [8, 8] }));
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    const { at, zoom, ink } = before;
    before = null;
    box.classList.remove("on-paper");
    draw(ink, () => map.setView(at, zoom, { animate: false }));
  });
}

function fit(map, plan) {
  const wide = isWide(map);
  map.fitBounds(plan.bounds, {
    animate: false, paddingTopLeft: wide ? [350, 24] : [12, 12], paddingBottomRight: wide ? [260, 24] : [12, 12],
  });
}

const Switch = L.Layer.extend({
  initialize(name, painter) { this.name = name; this.painter = painter; },
  onAdd() { this.turn(true); },
  onRemove() { this.turn(false); },
  turn(on) {
    if (Boolean(this.painter.shown[this.name]) === on) return;
    this.painter.shown[this.name] = on;
    this.painter.later();
    this.painter.map.fire("planswitch");
  },
});

function addLayers(map, plan, painter) {
  const { words, counts, levels } = plan, rows = {
    names: [words.names, ""], findings: plan.note ? null : [words.findings, counts.findings],
    points: plan.points ? [words.points, counts.points] : null,
    vacancies: counts.vacancies ? [words.vacancies, counts.vacancies] : null,
    large: [words.large, levels.large.label.length], medium: [words.medium, levels.medium.label.length],
    small: [words.small_general, counts.small_general], dedicated: [words.small_dedicated, counts.small_dedicated],
    micro: levels.micro.label.length ? [words.micro, levels.micro.label.length] : null, outside: [words.outside, ""],
    buildings: plan.sheet === "overview" ? null : [words.buildings, plan.buildings ? counts.buildings : words.too_many_buildings],
    barriers: [words.barriers, ""],
  };
  const entry = (name, word, count = "") => // words and numbers of ours alone: this is no text but HTML
    `<i class="swatch" data-swatch="${name}"></i>${word}<span class="count">${typeof count === "number" ? count.toLocaleString("en") : count}</span>`;
  const layer = name => {
    const made = new Switch(name, painter);
    if (painter.shown[name]) made.addTo(map);
    return made;
  };
  const fills = {}, overlays = {};
  for (const name of ["by_cell", "by_load"]) fills[entry(name, words[name])] = layer(name);
  for (const [name, row] of Object.entries(rows)) if (row) overlays[entry(name, ...row)] = layer(name);
  if (plan.tiles) {
    const tiles = L.tileLayer(plan.tiles, { maxZoom: 21, maxNativeZoom: 18, attribution: safe(new URL(plan.tiles.replace("{s}", "s")).host) });
    tiles.on("add remove", () => { painter.shown.tiles = map.hasLayer(tiles); painter.later(); });
    overlays[entry("tiles", words.base_map)] = tiles.addTo(map);
  }
  const control = L.control.layers(fills, overlays, { collapsed: !isWide(map) }).addTo(map), box = control.getContainer();
  const toggle = box.querySelector(".leaflet-control-layers-toggle");
  if (toggle) toggle.title = words.layers;
  const dress = () => {
    for (const node of box.querySelectorAll("[data-swatch]")) {
      if (!node.firstChild) node.append(swatch(node.dataset.swatch));
      node.closest("label").querySelector("input").dataset.layer = node.dataset.swatch;
    }
  };
  dress();
  map.on("layeradd layerremove", dress); // Leaflet writes the list anew
  map.on("planink", () => {
    for (const node of box.querySelectorAll("[data-swatch]")) node.replaceChildren();
    dress();
  });
}

function safe(text) {
  return element("i", {}, text).innerHTML;
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
    vacancies: () => { ctx.fillStyle = INK.vacancy; ctx.fillRect(6.5, 2.5, 9, 9); },
    points: () => { ctx.beginPath(); for (const [x, y] of [[11, 1], [16.5, 6.5], [11, 12], [5.5, 6.5]]) ctx.lineTo(x, y); ctx.fillStyle = INK.point; ctx.fill(); },
    buildings: () => INK.houses.slice(0, 3).forEach((c, i) => { ctx.fillStyle = c; ctx.fillRect(2 + 6.4 * i, 2.5, 5, 8); }),
    by_cell: () => INK.cells.forEach((c, i) => { ctx.fillStyle = c; ctx.fillRect(1 + 3.4 * i, 1.5, 3.4, 10); }),
    by_load: () => INK.load.forEach((c, i) => { ctx.fillStyle = c; ctx.fillRect(1 + 2.9 * i, 1.5, 2.9, 10); }),
    ...Object.fromEntries(INK.load.map((c, k) => [`load_${k}`, () => box(c, INK.micro, 0.6)])),
    water: () => { ctx.fillStyle = INK.river; ctx.fillRect(1, 1, 20, 11); },
    tiles: () => box("#cfd8c3", INK.aroundEdge, 1),
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

function addLegend(map, plan, painter) {
  const { words, barriers, loads } = plan, legend = L.control({ position: "bottomright" });
  const row = (name, word) => element("div", {}, element("i", { class: "swatch" }, swatch(name)), word);
  const range = ([low, high]) => high === null ? `≥ ${low}` : `${low} – ${high}`;
  const bands = () => {
    const level = painter.finest(), { ranges } = loads[level] || {};
    const lines = INK.load.map((_, k) => !ranges ? row(`load_${k}`, words[`load_${k}`])
      : ranges[k][1] === null || ranges[k][0] <= ranges[k][1]
        ? element("div", {}, element("i", { class: "swatch" }, swatch(`load_${k}`)), range(ranges[k]), element("span", { class: "count" }, words[`load_${k}`]))
        : null);
    return [...lines, ranges ? null : element("p", {}, words.own_bands)];
  };
  const title = element("summary"), body = element("div"), node = element("details", { class: "plan-legend", open: map.getSize().x > 700 ? "open" : "" }, title, body);
  L.DomEvent.disableClickPropagation(node);
  L.DomEvent.disableScrollPropagation(node);
  let last = "";
  const fill = () => {
    const key = [painter.finest(), painter.shown.by_load, painter.shown.outside].join();
    if (key === last) return;
    last = key;
    title.textContent = painter.shown.by_load ? words[`per_${painter.finest()}`] : words.legend;
    write();
  };
  const write = () => body.replaceChildren(...[
    ...(painter.shown.by_load ? bands() : [row("small", words.legend_general)]),
    row("dedicated", words.dedicated),
    ...(painter.shown.outside ? [row("under", words.outside_under), row("over", words.outside_over)] : []),
    plan.buildings && !painter.shown.by_load && !painter.shown.outside ? row("buildings", words.house_colours) : null,
    ...["road", "river", "rail", "wall"].filter((_, k) => barriers.kind.includes(k)).map(k => row(k, words[k])),
    painter.water.length ? row("water", words.water) : null,
    ...["error", "warning", "note"].filter((_, k) => plan.findings.severity.includes(k))
      .map(s => element("div", {}, dot(["error", "warning", "note"].indexOf(s)), words[`findings_${s}`])),
    plan.counts.vacancies ? row("vacancies", words.vacancies) : null,
    plan.points ? row("points", words.points) : null,
  ].filter(Boolean));
  fill();
  map.on("planswitch moveend", fill); // the finest level on show depends on the zoom
  map.on("planink", () => { last = ""; fill(); });
  legend.onAdd = () => node;
  legend.addTo(map);
}
