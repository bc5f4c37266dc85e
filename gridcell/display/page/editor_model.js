"use strict";
// What is edited: the cells that atoms make, at the micro and at the small level. No drawing, no page: counts are those
// of the plan. A small cell is a set of micro cells; without micro cells it is a set of atoms, and the only level.

class Division extends Land {
  constructor(data) {
    super(data);
    const { leaves, smalls } = data;
    this.state = {
      leaf: Int32Array.from(this.home),
      cells: leaves.code.map((_, i) => ({ name: leaves.name[i], small: leaves.small[i], general: leaves.general[i], locked: leaves.locked[i] })),
      smalls: smalls.code.map((_, i) => ({ name: smalls.name[i], general: smalls.general[i], locked: smalls.locked[i] })),
      comments: data.comments.flatMap(([code, text]) => {
        const place = this.placeOf(code);
        return place ? [{ ...place, text, kept: true }] : [];
      }),
    };
    this.most = { // pieces that the land itself has
      cell: this.state.cells.map((_, cell) => this.piecesOf(this.atomsOf(cell, this.leafLevel))),
      small: this.state.smalls.map((_, small) => this.piecesOf(this.atomsOfSmall(small))),
    };
    this.common = this.lettersInCommon();
    this.past = [];
    this.future = [];
  }

  // With how many letters all codes begin, where that goes without saying: the last ones of a community's tell it from others.
  lettersInCommon() {
    const { communities, leaves, smalls } = this.data, codes = communities.map(one => one.code), [first] = codes;
    const same = [...first].findIndex((letter, k) => codes.some(code => code[k] !== letter)), common = same < 0 ? first.length : Math.max(0, Math.min(same, first.length - 3));
    return [...leaves.code, ...smalls.code].every(code => code.startsWith(first.slice(0, common))) ? common : 0;
  }

  // Level and row of a code of the plan, or null.
  placeOf(code) {
    for (const level of this.levels) {
      const row = this.plan(level).code.indexOf(code);
      if (row >= 0) return { level, row };
    }
    return null;
  }

  // Columns of the cells of a level as the plan has them, and the cells as edited.
  plan(level) {
    return this.isUpper(level) ? this.data.smalls : this.data.leaves;
  }

  cells(level, state = this.state) {
    return this.isUpper(level) ? state.smalls : state.cells;
  }

  // --- what cells are

  // What is told of a state is counted once.
  once(what, count) {
    if (this.counted !== this.state) {
      this.counted = this.state;
      this.known = new Map();
    }
    if (!this.known.has(what)) this.known.set(what, count());
    return this.known.get(what);
  }

  members(upper) {
    return this.once(upper ? "smalls" : "cells", () => {
      const { leaf, cells, smalls } = this.state, all = (upper ? smalls : cells).map(() => []);
      for (let i = 0; i < this.size; i++) all[upper ? cells[leaf[i]].small : leaf[i]].push(i);
      return all;
    });
  }

  atomsOf(cell, level = this.leafLevel) {
    return this.members(this.isUpper(level))[cell] || [];
  }

  atomsOfSmall(small) {
    return this.members(true)[small] || [];
  }

  cellAt(atom, level) {
    const cell = this.state.leaf[atom];
    return this.isUpper(level) ? this.state.cells[cell].small : cell;
  }

  // Atoms with all others of their micro cells where a level is made of these.
  whole(atoms, level) {
    if (!this.isUpper(level)) return atoms;
    return [...new Set(atoms.map(i => this.state.leaf[i]))].flatMap(cell => this.atomsOf(cell, this.leafLevel));
  }

  // What moves at a level: atoms, or micro cells.
  units(atoms, level) {
    return this.isUpper(level) ? [...new Set(atoms.map(i => this.state.leaf[i]))] : atoms;
  }

  figuresNow(cell, level) {
    return this.once(`${level} ${cell}`, () => this.figures(this.atomsOf(cell, level), level));
  }

  // --- codes: they stay where most of the households or of the load do, as in the plan

  codes() {
    return this.once("codes", () => this.codesOf(this.state));
  }

  codesOf(state) {
    const over = Array.from(state.leaf, cell => state.cells[cell].small);
    const small = this.heirs(this.homeSmall, over, state.smalls.length), cell = this.heirs(this.home, state.leaf, state.cells.length);
    if (this.data.has_micro) {
      state.cells.forEach((own, k) => {
        if (cell[k] >= 0 && own.general && small[own.small] !== this.data.leaves.small[cell[k]]) cell[k] = -1;
      });
    }
    return { small, cell };
  }

  // For each new cell the earlier one that it goes on from, -1 for none; the strongest claims come first.
  heirs(before, now, count, half = true) {
    const pairs = new Map(), whole = new Map();
    for (let i = 0; i < this.size; i++) {
      const key = before[i] * count + now[i];
      let one = pairs.get(key), all = whole.get(before[i]);
      if (!one) pairs.set(key, one = { before: before[i], now: now[i], held: 0, area: 0 });
      if (!all) whole.set(before[i], all = { held: 0, area: 0 });
      one.held += this.work[i];
      one.area += this.area[i];
      all.held += this.work[i];
      all.area += this.area[i];
    }
    const out = new Array(count).fill(-1), taken = new Set();
    const enough = one => {
      const { held, area } = whole.get(one.before);
      return held > 0 ? 2 * one.held >= held - 1e-9 : 2 * one.area >= area - 1e-6;
    };
    for (const one of [...pairs.values()].sort((a, b) => b.held - a.held || b.area - a.area || a.before - b.before || a.now - b.now)) {
      if (out[one.now] >= 0 || taken.has(one.before) || (half && !enough(one))) continue;
      out[one.now] = one.before;
      taken.add(one.before);
    }
    return out;
  }

  // Row of the code that a cell has now, or -1; and the cell that goes on with a row.
  codeOf(cell, level = this.leafLevel) {
    return this.codes()[this.isUpper(level) ? "small" : "cell"][cell] ?? -1;
  }

  cellOfRow(row, level) {
    return this.once(`rows ${level}`, () => {
      const own = this.codes()[this.isUpper(level) ? "small" : "cell"], found = new Map();
      own.forEach((code, cell) => { if (code >= 0) found.set(code, cell); });
      return found;
    }).get(row) ?? -1;
  }

  // The cell of a level that has a code now, -1 for none.
  cellOf(code, level = this.leafLevel) {
    return this.cellOfRow(this.plan(level).code.indexOf(code), level);
  }

  // What a cell is called: its code, from some letter on; one without is told by the code that it had, or by a number
  // until the edits are applied.
  label(cell, level = this.leafLevel, from = 0) {
    const row = this.codeOf(cell, level), { code } = this.plan(level), { words } = this.data, all = this.cells(level);
    if (row >= 0) return code[row].slice(from);
    let at = cell; // where another goes on with its code, it is called as that one would be
    while (at < code.length) {
      const heir = this.cellOfRow(at, level);
      if (heir < 0) return words.was_code.replace("{code}", () => code[at].slice(from));
      at = heir;
    }
    return `${this.isUpper(level) ? words.new_small : words.new_cell} ${all[at]?.number ?? nextNumber(all)}`;
  }

  // --- what stays with a code: names, locks, comments; a cell without a code has a name of its own

  nameOf(cell, level = this.leafLevel) {
    const all = this.cells(level), row = this.codeOf(cell, level);
    return all[cell].given ?? (row >= 0 ? all[row].name : null);
  }

  rename(cell, level, name, words) {
    const row = this.codeOf(cell, level);
    this.change(words, state => {
      const all = this.cells(level, state);
      all[cell].given = row >= 0 ? null : name;
      if (row >= 0) all[row].name = name;
    });
  }

  isLocked(cell, level = this.leafLevel) {
    const row = this.codeOf(cell, level);
    return row >= 0 && this.cells(level)[row].locked;
  }

  // Locks of cells that have a code; that of a small cell covers what is inside, and so does its end.
  lock(cells, level, locks, words) {
    const rows = cells.map(cell => this.codeOf(cell, level));
    this.change(words, state => rows.forEach(row => {
      this.cells(level, state)[row].locked = locks;
      if (!locks && this.isUpper(level)) this.data.leaves.small.forEach((small, leaf) => { if (small === row) state.cells[leaf].locked = false; });
    }));
  }

  commentsOn(cell, level = this.leafLevel) {
    const row = this.codeOf(cell, level);
    return row < 0 ? [] : this.state.comments.filter(one => one.row === row && one.level === level);
  }

  comment(cell, level, text, words) {
    const row = this.codeOf(cell, level);
    this.change(words, state => state.comments.push({ level, row, text }));
  }

  isGeneral(atom) {
    return this.state.cells[this.state.leaf[atom]].general;
  }

  isFixed(atom) {
    const at = this.state.leaf[atom], cell = this.state.cells[at];
    return !cell.general || this.isLocked(at) || (this.data.has_micro && this.isLocked(cell.small, "small"));
  }

  // Cells beside some atoms, those with the longest common border first.
  cellsBeside(atoms, level = this.leafLevel) {
    const metres = new Map(), inside = this.marked(atoms), { arcs, mark } = this;
    for (const i of atoms) for (const k of this.arcsOf[i]) {
      const other = this.beyond(k, i);
      if (other < 0 || mark[other] === inside || this.community[other] !== this.community[i] || !this.isGeneral(other)) continue;
      const cell = this.cellAt(other, level);
      metres.set(cell, (metres.get(cell) || 0) + arcs.length[k]);
    }
    return [...metres].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([cell]) => cell);
  }

  // --- what would be, before it is

  // Why atoms cannot go to a cell, or null; figures of all cells concerned, before and after.
  preview(atoms, target, level = this.leafLevel) {
    const going = atoms.filter(i => this.cellAt(i, level) !== target);
    return going.length ? this.previewOf([[going, target]], level) : { fault: this.data.words.there_already };
  }

  // The same of any moves: pairs of atoms and their new cell; a cell that is not there yet is a new one.
  previewOf(moves, level = this.leafLevel) {
    const after = this.moved(moves, level), atoms = moves.flatMap(([own]) => own), changed = [];
    const concerned = this.isUpper(level) ? [] : [[this.leafLevel, i => this.state.leaf[i], i => after.leaf[i]]];
    if (this.data.has_micro) concerned.push(["small", i => this.cellAt(i, "small"), i => after.cells[after.leaf[i]].small]);
    for (const [one, from, to] of concerned) changed.push(...this.changes(atoms, one, from, to));
    return { changed, fault: this.faultOf(moves, level) || this.torn(changed, after) || this.lostLock(changed, after) };
  }

  // Cells of a level that atoms leave or come to.
  changes(atoms, level, from, to) {
    const goes = new Map(), comes = new Map();
    const put = (held, cell, atom) => (held.has(cell) ? held.get(cell).push(atom) : held.set(cell, [atom]));
    for (const i of atoms) if (from(i) !== to(i)) {
      put(goes, from(i), i);
      put(comes, to(i), i);
    }
    return [...new Set([...comes.keys(), ...goes.keys()])].map(cell => {
      const own = this.atomsOf(cell, level), gone = new Set(goes.get(cell)), now = own.filter(i => !gone.has(i)).concat(comes.get(cell) || []);
      return { level, cell, atoms: now, before: this.figuresNow(cell, level), after: now.length ? this.figures(now, level) : null };
    });
  }

  // The state after moves, as far as cells and their small cells go.
  moved(moves, level) {
    const { state } = this, leaf = state.leaf.slice();
    let { cells, smalls } = state;
    for (const [atoms, target] of moves) {
      if (this.isUpper(level)) {
        cells = cells.slice();
        for (const cell of this.units(atoms, level)) cells[cell] = { ...cells[cell], small: target };
        if (target === smalls.length) smalls = [...smalls, { general: true }];
      } else {
        if (target === cells.length) cells = [...cells, { ...cells[leaf[atoms[0]]] }];
        for (const i of atoms) leaf[i] = target;
      }
    }
    return { leaf, cells, smalls };
  }

  // Why land may not move at all, or null.
  faultOf(moves, level = this.leafLevel) {
    const { words } = this.data;
    for (const [atoms, target] of moves) {
      const own = this.cells(level)[target], over = !own || this.isUpper(level) || !this.data.has_micro ? null : own.small;
      const [there] = own ? this.atomsOf(target, level) : [], home = this.community[there ?? atoms[0]];
      if ((own && !own.general) || !atoms.every(i => this.isGeneral(i))) return words.dedicated;
      if (atoms.some(i => this.community[i] !== home)) return words.other_community;
      const shut = [[target, level], [over, "small"]].find(([cell, at]) => own && cell !== null && this.isLocked(cell, at)), fixed = atoms.find(i => this.isFixed(i));
      if (shut) return this.lockedText(this.label(...shut, this.common));
      if (fixed !== undefined) return this.lockedText(this.label(...this.lockOf(fixed), this.common));
    }
    return null;
  }

  // The cell by whose lock an atom is fixed.
  lockOf(atom) {
    const cell = this.state.leaf[atom];
    return this.isLocked(cell) ? [cell, this.leafLevel] : [this.state.cells[cell].small, "small"];
  }

  lockedText(cell) {
    return this.data.words.is_locked.replace("{cell}", () => cell);
  }

  torn(changed, after) {
    const torn = changed.find(({ level, cell, after: now }) => now && now.pieces > 1 && now.pieces > this.mayHave(cell, level, after));
    return torn ? this.data.words.torn.replace("{cell}", () => this.label(torn.cell, torn.level, this.common)) : null;
  }

  // Pieces that the land of a cell has in the plan already.
  mayHave(cell, level, after) {
    if (this.isUpper(level)) return this.most.small[cell] || 1;
    const origin = this.heirs(this.home, after.leaf, after.cells.length, false)[cell];
    return origin >= 0 ? this.most.cell[origin] : 1;
  }

  // A locked cell keeps its code, and so does the small cell around it.
  lostLock(changed, after) {
    const { cells, smalls } = this.state, isShut = own => own.locked;
    if (!this.data.has_micro || !changed.some(one => one.level === "small") || !(cells.some(isShut) || smalls.some(isShut))) return null;
    const { cell, small } = this.codesOf(after);
    for (const [all, kept, { code }] of [[cells, new Set(cell), this.data.leaves], [smalls, new Set(small), this.data.smalls]]) {
      const lost = all.findIndex((own, row) => own.locked && !kept.has(row));
      if (lost >= 0) return this.lockedText(code[lost].slice(this.common));
    }
    return null;
  }

  // --- edits

  change(words, edit) {
    const { state } = this, cells = state.cells.map(cell => ({ ...cell })), smalls = state.smalls.map(small => ({ ...small }));
    const next = { leaf: state.leaf.slice(), cells, smalls, comments: state.comments.slice() };
    edit(next); // before it is the state: what is counted of a state is counted once
    this.state = next;
    this.past.push({ words, ...differences(state, next) });
    this.future = [];
  }

  move(atoms, target, words, level = this.leafLevel) {
    this.exchange([[atoms, target]], words, level);
  }

  exchange(moves, words, level = this.leafLevel) {
    const units = moves.map(([atoms, target]) => [this.units(atoms, level), target]);
    this.change(words, state => units.forEach(([own, target]) => own.forEach(one => {
      if (this.isUpper(level)) state.cells[one].small = target;
      else state.leaf[one] = target;
    })));
  }

  newCell(atoms, words, level = this.leafLevel) {
    const { small } = this.state.cells[this.state.leaf[atoms[0]]], units = this.units(atoms, level);
    let made = -1;
    this.change(words, state => {
      if (this.isUpper(level)) {
        made = addSmall(state);
        units.forEach(cell => { state.cells[cell].small = made; });
      } else {
        made = addCell(state, this.data.has_micro ? small : addSmall(state));
        units.forEach(i => { state.leaf[i] = made; });
      }
    });
    return made;
  }

  // How the atoms or micro cells of a cell touch.
  graphOf(cell, level) {
    const atoms = this.atomsOf(cell, level), units = this.units(atoms, level);
    if (!this.isUpper(level)) {
      const inside = new Set(atoms);
      return { units, held: i => this.work[i], beside: i => this.neighbours[i].filter(j => inside.has(j)) };
    }
    const beside = new Map(units.map(unit => [unit, new Set()])), { leaf } = this.state;
    for (const i of atoms) for (const j of this.neighbours[i]) if (leaf[j] !== leaf[i] && beside.has(leaf[j])) beside.get(leaf[i]).add(leaf[j]);
    return { units, held: unit => this.figuresNow(unit, this.leafLevel).held, beside: unit => [...beside.get(unit)] };
  }

  // The atoms of a cell in two connected parts of about equal households or load, grown from far apart: those of the lesser.
  halves(cell, level = this.leafLevel) {
    const { units, held, beside } = this.graphOf(cell, level), wanted = units.reduce((all, unit) => all + held(unit), 0) / 2;
    const reached = (from, within) => {
      const seen = new Set([from]), queue = [from];
      for (let at = 0; at < queue.length; at++) for (const next of beside(queue[at])) if (!seen.has(next) && within(next)) { seen.add(next); queue.push(next); }
      return queue;
    };
    let best = null;
    const farthest = from => reached(from, () => true).pop(), end = farthest(units[0]);
    for (const seed of [end, farthest(end), ...units]) {
      const part = new Set([seed]), queue = [seed];
      let sum = held(seed);
      for (let at = 0; at < queue.length && sum < wanted; at++) for (const next of beside(queue[at])) {
        if (part.has(next) || sum >= wanted) continue;
        part.add(next);
        queue.push(next);
        sum += held(next);
      }
      const rest = units.filter(unit => !part.has(unit));
      if (!rest.length || reached(rest[0], unit => !part.has(unit)).length < rest.length) continue;
      const off = Math.abs(sum - wanted);
      if (!best || off < best.off - 1e-9) best = { off, part: sum > wanted ? rest : [...part] };
    }
    if (!best) return null;
    return this.isUpper(level) ? best.part.flatMap(unit => this.atomsOf(unit, this.leafLevel)) : best.part;
  }

  // The atoms of a cell on the side of a drawn line that has fewer households, where both sides are connected. Micro
  // cells go with most of their land.
  sideOf(cell, line, middles, level = this.leafLevel) {
    const atoms = this.atomsOf(cell, level), first = line[0], second = line[1], last = line[line.length - 1], before = line[line.length - 2];
    const beyond = ([x, y], [u, v]) => [x + 1e6 * (x - u), y + 1e6 * (y - v)];
    const path = [beyond(first, second), ...line, beyond(last, before)], share = new Map();
    const unit = i => (this.isUpper(level) ? this.state.leaf[i] : i);
    for (const i of atoms) share.set(unit(i), (share.get(unit(i)) || 0) + (isLeft(path, middles[i]) ? 1 : -1) * this.area[i]);
    const left = atoms.filter(i => share.get(unit(i)) > 0), right = atoms.filter(i => share.get(unit(i)) <= 0);
    if (!left.length || !right.length || this.piecesOf(left) > 1 || this.piecesOf(right) > 1) return null;
    return this.sum(left) > this.sum(right) ? right : left;
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.past.pop());
    this.state = stepped(this.state, this.future[this.future.length - 1], 0);
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.future.pop());
    this.state = stepped(this.state, this.past[this.past.length - 1], 1);
  }

  // What was done and undone in an earlier session of this page, again.
  replay({ past, future }) {
    past.forEach(step => { this.state = stepped(this.state, step, 1); });
    this.past = past;
    this.future = future;
  }

  // --- what is out of band or in pieces: see editor_advice.js; what is saved: editor_script.js

  totals(level = this.leafLevel) {
    return this.once(`totals ${level}`, () => countCells(this, level));
  }

  suggestions(cell, level = this.leafLevel, most = 5) {
    return suggestMoves(this, cell, level, most);
  }

  script() {
    return writeScript(this);
  }

  load(entries, words) {
    return loadScript(this, entries, words);
  }
}

// What differs between two states: positions, what was there, what is there.
function differences(before, after) {
  const leaf = [];
  after.leaf.forEach((cell, i) => { if (cell !== before.leaf[i]) leaf.push(i, before.leaf[i], cell); });
  const rows = name => after[name].flatMap((own, k) => {
    const was = before[name][k] || null;
    return was && Object.keys(own).every(key => own[key] === was[key]) ? [] : [[k, was, own]];
  });
  return { leaf, cells: rows("cells"), smalls: rows("smalls"), comments: after.comments.slice(before.comments.length) };
}

// A state with a step undone (side 0) or done (side 1).
function stepped(state, step, side) {
  const next = { leaf: state.leaf.slice(), cells: state.cells.slice(), smalls: state.smalls.slice() };
  for (let k = 0; k < step.leaf.length; k += 3) next.leaf[step.leaf[k]] = step.leaf[k + 1 + side];
  for (const name of ["cells", "smalls"]) for (const [k, ...sides] of step[name]) {
    if (sides[side]) next[name][k] = sides[side];
    else next[name].length = Math.min(k, next[name].length);
  }
  next.comments = side ? state.comments.concat(step.comments) : state.comments.slice(0, state.comments.length - step.comments.length);
  return next;
}

function nextNumber(all) {
  return 1 + all.filter(one => one.number).length;
}

function addTo(all, own) {
  return all.push({ number: nextNumber(all), name: null, locked: false, general: true, ...own }) - 1;
}

function addCell(state, small) {
  return addTo(state.cells, { small });
}

function addSmall(state) {
  return addTo(state.smalls, {});
}
