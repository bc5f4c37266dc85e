"use strict";
// The land that is edited: its pieces (atoms), how they touch, and the figures of any set of them. Nothing here changes.

class Land {
  constructor(data) {
    const { atoms, links, arcs } = data, hundredths = text => readNumbers(text).map(v => v / 100);
    this.data = data;
    this.id = readSums(atoms.id);
    this.size = this.id.length;
    this.households = readNumbers(atoms.households);
    this.work = atoms.load ? readNumbers(atoms.load).map(v => v / 1000) : this.households; // what bands count
    this.area = hundredths(atoms.area);
    this.community = readNumbers(atoms.community);
    this.home = readNumbers(atoms.leaf); // leaf of each atom in the plan
    this.homeSmall = this.home.map(cell => data.leaves.small[cell]);
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
    this.mark = new Int32Array(this.size); // of the last question that an atom was part of
    this.asked = 0;
  }

  marked(atoms) {
    this.asked++;
    for (const i of atoms) this.mark[i] = this.asked;
    return this.asked;
  }

  beyond(k, atom) {
    return this.arcs.left[k] === atom ? this.arcs.right[k] : this.arcs.left[k];
  }

  sum(atoms) {
    return Math.round(1000 * atoms.reduce((all, i) => all + this.work[i], 0)) / 1000;
  }

  band(atom, level) {
    return this.data.communities[this.community[atom]][level];
  }

  piecesOf(atoms) {
    const inside = this.marked(atoms), { mark } = this;
    let count = 0;
    for (const first of atoms) {
      if (mark[first] !== inside) continue;
      count++;
      mark[first] = 0;
      const stack = [first];
      while (stack.length) for (const next of this.neighbours[stack.pop()]) if (mark[next] === inside) { mark[next] = 0; stack.push(next); }
    }
    return count;
  }

  // Figures of a set of atoms as one cell: what the plan and its proof say of it.
  figures(atoms, level = this.leafLevel) {
    const pieces = this.piecesOf(atoms), inside = this.marked(atoms), { arcs, mark } = this;
    let rim = 0, inner = 0, onBarrier = 0, area = 0;
    for (const i of atoms) {
      area += this.area[i];
      for (const k of this.arcsOf[i]) {
        const other = this.beyond(k, i);
        if (other >= 0 && mark[other] === inside) continue;
        rim += arcs.length[k];
        if (other >= 0 && this.community[other] === this.community[i]) {
          inner += arcs.length[k];
          if (arcs.barrier[k]) onBarrier += arcs.length[k];
        }
      }
    }
    const held = this.sum(atoms), households = this.data.atoms.load ? atoms.reduce((all, i) => all + this.households[i], 0) : held;
    const band = atoms.length ? this.band(atoms[0], level) : null;
    return {
      held, households, area, pieces, band, off: band ? offBand(held, band) : 0,
      compactness: rim ? 4 * Math.PI * area / (rim * rim) : 0, onBarrier: inner ? onBarrier / inner : null,
    };
  }

  // The finest level that the plan has, and all that can be edited.
  get leafLevel() {
    return this.data.has_micro ? "micro" : "small";
  }

  get levels() {
    return this.data.has_micro ? ["micro", "small"] : ["small"];
  }

  // Whether cells of a level are made of cells, not of atoms.
  isUpper(level) {
    return level !== this.leafLevel;
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
    for (const k of this.arcsOf[atom]) if (!arcs.barrier[k]) beside.add(this.beyond(k, atom));
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

function offBand(held, [low, , high]) {
  return Math.max(0, low - 1e-9 - held, held - high - 1e-9);
}
