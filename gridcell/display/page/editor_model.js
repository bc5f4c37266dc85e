"use strict";
// What is edited: atoms and the cells that they make. No drawing, no page: counts are those of the plan.

function readDiffs(text) {
  return readSums(text);
}

class Division {
  constructor(data) {
    const { atoms, links, arcs } = data, hundredths = text => readNumbers(text).map(v => v / 100);
    this.data = data;
    this.id = readDiffs(atoms.id);
    this.size = this.id.length;
    this.households = readNumbers(atoms.households);
    this.area = hundredths(atoms.area);
    this.kind = readNumbers(atoms.kind);
    this.community = readNumbers(atoms.community);
    this.home = readNumbers(atoms.leaf); // leaf of each atom in the plan
    this.neighbours = Array.from({ length: this.size }, () => []);
    const b = readNumbers(links.b);
    readNumbers(links.a).forEach((a, k) => {
      this.neighbours[a].push(b[k]);
      this.neighbours[b[k]].push(a);
    });
    this.arcs = { left: readNumbers(arcs.left), right: readNumbers(arcs.right), length: hundredths(arcs.length),
      barrier: readNumbers(arcs.barrier) };
    this.arcsOf = Array.from({ length: this.size }, () => []);
    this.arcs.left.forEach((left, k) => {
      if (left >= 0) this.arcsOf[left].push(k);
      if (this.arcs.right[k] >= 0) this.arcsOf[this.arcs.right[k]].push(k);
    });
    this.state = {
      leaf: Int32Array.from(this.home),
      cells: data.leaves.code.map((_, i) => ({ name: data.leaves.name[i], small: data.leaves.small[i],
        general: data.leaves.general[i], locked: data.leaves.locked[i] })),
      smalls: data.smalls.code.map((_, i) => ({ name: data.smalls.name[i], locked: data.smalls.locked[i] })),
      comments: data.comments.map(([code, text]) => ({ cell: data.leaves.code.indexOf(code), text, kept: true })),
    };
    this.homeSmall = this.home.map(cell => data.leaves.small[cell]);
    this.most = { // pieces that the land itself has
      cell: this.state.cells.map((_, cell) => this.piecesOf(this.atomsOf(cell))),
      small: this.state.smalls.map((_, small) => this.piecesOf(this.atomsOfSmall(small))),
    };
    this.past = [];
    this.future = [];
  }

  // --- what cells are

  atomsOf(cell, leaf = this.state.leaf) {
    const found = [];
    for (let i = 0; i < this.size; i++) if (leaf[i] === cell) found.push(i);
    return found;
  }

  piecesOf(atoms) {
    const inside = new Set(atoms);
    let count = 0;
    for (const first of atoms) {
      if (!inside.delete(first)) continue;
      count++;
      const stack = [first];
      while (stack.length) for (const next of this.neighbours[stack.pop()]) if (inside.delete(next)) stack.push(next);
    }
    return count;
  }

  sum(atoms) {
    return atoms.reduce((all, i) => all + this.households[i], 0);
  }

  band(atom, level) {
    return this.data.communities[this.community[atom]][level];
  }

  // Figures of a set of atoms as one cell: what the plan and its proof say of it.
  figures(atoms, level = this.leafLevel) {
    const inside = new Set(atoms), { arcs } = this;
    let rim = 0, inner = 0, onBarrier = 0, area = 0;
    for (const i of inside) {
      area += this.area[i];
      for (const k of this.arcsOf[i]) {
        const other = arcs.left[k] === i ? arcs.right[k] : arcs.left[k];
        if (inside.has(other)) continue;
        rim += arcs.length[k];
        if (other >= 0 && this.community[other] === this.community[i]) {
          inner += arcs.length[k];
          if (arcs.barrier[k]) onBarrier += arcs.length[k];
        }
      }
    }
    const households = this.sum(atoms), band = atoms.length ? this.band(atoms[0], level) : null;
    return {
      households, area, pieces: this.piecesOf(atoms), band, off: band ? offBand(households, band) : 0,
      compactness: rim ? 4 * Math.PI * area / (rim * rim) : 0, onBarrier: inner ? onBarrier / inner : null,
    };
  }

  // Those of a cell as it is, counted once for each state.
  figuresNow(cell, atoms) {
    if (this.figured !== this.state) {
      this.figured = this.state;
      this.known = new Map();
    }
    if (!this.known.has(cell)) this.known.set(cell, this.figures(atoms));
    return this.known.get(cell);
  }

  get leafLevel() {
    return this.data.has_micro ? "micro" : "small";
  }

  // Row of the code that a cell has now, or -1: codes stay where most of the households do, as in the plan.
  codeOf(cell) {
    return this.codes().cell[cell];
  }

  codes() {
    const { state } = this;
    if (this.coded !== state) {
      this.coded = state;
      this.given = this.codesOf(state);
    }
    return this.given;
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
      const key = before[i] * count + now[i], one = pairs.get(key) || { before: before[i], now: now[i], held: 0, area: 0 };
      const all = whole.get(before[i]) || { held: 0, area: 0 };
      for (const sum of [one, all]) {
        sum.held += this.households[i];
        sum.area += this.area[i];
      }
      pairs.set(key, one);
      whole.set(before[i], all);
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

  label(cell) {
    const code = this.codeOf(cell);
    return code >= 0 ? this.data.leaves.code[code] : `${this.data.words.new_cell} ${numberOf(this.state.cells, cell)}`;
  }

  smallLabel(small) {
    const code = this.codes().small[small];
    return code >= 0 ? this.data.smalls.code[code] : `${this.data.words.new_small} ${numberOf(this.state.smalls, small)}`;
  }

  // The cell that has a code now, -1 for none.
  cellOf(code) {
    const row = this.data.leaves.code.indexOf(code);
    return row < 0 ? -1 : this.codes().cell.indexOf(row);
  }

  isLocked(cell) {
    const code = this.codeOf(cell);
    return code >= 0 && this.state.cells[code].locked;
  }

  commentsOn(cell) {
    const code = this.codeOf(cell);
    return code < 0 ? [] : this.state.comments.filter(one => one.cell === code);
  }

  atomsOfSmall(small, leaf = this.state.leaf, cells = this.state.cells) {
    const found = [];
    for (let i = 0; i < this.size; i++) if (cells[leaf[i]].small === small) found.push(i);
    return found;
  }

  isFixed(atom) {
    const at = this.state.leaf[atom], cell = this.state.cells[at];
    return !cell.general || this.isLocked(at) || this.state.smalls[cell.small].locked;
  }

  // Cells beside some atoms, those with the longest common border first.
  cellsBeside(atoms) {
    const { leaf } = this.state, metres = new Map(), inside = new Set(atoms), { arcs } = this;
    for (const i of inside) for (const k of this.arcsOf[i]) {
      const other = arcs.left[k] === i ? arcs.right[k] : arcs.left[k];
      if (other < 0 || inside.has(other) || this.community[other] !== this.community[i]) continue;
      const cell = leaf[other];
      if (this.state.cells[cell].general) metres.set(cell, (metres.get(cell) || 0) + arcs.length[k]);
    }
    return [...metres].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([cell]) => cell);
  }

  // --- what would be, before it is

  // Why atoms cannot go to a cell, or null; figures of all cells concerned, before and after.
  preview(atoms, target) {
    const going = atoms.filter(i => this.state.leaf[i] !== target);
    return going.length ? this.previewOf(going.map(i => [i, target])) : { fault: this.data.words.there_already };
  }

  // The same of any moves: pairs of an atom and its new cell.
  previewOf(moves) {
    const { leaf } = this.state, after = leaf.slice(), concerned = new Set();
    for (const [i, target] of moves) {
      after[i] = target;
      concerned.add(target);
    }
    for (const [i] of moves) concerned.add(leaf[i]);
    const held = new Map([...concerned].map(cell => [cell, { own: [], now: [] }]));
    for (let i = 0; i < this.size; i++) {
      held.get(leaf[i])?.own.push(i);
      held.get(after[i])?.now.push(i);
    }
    const changed = [...held].map(([cell, { own, now }]) => {
      return { cell, atoms: now, before: this.figuresNow(cell, own), after: now.length ? this.figures(now) : null };
    });
    return { changed, fault: this.faultOf(moves) || this.tornCell(changed, after) || this.tornSmall(moves, after) };
  }

  // Why land may not move at all, or null; a cell that is not there yet is a new one.
  faultOf(moves) {
    const { words } = this.data, { cells, smalls, leaf } = this.state, home = new Map();
    for (const [i, target] of moves) {
      const own = cells[target];
      if ((own && !own.general) || !cells[leaf[i]].general) return words.dedicated;
      if (!home.has(target)) home.set(target, this.community[own ? leaf.indexOf(target) : i] ?? this.community[i]);
      if (home.get(target) !== this.community[i]) return words.other_community;
      if ((own && (this.isLocked(target) || smalls[own.small].locked)) || this.isFixed(i)) return words.is_locked;
    }
    return null;
  }

  tornCell(changed, after) {
    const torn = changed.find(({ cell, after: now }) => now && now.pieces > 1 && now.pieces > this.mayHave(cell, after));
    return torn ? this.data.words.torn.replace("{cell}", () => this.label(torn.cell)) : null;
  }

  // Pieces that the land of a cell has in the plan already.
  mayHave(cell, leaf) {
    const origin = this.heirs(this.home, leaf, this.state.cells.length + 1, false)[cell];
    return origin >= 0 ? this.most.cell[origin] : 1;
  }

  // A small cell that moves would take apart, or a lock whose cell would lose its code with its small cell.
  tornSmall(moves, leaf) {
    const { state } = this, { cells } = state, from = state.leaf;
    const concerned = new Set(moves.flatMap(([i, target]) => [cells[from[i]].small, (cells[target] || cells[from[i]]).small]));
    if (concerned.size === 1) return null;
    for (const small of concerned) {
      const own = this.atomsOfSmall(small, leaf);
      if (own.length && this.piecesOf(own) > Math.max(1, this.most.small[small] || 1)) return this.data.words.torn.replace("{cell}", () => this.smallLabel(small));
    }
    const codes = new Set(this.codesOf({ ...state, leaf }).cell);
    return cells.some((own, row) => own.locked && !codes.has(row)) ? this.data.words.is_locked : null;
  }

  // --- edits

  change(words, edit) {
    const { state } = this, cells = state.cells.map(cell => ({ ...cell })), smalls = state.smalls.map(small => ({ ...small }));
    this.state = { leaf: state.leaf.slice(), cells, smalls, comments: state.comments.slice() };
    edit(this.state);
    this.past.push({ words, ...differences(state, this.state) });
    this.future = [];
  }

  move(atoms, target, words) {
    this.change(words, state => atoms.forEach(i => { state.leaf[i] = target; }));
  }

  newCell(atoms, words) {
    const { small } = this.state.cells[this.state.leaf[atoms[0]]];
    let made = -1;
    this.change(words, state => {
      made = addCell(state, this.data.has_micro ? small : addSmall(state));
      atoms.forEach(i => { state.leaf[i] = made; });
    });
    return made;
  }

  // The atoms of a cell in two connected parts of about equal households, grown from far apart.
  halves(cell) {
    const atoms = this.atomsOf(cell), inside = new Set(atoms), wanted = this.sum(atoms) / 2;
    const farthest = from => {
      let last = from;
      const seen = new Set([from]), queue = [from];
      while (queue.length) {
        last = queue.shift();
        for (const next of this.neighbours[last]) if (inside.has(next) && !seen.has(next)) { seen.add(next); queue.push(next); }
      }
      return last;
    };
    let best = null;
    const end = farthest(atoms[0]);
    for (const seed of [end, farthest(end), ...atoms]) {
      const part = new Set([seed]), queue = [seed];
      let held = this.households[seed];
      while (queue.length && held < wanted) {
        const at = queue.shift();
        for (const next of this.neighbours[at]) {
          if (!inside.has(next) || part.has(next) || held >= wanted) continue;
          part.add(next);
          queue.push(next);
          held += this.households[next];
        }
      }
      const rest = atoms.filter(i => !part.has(i));
      if (!rest.length || this.piecesOf(rest) > 1) continue;
      const off = Math.abs(held - wanted);
      if (!best || off < best.off - 1e-9) best = { off, part: [...part], rest };
    }
    return best && (this.sum(best.part) > this.sum(best.rest) ? best.rest : best.part);
  }

  // The atoms of a cell on the side of a drawn line that has fewer households, where both sides are connected.
  sideOf(cell, line, middles) {
    const atoms = this.atomsOf(cell), first = line[0], second = line[1], last = line[line.length - 1], before = line[line.length - 2];
    const beyond = ([x, y], [u, v]) => [x + 1e6 * (x - u), y + 1e6 * (y - v)];
    const path = [beyond(first, second), ...line, beyond(last, before)];
    const left = atoms.filter(i => isLeft(path, middles[i])), inside = new Set(left);
    const right = atoms.filter(i => !inside.has(i));
    if (!left.length || !right.length) return null;
    if (this.piecesOf(left) > 1 || this.piecesOf(right) > 1) return null;
    return this.sum(left) > this.sum(right) ? right : left;
  }

  // Atoms that front the same street as one does, on its side, from crossing to crossing; `tips` tells both ends of an
  // arc that is followed forward or backward: their point and heading.
  streetSide(atom, tips) {
    const { arcs } = this, found = new Set([atom]), own = this.arcsOf[atom].filter(k => arcs.barrier[k]);
    if (!own.length) return [atom];
    const longest = own.reduce((a, b) => (arcs.length[b] > arcs.length[a] ? b : a)), seen = new Set([longest]);
    for (const way of [true, false]) {
      const side = (arcs.left[longest] === atom) === way; // of who walks along it
      for (let at = { arc: longest, atom, way }; at; at = this.nextOnSide(at, side, tips, seen)) {
        seen.add(at.arc);
        found.add(at.atom);
      }
    }
    return [...found];
  }

  // The arc that goes straight on before the same atom, or before one that touches it without a street between.
  nextOnSide({ arc, atom, way }, side, tips, seen) {
    const { arcs } = this, { end } = tips(arc, way), beside = new Set([atom]);
    for (const k of this.arcsOf[atom]) if (!arcs.barrier[k]) beside.add(arcs.left[k] === atom ? arcs.right[k] : arcs.left[k]);
    beside.delete(-1);
    let best = null;
    for (const one of beside) for (const k of this.arcsOf[one]) for (const on of [true, false]) {
      if (!arcs.barrier[k] || seen.has(k) || ((arcs.left[k] === one) === on) !== side) continue;
      const { start } = tips(k, on);
      if (start.point !== end.point) continue;
      const turn = Math.abs(Math.atan2(Math.sin(start.heading - end.heading), Math.cos(start.heading - end.heading)));
      if (turn < Math.PI / 4 && (!best || turn < best.turn)) best = { turn, arc: k, atom: one, way: on };
    }
    return best;
  }

  comment(cell, text, words) {
    this.change(words, state => state.comments.push({ cell, text }));
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

  // --- what is out of band, and what would help

  totals() {
    if (this.counted !== this.state) {
      this.counted = this.state;
      this.summed = this.sums();
    }
    return this.summed;
  }

  sums() {
    const held = new Map(), first = new Map();
    for (let i = 0; i < this.size; i++) {
      const cell = this.state.leaf[i];
      held.set(cell, (held.get(cell) || 0) + this.households[i]);
      if (!first.has(cell)) first.set(cell, i);
    }
    const off = [];
    let cells = 0;
    for (const [cell, households] of held) {
      const own = this.state.cells[cell], band = this.band(first.get(cell), this.leafLevel);
      if (!own.general || !band) continue;
      cells++;
      const away = offBand(households, band);
      if (away) off.push({ cell, households, band, away });
    }
    off.sort((a, b) => b.away / b.band[1] - a.away / a.band[1] || a.cell - b.cell);
    return { cells, inBand: cells - off.length, off, held };
  }

  // Moves of single atoms and exchanges of two that bring a cell nearer to its band, best first.
  suggestions(cell, most = 5) {
    const { leaf, cells } = this.state, own = this.atomsOf(cell);
    if (!own.length || !cells[cell].general) return [];
    const band = this.band(own[0], this.leafLevel), load = new Map(), found = [];
    if (!band) return [];
    const held = one => {
      if (!load.has(one)) load.set(one, this.sum(this.atomsOf(one)));
      return load.get(one);
    };
    const cost = (a, b) => offBand(a, band) + offBand(b, band) + 1e-3 * (Math.abs(a - band[1]) + Math.abs(b - band[1]));
    const tryOut = (out, into, other) => {
      const gone = this.sum(out) - this.sum(into), a = held(cell), b = held(other);
      const gain = cost(a, b) - cost(a - gone, b + gone);
      if (gain > 1e-9) found.push({ out, into, other, gain });
    };
    const touching = new Set();
    for (const i of own) for (const j of this.neighbours[i]) {
      const other = leaf[j];
      if (other === cell || !cells[other].general || this.isFixed(i) || this.isFixed(j)) continue;
      if (cells[other].small !== cells[cell].small) continue;
      if (!touching.has(`${i}>${other}`)) { touching.add(`${i}>${other}`); tryOut([i], [], other); }
      if (!touching.has(`${j}<`)) { touching.add(`${j}<`); tryOut([], [j], other); }
      tryOut([i], [j], other);
    }
    found.sort((a, b) => b.gain - a.gain || a.out.length + a.into.length - b.out.length - b.into.length);
    const good = [];
    for (const one of found) {
      if (good.length === most) break;
      const out = new Set(one.out), into = new Set(one.into);
      if (own.length === out.size && !into.size) continue;
      const { changed, fault } = this.previewOf([...one.out.map(i => [i, one.other]), ...one.into.map(i => [i, cell])]);
      const now = [cell, one.other].map(k => changed.find(own => own.cell === k).after);
      if (!fault && now[0] && now[1]) good.push({ ...one, after: now.map(figures => figures.households) });
    }
    return good;
  }

  // --- what was saved before, by this page or another: put into it as one edit, or the word for why not

  load(entries, words) {
    const cells = new Map(this.data.leaves.code.map((code, cell) => [code, cell]));
    const atoms = new Map([...this.id].map((id, i) => [id, i]));
    const isGroup = group => typeof group?.small === "string" && Array.isArray(group.atoms) && group.atoms.length > 0
      && group.atoms.every(id => atoms.has(id));
    const isMade = made => made === undefined || (made !== null && typeof made === "object" && Object.values(made).every(one => one !== null && typeof one === "object"));
    const isEntry = entry => {
      if (entry?.operation === "assign") return Array.isArray(entry.cells) && entry.cells.every(isGroup) && isMade(entry.made);
      if (!cells.has(entry?.cell)) return false;
      if (entry.operation === "rename") return entry.name === null || typeof entry.name === "string";
      if (entry.operation === "comment") return typeof entry.text === "string";
      return entry.operation === "lock" || entry.operation === "unlock";
    };
    if (!Array.isArray(entries) || !entries.length || !entries.every(isEntry)) return { fault: "load_foreign" };
    for (const { made } of entries) for (const code in made) {
      const own = this.data.made[code], differs = ["land", "cells"].find(what => own?.[what] !== made[code][what]);
      if (differs) return { fault: own ? `load_${differs}` : "load_foreign", community: code };
    }
    const { state, past, future } = this;
    this.change(words, state => entries.forEach(entry => {
      const cell = cells.get(entry.cell);
      if (entry.operation === "assign") this.assign(state, entry.cells.map(group => ({ small: group.small, atoms: group.atoms.map(id => atoms.get(id)) })));
      else if (entry.operation === "rename") state.cells[cell].name = entry.name;
      else if (entry.operation === "comment") state.comments.push({ cell, text: entry.text });
      else state.cells[cell].locked = entry.operation === "lock";
    }));
    if (this.isSound()) return { fault: null };
    Object.assign(this, { state, future, past: past.slice(0, -1) });
    return { fault: "load_foreign" };
  }

  // Whether every cell that differs from the plan is one that the command line would take.
  isSound() {
    const { state } = this, changed = new Set(), held = new Map();
    for (let i = 0; i < this.size; i++) {
      const now = state.leaf[i], was = this.home[i];
      if (!held.has(now)) held.set(now, []);
      held.get(now).push(i);
      if (now === was && state.cells[now].small === this.homeSmall[i]) continue;
      if (!this.data.leaves.general[was]) return false;
      changed.add(now).add(was);
    }
    const one = values => new Set(values).size === 1;
    return [...changed].every(cell => {
      const own = held.get(cell);
      return !own || (one(own.map(i => this.community[i])) && own.every(i => this.data.leaves.general[this.home[i]])
        && this.piecesOf(own) <= this.mayHave(cell, state.leaf));
    }) && state.smalls.every((_, small) => {
      const own = this.atomsOfSmall(small);
      return !own.length || this.piecesOf(own) <= Math.max(1, this.most.small[small] || 1);
    });
  }

  // Each group becomes the cell with most of it that no other group is, else a new one.
  assign(state, groups) {
    const taken = new Set(), made = new Map(), leaf = state.leaf.slice();
    const smallOf = name => {
      const known = this.data.smalls.code.indexOf(name);
      if (known >= 0) return known;
      if (!made.has(name)) made.set(name, addSmall(state));
      return made.get(name);
    };
    for (const { small, atoms } of groups) {
      const held = new Map();
      atoms.forEach(i => held.set(leaf[i], (held.get(leaf[i]) || 0) + this.households[i] + 1e-3));
      const [best] = [...held].filter(([cell]) => !taken.has(cell)).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
      const cell = best ? best[0] : addCell(state, 0);
      taken.add(cell);
      state.cells[cell].small = smallOf(small);
      atoms.forEach(i => { state.leaf[i] = cell; });
    }
  }

  // --- what is saved: a script of `gridcell edit`

  script() {
    const { state, data } = this, entries = [], touched = new Set(), { leaves } = data;
    for (let i = 0; i < this.size; i++) {
      const now = state.leaf[i], was = this.home[i];
      if (now !== was || state.cells[now].small !== leaves.small[was]) {
        touched.add(was);
        if (now < leaves.code.length) touched.add(now);
      }
    }
    const opens = cell => leaves.locked[cell] && (!state.cells[cell].locked || touched.has(cell));
    leaves.code.forEach((code, cell) => {
      if (opens(cell)) entries.push({ operation: "unlock", cell: code });
      if (state.cells[cell].name !== leaves.name[cell]) entries.push({ operation: "rename", cell: code, name: state.cells[cell].name });
    });
    for (const { cell, text, kept } of state.comments) {
      if (!kept) entries.push({ operation: "comment", cell: leaves.code[cell], text });
    }
    const groups = new Map();
    for (let i = 0; i < this.size; i++) {
      if (!touched.has(this.home[i])) continue;
      const cell = state.leaf[i];
      if (!groups.has(cell)) groups.set(cell, []);
      groups.get(cell).push(this.id[i]);
    }
    const cells = [...groups].map(([cell, atoms]) => ({ atoms, small: this.smallKey(state.cells[cell].small) }));
    const made = {}; // what the plan was, so that another one refuses
    for (let i = 0; i < this.size; i++) {
      const { code } = data.communities[this.community[i]];
      if (touched.has(this.home[i])) made[code] = data.made[code];
    }
    if (cells.length) entries.push({ operation: "assign", made, cells });
    leaves.code.forEach((code, cell) => {
      if (state.cells[cell].locked && (!leaves.locked[cell] || opens(cell))) entries.push({ operation: "lock", cell: code });
    });
    return entries;
  }

  // What a script calls a small cell: its code in the plan, else a word that is no code.
  smallKey(small) {
    return this.data.smalls.code[small] ?? `new ${this.state.smalls[small].number}`;
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

// A cell, or a small one, without a code: its number until the edits are applied.
// Cells of before whose code another one goes on with are numbered after all that were made.
function numberOf(all, at) {
  return all[at].number ?? Math.max(0, ...all.map(own => own.number ?? 0)) + at + 1;
}

function addTo(all, own) {
  return all.push({ number: 1 + all.filter(one => one.number).length, name: null, locked: false, ...own }) - 1;
}

function addCell(state, small) {
  return addTo(state.cells, { small, general: true });
}

function addSmall(state) {
  return addTo(state.smalls, {});
}

// Whether a point lies left of a path, by its nearest segment.
function isLeft(path, [x, y]) {
  let best = null;
  for (let k = 0; k + 1 < path.length; k++) {
    const [a, b] = path[k], [c, d] = path[k + 1], run = [c - a, d - b], square = run[0] ** 2 + run[1] ** 2;
    if (!square) continue;
    const t = Math.min(1, Math.max(0, ((x - a) * run[0] + (y - b) * run[1]) / square));
    const away = Math.hypot(a + t * run[0] - x, b + t * run[1] - y), cross = (run[0] * (y - b) - run[1] * (x - a)) / Math.sqrt(square);
    if (!best || away < best.away - 1e-9 || (away < best.away + 1e-9 && Math.abs(cross) > Math.abs(best.cross))) best = { away, cross };
  }
  return best.cross > 0;
}

function offBand(households, [low, , high]) {
  return Math.max(0, low - 1e-9 - households, households - high - 1e-9);
}
