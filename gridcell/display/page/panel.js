"use strict";
// The panel: figures, search, how households are spread, findings, pages.

function dot(severity) {
  const node = element("i", { class: "dot" });
  node.style.background = INK.severity[severity];
  return node;
}

function addPanel(map, plan, painter, choose) {
  const { words, figures } = plan, panel = L.control({ position: "topleft" });
  const table = element("table", {}, ...figures.map(([word, value, mark]) =>
    element("tr", {}, element("td", {}, word), element("td", { class: mark }, value))));
  let found = null; // the building that was looked for
  const go = cell => {
    const wide = isWide(map);
    if (found) found.remove();
    if (cell.building) found = showBuilding(map, painter, cell.building);
    if (found && cell.building) return;
    choose(cell);
    map.fitBounds(painter.shapes[cell.level].bounds(cell.row), {
      animate: false, maxZoom: 18, paddingTopLeft: wide ? [350, 60] : [30, 60], paddingBottomRight: wide ? [260, 60] : [30, 60],
    });
    choose(cell); // moving lets go of it
    if (plan.pages.length) addCard(map, plan, painter, painter.shapes[cell.level].middle(cell.row), cell);
  };
  const inside = element("div", { class: "inside" },
    ...(plan.home ? [element("a", { href: plan.home, class: "home" }, `← ${words.all_communities}`)] : []),
    ...searchBox(plan, go), table, ...["small", "micro"].map(level => histogram(plan, level)),
    findingsList(map, plan), pagesList(plan), plan.note && element("p", {}, plan.note), element("p", {}, plan.precision));
  const node = element("details", { class: "plan-panel", open: isWide(map) ? "open" : "" },
    element("summary", {}, plan.above ? element("small", {}, plan.above) : null, element("b", {}, plan.title),
      ...[plan.place, plan.date].filter(Boolean).map(text => element("small", {}, text))), inside);
  panel.onAdd = () => { L.DomEvent.disableClickPropagation(node); L.DomEvent.disableScrollPropagation(node); return node; };
  panel.addTo(map);
  const follow = () => {
    if (viewOf(location.hash)) return;
    const wanted = readable(location.hash.slice(1)), cell = wanted && findCells(plan, wanted, 1)[0];
    if (cell) go(cell);
  };
  follow();
  window.addEventListener("hashchange", follow);
}

function readable(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % in an address
  }
}

// Shows a building and its id until something else is looked for.
function showBuilding(map, painter, { id, at }) {
  const parts = at.map(([group, row]) => painter.buildings[group].latLngs(row));
  const wide = isWide(map), drawn = L.polygon(parts, { renderer: L.svg(), interactive: false, color: "#c0187a", weight: 3, fillOpacity: 0.25, className: "found" }).addTo(map);
  map.fitBounds(drawn.getBounds(), { animate: false, maxZoom: 18.5, paddingTopLeft: wide ? [350, 60] : [30, 60], paddingBottomRight: wide ? [260, 60] : [30, 60] });
  return drawn.bindTooltip(() => element("b", {}, id), { permanent: true, direction: "top", className: "plan-tip" });
}

function searchBox(plan, go) {
  const { words, levels } = plan, most = 8;
  const search = element("input", { type: "search", placeholder: words.search, "aria-label": words.search, autocomplete: "off" });
  const list = element("ol", { class: "matches" });
  let found = [], at = 0;
  const show = () => {
    found = findCells(plan, search.value, most);
    at = 0;
    const wanted = search.value.trim() !== "";
    search.classList.toggle("missed", wanted && !found.length);
    list.replaceChildren(...found.map((cell, k) => {
      const item = element("li", { class: "placed" }, ...(cell.building ? [cell.building.id, element("span", { class: "count" }, words.one_building)] : told(plan, cell)));
      item.addEventListener("click", () => take(k));
      return item;
    }));
    if (wanted && !found.length) list.append(element("li", {}, words.no_match));
    mark();
  };
  const mark = () => [...list.children].forEach((item, k) => item.classList.toggle("at", found.length > 0 && k === at));
  const take = k => {
    if (!found[k]) return;
    list.replaceChildren();
    go(found[k]);
  };
  search.addEventListener("input", show);
  search.addEventListener("keydown", event => {
    if (event.key === "Escape") { search.value = ""; show(); }
    if (event.key === "Enter") { if (!list.children.length) show(); take(at); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !found.length) return;
    event.preventDefault();
    at = (at + step + found.length) % found.length;
    mark();
  });
  return [search, list];
}

// A cell in the list of matches; its community too where others have the same name.
function told(plan, { level, row }) {
  const c = plan.levels[level], name = c.name[row] || c.label[row], kind = plan.words[`one_${level}`];
  const same = (level === "small" || level === "micro") && c.name[row] && c.name.indexOf(c.name[row]) !== c.name.lastIndexOf(c.name[row]);
  const { row: above } = family(plan, { level, row }).find(one => one.level === "medium") || {}, { medium } = plan.levels;
  const place = same && above !== undefined ? ` · ${medium.name[above] || medium.label[above]}` : "";
  return [name, element("span", { class: "count" }, `${kind}${place} · ${c.label[row]}`)];
}

// Ids of buildings, each with the places of its parts.
function buildingsOf(plan) {
  if (!plan.houses) {
    plan.houses = new Map();
    (plan.buildings || []).forEach(({ id }, group) => id.forEach((own, row) => {
      if (own === null) return;
      if (!plan.houses.has(own)) plan.houses.set(own, { id: own, plain: own.toLowerCase().replace(/[\s-]/g, ""), at: [] });
      plan.houses.get(own).at.push([group, row]);
    }));
  }
  return plan.houses;
}

// Cells by code, label or name, then buildings by id: whole ones first, then beginnings, then what holds the text.
function findCells(plan, text, most) {
  const plain = t => (t || "").toLowerCase().replace(/[\s-]/g, ""), wanted = plain(text);
  if (!wanted) return [];
  const ranks = [[], [], []];
  for (const level of LEVELS) {
    const c = plan.levels[level];
    c.plain = c.plain || ["code", "label", "name"].map(column => c[column].map(plain));
    const [code, label, name] = c.plain;
    for (let row = 0; row < code.length; row++) {
      const rank = code[row] === wanted || label[row] === wanted || name[row] === wanted ? 0
        : code[row].startsWith(wanted) || label[row].startsWith(wanted) || name[row].startsWith(wanted) ? 1
          : name[row].includes(wanted) || code[row].endsWith(wanted) ? 2 : -1;
      if (rank >= 0 && ranks[rank].length < most) ranks[rank].push({ level, row });
    }
  }
  for (const building of buildingsOf(plan).values()) {
    const own = building.plain, rank = own === wanted ? 0 : own.startsWith(wanted) ? 1 : own.endsWith(wanted) ? 2 : -1;
    if (rank >= 0 && ranks[rank].length < most) ranks[rank].push({ building });
  }
  return ranks.flat().slice(0, most);
}

// How many cells hold how many households; what is outside the band stands out.
function histogram(plan, level) {
  const { words, loads } = plan, { band } = plan.levels[level], held = plan.levels[level].held || plan.levels[level].households, known = band.flatMap((b, i) => b ? [i] : []);
  if (!known.length) return null;
  const sorted = known.map(i => held[i]).sort((a, b) => a - b), far = sorted[Math.floor(0.995 * (sorted.length - 1))];
  const top = Math.max(far, loads[level] && loads[level].band ? 1.3 * loads[level].band[1] : 0, 1);
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000].find(s => top / s <= 24) || top / 20;
  const bins = Array.from({ length: Math.floor(top / step) + 1 }, () => [0, 0, 0, 0]);
  for (const i of known) bins[Math.min(bins.length - 1, Math.floor(Math.max(0, held[i]) / step))][band[i]] += 1;
  const most = Math.max(...bins.map(b => b[1] + b[2] + b[3])), bars = bins.map((b, k) => {
    const more = k === bins.length - 1 ? "+" : step > 1 ? `–${(k + 1) * step - 1}` : "";
    const bar = element("div", { class: "bar", title: `${k * step}${more} ${plan.levels[level].held ? words.load_of : words.unit}: ${b[1] + b[2] + b[3]}` });
    for (const side of [3, 2, 1]) {
      if (!b[side]) continue;
      const piece = element("i", { class: BANDS[side] });
      piece.style.height = `${Math.max(1.5, 44 * b[side] / most)}px`;
      bar.append(piece);
    }
    return bar;
  });
  return element("figure", { class: "histogram" }, element("figcaption", {}, words[`per_${level}`]),
    element("div", { class: "bars" }, ...bars),
    element("div", { class: "axis" }, ...[0, Math.floor(bins.length / 2) * step, (bins.length - 1) * step].map((n, k) => element("span", {}, n.toLocaleString("en") + (k === 2 ? "+" : "")))));
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

function pagesList(plan) {
  if (!plan.pages.length) return null;
  const { name, label, households } = plan.levels.medium;
  const items = plan.pages.map((page, row) => element("li", {}, element("a", { href: page }, name[row] || label[row]),
    element("span", { class: "count" }, households[row] < 0 && plan.note ? plan.words.hidden : `${tellHouseholds(plan, households[row])} ${plan.words.unit}`)));
  return element("details", { class: "list pages", open: "open" }, element("summary", {}, plan.words.pages), element("ol", {}, ...items));
}
