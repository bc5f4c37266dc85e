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
      cells: data.leaves.code.map((code, i) => ({ code, name: data.leaves.name[i], small: data.leaves.small[i],
        general: data.leaves.general[i], locked: data.leaves.locked[i] })),
      smalls: data.smalls.code.map((code, i) => ({ code, name: data.smalls.name[i], locked: data.smalls.locked[i] })),
      comments: data.comments.map(([code, text]) => ({ cell: data.leaves.code.indexOf(code), text, kept: true })),
    };
    this.pieces = this.state.cells.map((_, cell) => this.piecesOf(this.atomsOf(cell))); // that the land itself has
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

  get leafLevel() {
    return this.data.has_micro ? "micro" : "small";
  }

  label(cell) {
    const own = this.state.cells[cell];
    if (own.code) return own.code;
    return `${this.data.words.new_cell} ${own.number}`;
  }

  smallLabel(small) {
    const own = this.state.smalls[small];
    return own.code || `${this.data.words.new_small} ${own.number}`;
  }

  atomsOfSmall(small, leaf = this.state.leaf, cells = this.state.cells) {
    const found = [];
    for (let i = 0; i < this.size; i++) if (cells[leaf[i]].small === small) found.push(i);
    return found;
  }

  isFixed(atom) {
    const cell = this.state.cells[this.state.leaf[atom]];
    return !cell.general || cell.locked || this.state.smalls[cell.small].locked;
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

  // Why atoms cannot go to a cell, or null; `after` are the figures of all cells concerned.
  preview(atoms, target) {
    const { words } = this.data, { leaf, cells } = this.state;
    const going = atoms.filter(i => leaf[i] !== target);
    if (!going.length) return { fault: words.there_already };
    const sources = [...new Set(going.map(i => leaf[i]))], leaving = new Set(going);
    const there = this.atomsOf(target), own = there.concat(going);
    const fault = this.faultOf(going, own, cells[target]);
    const changed = [{ cell: target, before: this.figures(there), after: this.figures(own) }];
    for (const cell of sources) {
      const before = this.atomsOf(cell), after = before.filter(i => !leaving.has(i));
      changed.push({ cell, before: this.figures(before), after: after.length ? this.figures(after) : null });
    }
    const torn = changed.find(({ cell, after }) => after && after.pieces > Math.max(1, this.pieces[cell] || 1));
    return { changed, fault: fault || (torn ? words.torn.replace("{cell}", this.label(torn.cell)) : null)
      || this.smallFault(leaf, going, target) };
  }

  faultOf(going, all, target) {
    const { words } = this.data;
    if (!target.general) return words.dedicated;
    if (target.locked || this.state.smalls[target.small].locked || going.some(i => this.isFixed(i))) return words.is_locked;
    if (all.some(i => this.community[i] !== this.community[all[0]])) return words.other_community;
    return null;
  }

  smallFault(leaf, going, target) {
    const { cells } = this.state, moved = new Set(going), small = cells[target].small;
    const concerned = new Set(going.map(i => cells[leaf[i]].small).concat(small));
    if (concerned.size === 1) return null;
    for (const one of concerned) {
      const before = this.atomsOfSmall(one);
      const after = before.filter(i => !moved.has(i)).concat(one === small ? going.filter(i => cells[leaf[i]].small !== one) : []);
      if (after.length && this.piecesOf(after) > Math.max(1, this.piecesOf(before))) {
        return this.data.words.torn.replace("{cell}", this.smallLabel(one));
      }
    }
    return null;
  }

  // --- edits

  change(words, edit) {
    const { state } = this;
    this.past.push({ state, words });
    this.future = [];
    this.state = { leaf: state.leaf.slice(), cells: state.cells.map(cell => ({ ...cell })), smalls: state.smalls.map(small => ({ ...small })),
      comments: state.comments.slice() };
    edit(this.state);
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
    if (this.piecesOf(left) + this.piecesOf(right) > 1 + Math.max(1, this.pieces[cell] || 1)) return null;
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
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return;
    const { state, words } = from.pop();
    to.push({ state: this.state, words });
    this.state = state;
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
      const mine = own.filter(i => !out.has(i)).concat(one.into);
      const theirs = this.atomsOf(one.other).filter(i => !into.has(i)).concat(one.out);
      if (!mine.length || !theirs.length) continue;
      if (this.piecesOf(mine) > Math.max(1, this.pieces[cell] || 1)) continue;
      if (this.piecesOf(theirs) > Math.max(1, this.pieces[one.other] || 1)) continue;
      good.push({ ...one, after: [this.sum(mine), this.sum(theirs)] });
    }
    return good;
  }

  // --- what was saved before, by this page or another: put into it, as one edit; false where it is of another plan

  load(entries, words) {
    const cells = new Map(this.data.leaves.code.map((code, cell) => [code, cell]));
    const atoms = new Map([...this.id].map((id, i) => [id, i]));
    const isGroup = group => typeof group?.small === "string" && Array.isArray(group.atoms) && group.atoms.length > 0
      && group.atoms.every(id => atoms.has(id));
    const isEntry = entry => {
      if (entry?.operation === "assign") return Array.isArray(entry.cells) && entry.cells.every(isGroup);
      if (!cells.has(entry?.cell)) return false;
      if (entry.operation === "rename") return entry.name === null || typeof entry.name === "string";
      if (entry.operation === "comment") return typeof entry.text === "string";
      return entry.operation === "lock" || entry.operation === "unlock";
    };
    if (!Array.isArray(entries) || !entries.length || !entries.every(isEntry)) return false;
    this.change(words, state => entries.forEach(entry => {
      const cell = cells.get(entry.cell);
      if (entry.operation === "assign") this.assign(state, entry.cells.map(group => ({ small: group.small, atoms: group.atoms.map(id => atoms.get(id)) })));
      else if (entry.operation === "rename") state.cells[cell].name = entry.name;
      else if (entry.operation === "comment") state.comments.push({ cell, text: entry.text });
      else state.cells[cell].locked = entry.operation === "lock";
    }));
    return true;
  }

  // Each group becomes the cell with most of it that no other group is, else a new one.
  assign(state, groups) {
    const taken = new Set(), made = new Map(), leaf = state.leaf.slice();
    const smallOf = name => {
      const known = state.smalls.findIndex(small => small.code === name);
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
    const { state, data } = this, entries = [], touched = new Set();
    for (let i = 0; i < this.size; i++) {
      const now = state.leaf[i], was = this.home[i];
      if (now !== was || state.cells[now].small !== data.leaves.small[was]) {
        touched.add(was);
        if (now < data.leaves.code.length) touched.add(now);
      }
    }
    data.leaves.code.forEach((code, cell) => {
      const own = state.cells[cell];
      if (data.leaves.locked[cell] && !own.locked) entries.push({ operation: "unlock", cell: code });
      if (own.name !== data.leaves.name[cell]) entries.push({ operation: "rename", cell: code, name: own.name });
    });
    const groups = new Map();
    for (let i = 0; i < this.size; i++) {
      if (!touched.has(this.home[i])) continue;
      const cell = state.leaf[i];
      if (!groups.has(cell)) groups.set(cell, []);
      groups.get(cell).push(this.id[i]);
    }
    const cells = [...groups].map(([cell, atoms]) => ({ atoms, small: this.smallLabel(state.cells[cell].small) }));
    for (const { cell, text, kept } of state.comments) {
      if (!kept) entries.push({ operation: "comment", cell: data.leaves.code[cell], text });
    }
    if (cells.length) entries.push({ operation: "assign", cells });
    data.leaves.code.forEach((code, cell) => {
      if (!data.leaves.locked[cell] && state.cells[cell].locked) entries.push({ operation: "lock", cell: code });
    });
    return entries;
  }
}

// A cell, or a small one, without a code: its number until the edits are applied.
function addTo(all, own) {
  return all.push({ code: null, number: 1 + all.filter(one => !one.code).length, name: null, locked: false, ...own }) - 1;
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
