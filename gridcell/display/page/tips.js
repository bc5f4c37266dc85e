"use strict";
// What lies under the pointer, and the cell that is chosen.

const BANDS = ["", "in", "under", "over"];

// Returns what marks a cell and, thinner, the cells that hold it.
function highlighter(map, plan, painter) {
  const pane = map.createPane("chosen"), renderer = L.svg({ padding: 0.25, pane: "chosen" }), line = above => L.polygon([], {
    renderer, pane: "chosen", interactive: false, fill: false, color: ["#111", "#c0187a", "#4a2f6b", "#25163b"][above],
    weight: [3, 2.2, 2.6, 3][above], dashArray: [null, "7 4", "2 5", "9 6"][above], className: `chosen-${above}`,
  }).addTo(map);
  Object.assign(pane.style, { zIndex: 450, pointerEvents: "none", display: "none" });
  const lines = LEVELS.map((_, k) => line(LEVELS.length - 1 - k)).reverse(); // the cell above its parents
  const drawn = lines.map(() => "");
  return cell => {
    const chain = cell ? family(plan, cell) : [];
    pane.style.display = cell ? "" : "none"; // browsers take long to zoom a drawing, even an empty one
    lines.forEach((line, k) => {
      const next = chain[k] ? `${chain[k].level} ${chain[k].row}` : "";
      if (drawn[k] === next) return;
      drawn[k] = next;
      line.setLatLngs(chain[k] ? painter.shapes[chain[k].level].latLngs(chain[k].row) : []);
    });
  };
}

// A cell and those that hold it.
function family(plan, { level, row }) {
  const chain = [{ level, row }];
  for (let k = LEVELS.indexOf(level); k > 0; k--) {
    row = plan.levels[LEVELS[k]].parent[row];
    if (row < 0) break;
    chain.push({ level: LEVELS[k - 1], row });
  }
  return chain;
}

function cellAt(painter, latlng) {
  const x = latlng.lng * UNITS, y = latlng.lat * UNITS, { shown, shapes, plan } = painter;
  for (const level of ["micro", "small", "medium", "large"]) {
    if (!(shown[level] || (level === "small" && shown.dedicated))) continue;
    if (level === "micro" && !painter.finelyDrawn()) continue;
    const row = shapes[level].at(x, y);
    if (row < 0) continue;
    if (level === "small" && !shown[plan.levels.small.dedicated[row] ? "dedicated" : "small"]) continue;
    return { level, row };
  }
  return null;
}

function markAt(painter, point) {
  return [...painter.marks].reverse().find(m => Math.hypot(m.x - point.x, m.y - point.y) <= m.r + 3) || null;
}

// A word and what it is, as the language of the page joins them.
function paired(plan, word, text) {
  return `${word}${plan.lang === "zh" ? "：" : ": "}${text}`;
}

function describeCell(plan, cell) {
  const { level, row } = cell, { words, levels } = plan, c = levels[level], dedicated = c.dedicated[row], lines = [];
  const kind = level === "small" || level === "micro" ? ` · ${words[dedicated ? "dedicated" : "general"]}` : "";
  lines.push(element("span", { class: dedicated ? "kind dedicated" : "kind" }, words[`one_${level}`] + kind));
  lines.push(element("b", {}, c.name[row] || c.label[row]), element("code", {}, c.label[row]));
  const count = number => Math.max(0, number).toLocaleString("en");
  const people = element("div", {}, paired(plan, words.households, tellHeld(plan, c, row)));
  people.append(` · ${paired(plan, words.buildings, count(c.buildings[row]))}`);
  lines.push(people);
  if (c.loads) lines.push(element("div", {}, paired(plan, words.load_of, c.loads[row])));
  const band = BANDS[c.band[row]];
  if (band) lines.push(element("div", {}, paired(plan, words.band, ""), element("span", { class: band }, words[band])));
  if (c.reason[row]) lines.push(element("div", {}, paired(plan, words.reason, c.reason[row])));
  const { vacancies } = plan, posts = vacancies.row.flatMap((r, k) => r === row && vacancies.level[k] === level ? [k] : []);
  for (const k of posts) lines.push(describePost(plan, k));
  for (const [role, holder] of ((plan.holders[level] || {})[row] || [])) lines.push(element("div", {}, paired(plan, role, holder)));
  const above = family(plan, cell).slice(1).map(a => levels[a.level].name[a.row] || levels[a.level].label[a.row]);
  if (above.length) lines.push(element("div", { class: "above" }, above.join(" · ")));
  return element("div", {}, ...lines);
}

// A hidden count is not nought.
function tellHouseholds(plan, number) {
  return number < 0 && plan.note ? plan.words.hidden : Math.max(0, number).toLocaleString("en");
}

// The households of a cell, those that its band wants, and how many are estimates: of a
// publication that is not told (-1).
function tellHeld(plan, { households, wanted, wanteds, estimated }, row) {
  const { words } = plan, whole = households[row], part = estimated[row], put = (text, said) => text.replace("{households}", () => said);
  let said = tellHouseholds(plan, whole);
  if (wanteds[wanted[row]]) said = put(wanteds[wanted[row]], said);
  if (!plan.estimated || whole < 0 || !part) return said;
  if (part < 0 || part >= whole) return put(words.all_estimated, said);
  return put(words.some_estimated, said).replace("{n}", part.toLocaleString("en"));
}

function describePost(plan, k) {
  const { role, missing, reason } = plan.vacancies;
  return element("div", { class: "vacant" },
    paired(plan, plan.words.vacant, `${role[k]}${missing[k] > 1 ? ` × ${missing[k]}` : ""}${reason[k] ? ` (${reason[k]})` : ""}`));
}

function describeMark(plan, mark) {
  const { words, findings, vacancies, levels } = plan, most = 4;
  if (mark.layer === "vacancies") {
    if (mark.rows.length > most) return element("div", {}, `${mark.count} ${words.vacant_here}`);
    return element("div", {}, ...mark.rows.map(k => element("div", {},
      element("span", { class: "kind" }, levels[vacancies.level[k]].label[vacancies.row[k]]), describePost(plan, k))));
  }
  if (mark.layer === "points") {
    if (mark.rows.length > most) return element("div", {}, `${mark.count} ${words.points_here}`);
    const { tier, tiers, id, told } = plan.points;
    return element("div", {}, ...mark.rows.map(k => element("div", {},
      element("span", { class: "kind" }, `${words.point} · ${tiers[tier[k]]}`), element("b", {}, id[k]),
      ...told[k].map(line => element("div", {}, line)))));
  }
  if (mark.rows.length > most) return element("div", {}, `${mark.rows.length} ${words.cluster}`);
  return element("div", {}, ...mark.rows.map(row => element("div", {},
    element("span", { class: "kind" }, dot(findings.severity[row]), `${words[["error", "warning", "note"][findings.severity[row]]]} · ${findings.kind[row]}`,
      findings.cell[row] ? ` · ${findings.cell[row]}` : ""), findings.message[row] || "")));
}

// The page of the community that a cell belongs to.
function pageOf(plan, cell) {
  const medium = family(plan, cell).find(c => c.level === "medium");
  return medium && plan.pages.length ? `${plan.pages[medium.row]}#${encodeURIComponent(plan.levels[cell.level].code[cell.row])}` : null;
}

function describeNeighbour(plan, row) {
  const { words, around } = plan;
  return element("div", {}, element("span", { class: "kind" }, words.neighbour), element("b", {}, around.name[row] || ""),
    element("a", { href: around.page[row], class: "open" }, words.open_page));
}

// A card stays until it is closed, so that its link can be followed.
function addCard(map, plan, painter, latlng, cell) {
  const row = cell || !painter.around ? -1 : painter.around.at(latlng.lng * UNITS, latlng.lat * UNITS);
  const page = cell && pageOf(plan, cell);
  if (!page && row < 0) return false;
  const content = page ? describeCell(plan, cell) : describeNeighbour(plan, row);
  if (page) content.append(element("a", { href: page, class: "open" }, plan.words.open_page));
  const card = L.popup({ className: "plan-tip", maxWidth: 340, autoPan: false }).setLatLng(latlng).setContent(content).openOn(map);
  const close = card.getElement().querySelector(".leaflet-popup-close-button");
  if (close) close.setAttribute("aria-label", plan.words.close);
  return true;
}

function addTooltips(map, plan, painter, choose) {
  const tip = L.tooltip({ className: "plan-tip", direction: "auto", offset: [14, 0], opacity: 1 });
  let last = "";
  const close = () => { last = ""; choose(null); tip.remove(); };
  const point = event => {
    if (event.originalEvent.target.closest(".leaflet-control, .leaflet-popup")) return close(); // not over the map
    const mark = markAt(painter, event.layerPoint), cell = mark ? null : cellAt(painter, event.latlng);
    const row = mark || cell || !painter.around ? -1 : painter.around.at(event.latlng.lng * UNITS, event.latlng.lat * UNITS);
    if (!mark && !cell && row < 0) return close();
    const key = mark ? `${mark.layer} ${mark.rows[0]}` : cell ? `${cell.level} ${cell.row}` : `around ${row}`;
    if (key !== last) {
      tip.setContent(mark ? describeMark(plan, mark) : cell ? describeCell(plan, cell) : element("b", {}, plan.around.name[row] || ""));
      choose(cell);
      last = key;
    }
    tip.setLatLng(event.latlng).addTo(map);
  };
  map.on("mousemove", point);
  map.on("click", event => {
    const mark = markAt(painter, event.layerPoint);
    if (mark && mark.rows.length > 1 && map.getZoom() < 17) return map.setView(event.latlng, Math.min(map.getZoom() + 2, map.getMaxZoom()));
    if (!mark && addCard(map, plan, painter, event.latlng, cellAt(painter, event.latlng))) return tip.remove();
    point(event);
  });
  map.on("mouseout movestart zoomstart", close);
}
