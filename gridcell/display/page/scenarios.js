"use strict";
// Plans of the same land side by side: a table of figures, and a map each that look at the same place.

const SHOWN = ["medium", "small", "micro", "dedicated", "barriers", "buildings", "names", "by_cell"];
const SWITCHES = ["differ", "names", "micro", "buildings", "barriers", "outside", "by_load"];

function drawScenarios(data) {
  document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
  const { words, plans } = data, page = document.getElementById("scenarios");
  const switches = element("fieldset", { class: "switches", "aria-label": words.layers });
  const maps = element("div", { class: "maps" });
  page.append(element("details", { class: "figures", open: "open" }, element("summary", {}, words.scenarios), tableOf(data)), switches, maps);
  const views = plans.map((plan, k) => viewOfPlan(maps, plan, data.differing[k], words));
  for (const name of SWITCHES) {
    const box = element("input", { type: "checkbox", "data-layer": name });
    box.checked = views[0].shows(name);
    box.addEventListener("change", () => views.forEach(view => view.turn(name, box.checked)));
    switches.append(element("label", {}, box, element("span", {}, name === "differ" ? words.households_differ : plans[0].words[name])));
  }
  lookAlike(views, plans[0].bounds);
  const dark = window.matchMedia("(prefers-color-scheme: dark)"), dress = isDark => {
    INK = isDark ? DARK : LIGHT;
    for (const view of views) view.dress();
  };
  dark.addEventListener("change", () => dress(dark.matches));
  window.addEventListener("beforeprint", () => {
    dress(false);
    for (const { painter } of views) { painter.repaint(); painter.backdrop.finish(); }
  });
  window.addEventListener("afterprint", () => dress(dark.matches));
  window.scenarioViews = views; // for whoever looks from the console
}

function tableOf({ figures }) {
  const [head, ...rows] = figures, table = element("table", {});
  table.append(element("thead", {}, element("tr", {}, ...head.map(word => element("th", {}, word)))));
  table.append(element("tbody", {}, ...rows.map(row => element("tr", {}, ...row.map((text, k) => element(k ? "td" : "th", {}, text))))));
  return table;
}

function viewOfPlan(maps, plan, differing, words) {
  unpack(plan);
  const ground = element("div", { class: "ground", role: "application", "aria-label": plan.title });
  maps.append(element("figure", {}, element("figcaption", {}, plan.title), ground));
  const map = L.map(ground, {
    preferCanvas: true, attributionControl: false, zoomControl: false, zoomSnap: 0.25, zoomDelta: 0.5, minZoom: 6, maxZoom: 21,
    zoomAnimation: false, inertia: false, // so that all maps move as one
  });
  map.fitBounds(plan.bounds, { animate: false });
  const painter = new Painter(map, plan, Object.fromEntries(SHOWN.map(name => [name, true])));
  const choose = highlighter(map, plan, painter);
  addTooltips(map, plan, painter, choose);
  addZoom(map, plan.words, () => map.fitBounds(plan.bounds, { animate: false }));
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
  const shapes = new Shapes(differing, [0, 0]), renderer = L.canvas({ padding: 0.25, pane: map.createPane("differ") });
  Object.assign(map.getPane("differ").style, { zIndex: 420, pointerEvents: "none" });
  const marks = L.layerGroup(Array.from({ length: shapes.length }, (_, i) => L.polygon(shapes.latLngs(i), { renderer, interactive: false })));
  const dress = () => {
    marks.eachLayer(mark => mark.setStyle({ color: INK.over, weight: 1, fillColor: INK.over, fillOpacity: 0.75 }));
    painter.later();
  };
  marks.addTo(map);
  dress();
  return {
    map, plan, painter, choose, dress,
    shows: name => (name === "differ" ? map.hasLayer(marks) : Boolean(painter.shown[name])),
    turn: (name, on) => {
      if (name === "differ") return on ? marks.addTo(map) : marks.remove();
      painter.shown[name] = on;
      if (name === "by_load") painter.shown.by_cell = !on;
      painter.later();
    },
  };
}

// Where one map looks all look; what is pointed at in one is marked in the others.
function lookAlike(views, bounds) {
  let leads = null;
  const follow = view => {
    if (leads && leads !== view) return;
    leads = view;
    for (const other of views) {
      if (other !== view) other.map.setView(view.map.getCenter(), view.map.getZoom(), { animate: false });
    }
    leads = null;
  };
  for (const view of views) {
    view.map.on("move zoomend resize", () => follow(view));
    view.map.on("mousemove", event => {
      for (const other of views) if (other !== view) other.choose(cellAt(other.painter, event.latlng));
    });
    view.map.on("mouseout", () => views.forEach(other => other.choose(null)));
  }
  views[0].map.fitBounds(bounds, { animate: false });
  follow(views[0]);
  keepView(views[0].map);
}
