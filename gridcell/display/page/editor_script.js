"use strict";
// What is saved and opened again: a script of `gridcell edit`.

function writeScript(division) {
  const { state, data } = division, entries = [], { leaf, small } = touchedRows(division), plans = division.levels.map(level => [level, division.plan(level)]);
  const isTouched = { [division.leafLevel]: leaf, ...(data.has_micro ? { small } : {}) };
  const opens = (level, row) => division.plan(level).locked[row] && (!division.cells(level)[row].locked || isTouched[level].has(row));
  const freed = row => data.has_micro && opens("small", data.leaves.small[row]); // the end of a lock ends those inside
  for (const [level, plan] of [...plans].reverse()) plan.code.forEach((code, row) => {
    if (opens(level, row) && !(level === division.leafLevel && freed(row))) entries.push({ operation: "unlock", cell: code });
  });
  for (const [level, plan] of plans) plan.code.forEach((code, row) => {
    const cell = division.cellOfRow(row, level), name = cell >= 0 ? division.nameOf(cell, level) : division.cells(level)[row].name;
    if (name !== plan.name[row]) entries.push({ operation: "rename", cell: code, name });
  });
  for (const { level, row, text, kept } of state.comments) {
    if (!kept) entries.push({ operation: "comment", cell: division.plan(level).code[row], text });
  }
  const assigned = writeCells(division, leaf);
  if (assigned) entries.push(assigned);
  for (const [level, plan] of [...plans].reverse()) plan.code.forEach((code, row) => {
    const ended = opens(level, row) || (level === division.leafLevel && freed(row));
    if (division.cells(level)[row].locked && (!plan.locked[row] || ended)) entries.push({ operation: "lock", cell: code });
  });
  return entries;
}

// Rows of leaves and small cells whose land, or whose place in a small cell, is another now. All of a small cell that
// lost its code and has a name is told, since the name goes with its land.
function touchedRows(division) {
  const { state, data } = division, leaf = new Set(), small = new Set();
  const renamed = new Set(state.smalls.flatMap((own, k) => (data.has_micro && own.given && division.codeOf(k, "small") < 0 ? [k] : [])));
  for (let i = 0; i < division.size; i++) {
    const now = state.leaf[i], was = division.home[i], over = state.cells[now].small;
    if (now === was && over === division.homeSmall[i] && !renamed.has(over)) continue;
    leaf.add(was);
    if (now < data.leaves.code.length) leaf.add(now);
    for (const row of [over, division.homeSmall[i]]) if (row < data.smalls.code.length) small.add(row);
  }
  return { leaf, small };
}

// The cells on the land of some leaves of the plan, and what the plan was, so that another one refuses.
function writeCells(division, touched) {
  const { state, data } = division, groups = new Map(), made = {}, smallNames = {};
  for (let i = 0; i < division.size; i++) {
    if (!touched.has(division.home[i])) continue;
    const cell = state.leaf[i], { code } = data.communities[division.community[i]];
    if (!groups.has(cell)) groups.set(cell, []);
    groups.get(cell).push(division.id[i]);
    made[code] = data.made[code];
  }
  if (!groups.size) return null;
  const cells = [...groups].map(([cell, atoms]) => {
    const own = state.cells[cell], small = smallKey(division, own.small), name = division.codeOf(cell) < 0 ? own.given : null;
    if (data.has_micro && state.smalls[own.small].given && division.codeOf(own.small, "small") < 0) smallNames[small] = state.smalls[own.small].given;
    return { atoms, small, ...(name ? { name } : {}) };
  });
  return { operation: "assign", made, cells, ...(Object.keys(smallNames).length ? { small_names: smallNames } : {}) };
}

// What a script calls a small cell: its code in the plan, else a word that is no code.
function smallKey(division, small) {
  return division.data.smalls.code[small] ?? `new ${division.state.smalls[small].number}`;
}

// What was saved before, by this page or another: put into it as one edit, or the word for why not.
function loadScript(division, entries, words) {
  const atoms = new Map([...division.id].map((id, i) => [id, i]));
  if (!Array.isArray(entries) || !entries.length || !entries.every(entry => isEntry(division, entry, atoms))) return { fault: "load_foreign" };
  for (const { made } of entries) for (const code in made) {
    const own = division.data.made[code], differs = ["land", "cells"].find(what => own?.[what] !== made[code][what]);
    if (differs) return { fault: own ? `load_${differs}` : "load_foreign", community: code };
  }
  const { state, past, future } = division;
  division.change(words, next => entries.forEach(entry => loadEntry(division, next, entry, atoms)));
  if (isSound(division)) return { fault: null };
  Object.assign(division, { state, future, past: past.slice(0, -1) });
  return { fault: "load_foreign" };
}

function isEntry(division, entry, atoms) {
  const isMap = (map, isValue) => map === undefined || (map !== null && typeof map === "object" && Object.values(map).every(isValue));
  const isGroup = group => typeof group?.small === "string" && Array.isArray(group.atoms) && group.atoms.length > 0
    && group.atoms.every(id => atoms.has(id)) && (group.name === undefined || group.name === null || isText(group.name));
  if (entry?.operation === "assign") {
    return Array.isArray(entry.cells) && entry.cells.every(isGroup) && isMap(entry.made, one => one !== null && typeof one === "object")
      && isMap(entry.small_names, isText) && Object.keys(entry.small_names || {}).every(word => entry.cells.some(group => group.small === word));
  }
  if (!division.placeOf(entry?.cell)) return false;
  if (entry.operation === "rename") return entry.name === null || isText(entry.name);
  if (entry.operation === "comment") return isText(entry.text);
  return entry.operation === "lock" || entry.operation === "unlock";
}

function isText(value) {
  return typeof value === "string" && value.trim() !== "";
}

function loadEntry(division, state, entry, atoms) {
  if (entry.operation === "assign") {
    assignCells(division, state, entry.cells.map(({ atoms: ids, ...group }) => ({ ...group, atoms: ids.map(id => atoms.get(id)) })), entry.small_names || {});
    return;
  }
  const { level, row } = division.placeOf(entry.cell), own = division.cells(level, state)[row];
  if (entry.operation === "rename") {
    const cell = division.cellOfRow(row, level);
    own.name = entry.name;
    if (cell >= 0) division.cells(level, state)[cell].given = null;
  } else if (entry.operation === "comment") state.comments.push({ level, row, text: entry.text });
  else own.locked = entry.operation === "lock";
  if (entry.operation === "unlock" && division.isUpper(level)) {
    division.data.leaves.small.forEach((small, leaf) => { if (small === row) state.cells[leaf].locked = false; });
  }
}

// Each group becomes the cell with most of it that no other group is, else a new one.
function assignCells(division, state, groups, smallNames) {
  const taken = new Set(), made = new Map(), leaf = state.leaf.slice();
  const smallOf = word => {
    const known = division.data.smalls.code.indexOf(word);
    if (known >= 0) return known;
    if (!made.has(word)) made.set(word, addSmall(state));
    return made.get(word);
  };
  for (const { small, atoms, name } of groups) {
    const held = new Map();
    atoms.forEach(i => held.set(leaf[i], (held.get(leaf[i]) || 0) + division.households[i] + 1e-3));
    const [best] = [...held].filter(([cell]) => !taken.has(cell)).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const cell = best ? best[0] : addCell(state, 0);
    taken.add(cell);
    state.cells[cell].small = smallOf(small);
    state.cells[cell].given = name ?? null;
    if (smallNames[small]) state.smalls[smallOf(small)].given = smallNames[small];
    atoms.forEach(i => { state.leaf[i] = cell; });
  }
}

// Whether every cell that differs from the plan is one that the command line would take.
function isSound(division) {
  const { state, data } = division, changed = new Set();
  for (let i = 0; i < division.size; i++) {
    const now = state.leaf[i], was = division.home[i];
    if (now === was && state.cells[now].small === division.homeSmall[i]) continue;
    if (!data.leaves.general[was]) return false;
    changed.add(now).add(was);
  }
  const one = values => new Set(values).size === 1;
  return [...changed].every(cell => {
    const own = division.atomsOf(cell, division.leafLevel);
    return !own.length || (one(own.map(i => division.community[i])) && own.every(i => data.leaves.general[division.home[i]])
      && division.piecesOf(own) <= division.mayHave(cell, division.leafLevel, state));
  }) && state.smalls.every((small, k) => {
    const own = division.atomsOfSmall(k);
    return !own.length || (small.general && one(own.map(i => division.community[i])) && division.piecesOf(own) <= Math.max(1, division.most.small[k] || 1))
      || own.every(i => division.homeSmall[i] === k && state.leaf[i] === division.home[i]);
  });
}
