"use strict";
// Draws the land on a canvas: atoms in the colours of their cells, buildings, streets, borders of cells.

const CELL_FILLS = ["#fadbc4", "#cfe4f3", "#d9eccd", "#f8eebe", "#e8d8ee", "#cdece6", "#f3d3dc", "#e2e0d0"];
const INK = { under: "#2166ac", over: "#b2182b", small: "#1b3a6b", micro: "#55606e", chosen: "#111", river: "#9ec9e6", road: "#d9d3c6" };

function readLines(packed) {
  const counts = readNumbers(packed.points), xy = readPoints(packed.xy), of = readNumbers(packed.lines);
  let at = 0, line = 0;
  return of.map(n => Array.from({ length: n }, () => {
    const size = counts[line++], points = xy.slice(2 * at, 2 * (at + size));
    at += size;
    return points;
  }));
}

function tracePoints(path, points) {
  for (let k = 0; k < points.length; k += 2) {
    if (k) path.lineTo(points[k], points[k + 1]); else path.moveTo(points[k], points[k + 1]);
  }
}

function boxOf(lines) {
  const box = [1 / 0, 1 / 0, -1 / 0, -1 / 0];
  for (const points of lines) for (let k = 0; k < points.length; k += 2) {
    box[0] = Math.min(box[0], points[k]);
    box[1] = Math.min(box[1], points[k + 1]);
    box[2] = Math.max(box[2], points[k]);
    box[3] = Math.max(box[3], points[k + 1]);
  }
  return box;
}

class LandView {
  constructor(canvas, division) {
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d");
    this.division = division;
    const { data } = division, counts = readNumbers(data.arcs.points), xy = readPoints(data.arcs.xy);
    let at = 0;
    this.arcs = counts.map(n => xy.slice(2 * at, 2 * (at += n)));
    this.atoms = this.shapesOfAtoms();
    this.buildings = readLines(data.buildings).map(rings => {
      const path = new Path2D();
      rings.forEach(points => tracePoints(path, points));
      return { path, box: boxOf(rings) };
    });
    this.barriers = readLines(data.barriers).map(lines => {
      const path = new Path2D();
      lines.forEach(points => tracePoints(path, points));
      return path;
    });
    this.box = boxOf([xy]);
    this.chosen = new Set();
    this.marked = new Set();
    this.colours = new Map();
    this.fit(this.box);
  }

  // Rings of each atom, chained from its arcs: filled by the even-odd rule any chaining will do.
  shapesOfAtoms() {
    const { division, arcs } = this, { left } = division.arcs;
    const end = (points, k) => `${points[k]},${points[k + 1]}`;
    return division.arcsOf.map((own, atom) => {
      const path = new Path2D(), starts = new Map(), box = boxOf(own.map(k => arcs[k]));
      const runs = own.map(k => ({ points: arcs[k], forward: left[k] === atom, used: false }));
      for (const run of runs) {
        const { points } = run, last = points.length - 2;
        run.from = end(points, run.forward ? 0 : last);
        run.to = end(points, run.forward ? last : 0);
        if (!starts.has(run.from)) starts.set(run.from, []);
        starts.get(run.from).push(run);
      }
      for (const first of runs) {
        if (first.used) continue;
        let begun = false;
        for (let run = first; run && !run.used; run = (starts.get(run.to) || []).find(other => !other.used)) {
          run.used = true;
          const { points, forward } = run;
          for (let k = 0; k < points.length; k += 2) {
            const v = forward ? k : points.length - 2 - k;
            if (begun) path.lineTo(points[v], points[v + 1]); else path.moveTo(points[v], points[v + 1]);
            begun = true;
          }
        }
        path.closePath();
      }
      return { path, box, middle: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] };
    });
  }

  // Both ends of an arc that is followed forward or backward: where they are, and the heading there.
  tips(k, forward) {
    const points = this.arcs[k], n = points.length;
    const tip = (i, j) => ({ point: `${points[i]},${points[i + 1]}`, heading: Math.atan2(points[j + 1] - points[i + 1], points[j] - points[i]) });
    const turned = ({ point, heading }) => ({ point, heading: heading + Math.PI });
    const first = tip(0, 2), last = tip(n - 2, n - 4);
    return forward ? { start: first, end: turned(last) } : { start: last, end: turned(first) };
  }

  // --- where one looks

  fit(box, margin = 0.06) {
    const { width, height } = this.resize();
    const wide = Math.max(1, box[2] - box[0]), tall = Math.max(1, box[3] - box[1]);
    this.scale = Math.min(width / wide, height / tall) * (1 - 2 * margin);
    this.offset = [width / 2 - this.scale * (box[0] + box[2]) / 2, height / 2 + this.scale * (box[1] + box[3]) / 2];
    this.draw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas, ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(clientWidth * ratio)) this.canvas.width = Math.round(clientWidth * ratio);
    if (this.canvas.height !== Math.round(clientHeight * ratio)) this.canvas.height = Math.round(clientHeight * ratio);
    return { width: clientWidth, height: clientHeight, ratio };
  }

  zoom(factor, x, y) {
    this.offset = [x - (x - this.offset[0]) * factor, y - (y - this.offset[1]) * factor];
    this.scale *= factor;
    this.draw();
  }

  pan(dx, dy) {
    this.offset = [this.offset[0] + dx, this.offset[1] + dy];
    this.draw();
  }

  toLand(x, y) {
    return [(x - this.offset[0]) / this.scale, (this.offset[1] - y) / this.scale];
  }

  toScreen([x, y]) {
    return [this.offset[0] + this.scale * x, this.offset[1] - this.scale * y];
  }

  atomAt(x, y) {
    const [u, v] = this.toLand(x, y);
    this.ctx.save();
    this.ctx.setTransform(1, 0, 0, 1, 0, 0);
    const found = this.atoms.findIndex(({ path, box }) => u >= box[0] && u <= box[2] && v >= box[1] && v <= box[3]
      && this.ctx.isPointInPath(path, u, v, "evenodd"));
    this.ctx.restore();
    return found;
  }

  // Atoms whose middle lies in a polygon of screen points.
  atomsIn(points) {
    const ring = points.map(([x, y]) => this.toLand(x, y));
    return this.atoms.flatMap(({ middle: [x, y] }, i) => {
      let inside = false;
      for (let k = 0, last = ring.length - 1; k < ring.length; last = k++) {
        const [a, b] = ring[k], [c, d] = ring[last];
        if (b > y !== d > y && x < (c - a) * (y - b) / (d - b) + a) inside = !inside;
      }
      return inside ? [i] : [];
    });
  }

  // --- drawing

  // Colours that differ from cell to cell beside it; they stay while cells are edited.
  colour(cell) {
    if (!this.colours.has(cell)) {
      const { division } = this, taken = new Set();
      for (const other of division.cellsBeside(division.atomsOf(cell))) taken.add(this.colours.get(other));
      const free = CELL_FILLS.findIndex((_, k) => !taken.has(k));
      this.colours.set(cell, free < 0 ? cell % CELL_FILLS.length : free);
    }
    return CELL_FILLS[this.colours.get(cell)];
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { ctx, division, scale } = this, { width, height, ratio } = this.resize(), { state } = division;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = "#efece4";
    ctx.fillRect(0, 0, width, height);
    ctx.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * this.offset[0], ratio * this.offset[1]);
    const [w, n] = this.toLand(0, 0), [e, s] = this.toLand(width, height), px = 1 / scale;
    const seen = box => box[0] <= e && box[2] >= w && box[1] <= n && box[3] >= s;
    this.atoms.forEach(({ path, box }, i) => {
      if (!seen(box)) return;
      const cell = state.cells[state.leaf[i]];
      ctx.fillStyle = cell.general ? this.colour(state.leaf[i]) : "#dcd6e8";
      ctx.fill(path, "evenodd");
      if (this.chosen.has(i) || this.marked.has(i)) {
        ctx.fillStyle = this.chosen.has(i) ? "rgba(20, 20, 20, .38)" : "rgba(230, 140, 0, .45)";
        ctx.fill(path, "evenodd");
      }
    });
    ctx.lineWidth = 2 * px;
    this.barriers.forEach((path, k) => {
      ctx.strokeStyle = division.data.barriers.river[k] ? INK.river : INK.road;
      ctx.stroke(path);
    });
    if (scale * 100 > 0.25) {
      ctx.fillStyle = "rgba(90, 80, 70, .38)";
      this.buildings.forEach(({ path, box }) => seen(box) && ctx.fill(path, "evenodd"));
    }
    this.paintBorders(px);
    this.paintNames();
    if (this.line) this.paintLine();
  }

  paintBorders(px) {
    const { ctx } = this, { atoms, micro, small } = this.borders(), fine = this.scale * 100 > 0.8;
    for (const [path, style, wide] of [[fine ? atoms : new Path2D(), "rgba(85, 96, 110, .22)", 0.6], [micro, INK.micro, 1.2], [small, INK.small, 3]]) {
      ctx.strokeStyle = style;
      ctx.lineWidth = wide * px;
      ctx.stroke(path);
    }
  }

  // Borders by what they part, made once for each state.
  borders() {
    const { division } = this, { state, arcs } = division;
    if (this.bordered === state) return this.lines;
    this.bordered = state;
    this.lines = { atoms: new Path2D(), micro: new Path2D(), small: new Path2D() };
    const over = cell => cell < 0 ? -1 : state.cells[cell].small;
    this.arcs.forEach((points, k) => {
      const l = arcs.left[k], r = arcs.right[k];
      const a = l < 0 ? -1 : state.leaf[l], b = r < 0 ? -1 : state.leaf[r];
      tracePoints(a === b ? this.lines.atoms : over(a) !== over(b) ? this.lines.small : this.lines.micro, points);
    });
    return this.lines;
  }

  // Where the number of a cell stands: on the land that is nearest to its middle, whatever its shape.
  places() {
    const { division } = this, { state } = division, middle = new Map();
    if (this.placed === state) return this.spots;
    this.placed = state;
    this.spots = new Map();
    state.leaf.forEach((cell, i) => {
      const { middle: [x, y], box } = this.atoms[i], weight = (box[2] - box[0]) * (box[3] - box[1]);
      const sum = middle.get(cell) || [0, 0, 0];
      middle.set(cell, [sum[0] + weight * x, sum[1] + weight * y, sum[2] + weight]);
    });
    state.leaf.forEach((cell, i) => {
      const [x, y, weight] = middle.get(cell), at = this.atoms[i].middle, away = Math.hypot(at[0] - x / weight, at[1] - y / weight);
      if (!this.spots.has(cell) || away < this.spots.get(cell).away) this.spots.set(cell, { away, at, weight });
    });
    return this.spots;
  }

  // Drawn, since fonts without such signs are common.
  paintLock(x, y) {
    const { ctx } = this;
    ctx.fillStyle = ctx.strokeStyle = "#333";
    ctx.lineWidth = 1.5;
    ctx.fillRect(x - 4, y - 1, 8, 6);
    ctx.beginPath();
    ctx.arc(x, y - 1, 2.5, Math.PI, 0);
    ctx.stroke();
  }

  // The box, lasso or cut that is being drawn.
  paintLine() {
    const { ctx } = this;
    ctx.strokeStyle = INK.chosen;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    this.line.forEach(([x, y], k) => (k ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.stroke();
  }

  paintBubble(x, y) {
    const { ctx } = this;
    ctx.fillStyle = "#8a5a00";
    ctx.beginPath();
    ctx.ellipse(x, y - 1, 6, 4.5, 0, 0, 2 * Math.PI);
    ctx.moveTo(x - 3, y + 2);
    ctx.lineTo(x - 5, y + 7);
    ctx.lineTo(x + 1, y + 3);
    ctx.fill();
  }

  paintNames() {
    const { ctx, division, scale } = this, { ratio } = this.resize(), { off, held } = division.totals();
    const out = new Map(off.map(one => [one.cell, one]));
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const [cell, { at, weight }] of this.places()) {
      if (!division.state.cells[cell].general || Math.sqrt(weight) * scale < 34) continue;
      const one = out.get(cell), [u, v] = this.toScreen(at);
      ctx.font = `${one ? "bold " : ""}12px system-ui, "Noto Sans CJK SC", sans-serif`;
      ctx.lineWidth = 3;
      ctx.strokeStyle = "rgba(255, 255, 255, .85)";
      const text = String(held.get(cell)), side = 6 + ctx.measureText(text).width / 2;
      ctx.strokeText(text, u, v);
      ctx.fillStyle = !one ? "#333" : one.households > one.band[2] ? INK.over : INK.under;
      ctx.fillText(text, u, v);
      if (division.isLocked(cell)) this.paintLock(u - side - 4, v);
      if (division.commentsOn(cell).length) this.paintBubble(u + side + 5, v);
    }
  }
}
