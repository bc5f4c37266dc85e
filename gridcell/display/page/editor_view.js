"use strict";
// Shows the land on a canvas: pieces in the colours of their cells, buildings, streets, borders and numbers of cells.

const PAPER = {
  ground: "#efece4", fills: ["#fadbc4", "#cfe4f3", "#d9eccd", "#f8eebe", "#e8d8ee", "#cdece6", "#f3d3dc", "#e2e0d0"], dedicated: "#dcd6e8",
  chosen: "rgba(20, 20, 20, .38)", marked: "rgba(230, 140, 0, .45)", river: "#9ec9e6", road: "#d9d3c6", building: "rgba(90, 80, 70, .38)",
  atoms: "rgba(85, 96, 110, .22)", micro: "#55606e", small: "#1b3a6b", text: "#333", halo: "rgba(255, 255, 255, .85)", under: "#1d5fa3", over: "#b2182b",
  comment: "#8a5a00", line: "#111",
};
const NIGHT = {
  ground: "#131416", fills: ["#4b3628", "#243b4c", "#304427", "#4a4320", "#40314b", "#1f453f", "#4c2c36", "#3f3d2e"], dedicated: "#37314a",
  chosen: "rgba(255, 255, 255, .36)", marked: "rgba(255, 170, 40, .5)", river: "#3f6f91", road: "#5b574d", building: "rgba(225, 215, 200, .26)",
  atoms: "rgba(200, 210, 225, .2)", micro: "#98a2b0", small: "#a5c4f5", text: "#eceae5", halo: "rgba(15, 16, 18, .85)", under: "#8cc2ff", over: "#ff9d94",
  comment: "#e8b04a", line: "#fff",
};
const MOST = 0.6; // pixels of a centimetre: nobody looks closer
const SLICE = 9; // milliseconds of a frame for painting land

function readLines(packed) {
  const counts = readNumbers(packed.points), xy = readPoints(packed.xy), of = readNumbers(packed.lines);
  let at = 0, line = 0;
  return of.map(n => Array.from({ length: n }, () => {
    const size = counts[line++], points = xy.subarray(2 * at, 2 * (at + size));
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

function meet(a, b) {
  return a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];
}

class LandView {
  constructor(canvas, division) {
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d");
    this.division = division;
    const { data } = division, counts = readNumbers(data.arcs.points), xy = readPoints(data.arcs.xy);
    let at = 0;
    this.arcs = counts.map(n => xy.subarray(2 * at, 2 * (at += n)));
    this.arcBoxes = this.arcs.map(points => boxOf([points]));
    this.atoms = this.shapesOfAtoms();
    const shapesOf = packed => readLines(packed).map(lines => {
      const path = new Path2D();
      lines.forEach(points => tracePoints(path, points));
      return { path, box: boxOf(lines) };
    });
    this.buildings = shapesOf(data.buildings);
    this.barriers = shapesOf(data.barriers);
    this.box = boxOf([xy]);
    this.level = division.leafLevel;
    this.chosen = new Set();
    this.marked = new Set();
    this.colours = new Map();
    this.ink = PAPER;
    this.front = null;
    this.back = null;
    this.spare = null;
    this.fit(this.box);
  }

  // Rings of each atom, chained from its arcs: filled by the even-odd rule any chaining will do.
  shapesOfAtoms() {
    const { division, arcs } = this, { left } = division.arcs;
    const end = (points, k) => points[k] * 2 ** 26 + points[k + 1]; // no land is 600 km wide
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

  zoom(by, x, y) {
    const { width, height } = this.resize(), [w, s, e, n] = this.box, all = Math.min(width / (e - w), height / (n - s));
    const factor = Math.min(Math.max(MOST, this.scale), Math.max(Math.min(all / 4, this.scale), this.scale * by)) / this.scale;
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

  // --- what is shown, frame by frame

  subject() {
    return { state: this.division.state, level: this.level, chosen: new Set(this.chosen), marked: new Set(this.marked) };
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.paint(SLICE);
    });
  }

  // A sheet for another place to look from is painted behind the one that shows, which is moved there until then.
  paint(milliseconds) {
    const { width, height, ratio } = this.resize(), look = { width, height, ratio, scale: this.scale, x: this.offset[0], y: this.offset[1], ink: this.ink };
    if (!this.back && !this.front?.shows(look)) {
      this.back = this.spare || new Sheet(this);
      this.spare = null;
      this.back.begin(look);
    }
    const sheet = this.back || this.front;
    sheet.follow(this.subject());
    const isWhole = sheet.paint(milliseconds);
    if (isWhole && this.back) {
      this.spare = this.front;
      this.front = this.back;
      this.back = null;
    }
    this.compose(look);
    if (!isWhole || !this.front.shows(look)) this.draw();
  }

  // All of it at once, for paper.
  finish() {
    cancelAnimationFrame(this.waiting);
    this.waiting = this.back = this.front = null;
    this.paint(Infinity);
  }

  get isWhole() {
    return !this.waiting && !this.back && Boolean(this.front) && !this.front.stale.size;
  }

  compose({ ratio, scale, x, y, ink }) {
    const { ctx, canvas, front } = this;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.fillStyle = ink.ground;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    if (front) {
      const factor = scale / front.look.scale;
      ctx.drawImage(front.canvas, ratio * (x - factor * front.look.x), ratio * (y - factor * front.look.y), factor * front.canvas.width, factor * front.canvas.height);
    }
    if (!this.line) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.strokeStyle = ink.line;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    this.line.forEach(([u, v], k) => (k ? ctx.lineTo(u, v) : ctx.moveTo(u, v)));
    ctx.stroke();
  }

  // --- painting a box of land

  // Colours that differ from cell to cell beside it; they stay while cells are edited.
  colour(cell, ink) {
    const { division, level } = this, key = `${level} ${cell}`;
    if (!this.colours.has(key)) {
      const taken = new Set(division.cellsBeside(division.atomsOf(cell, level), level).map(other => this.colours.get(`${level} ${other}`)));
      const free = ink.fills.findIndex((_, k) => !taken.has(k));
      this.colours.set(key, free < 0 ? cell % ink.fills.length : free);
    }
    return ink.fills[this.colours.get(key)];
  }

  paintLand(ctx, { scale, ink }, window) {
    const { division, level } = this, px = 1 / scale;
    this.atoms.forEach(({ path, box }, i) => {
      if (!meet(box, window)) return;
      ctx.fillStyle = division.isGeneral(i) ? this.colour(division.cellAt(i, level), ink) : ink.dedicated;
      ctx.fill(path, "evenodd");
      if (!this.chosen.has(i) && !this.marked.has(i)) return;
      ctx.fillStyle = this.chosen.has(i) ? ink.chosen : ink.marked;
      ctx.fill(path, "evenodd");
    });
    ctx.lineWidth = 2 * px;
    this.barriers.forEach(({ path, box }, k) => {
      if (!meet(box, window)) return;
      ctx.strokeStyle = division.data.barriers.river[k] ? ink.river : ink.road;
      ctx.stroke(path);
    });
    if (scale * 100 > 0.25) {
      ctx.fillStyle = ink.building;
      this.buildings.forEach(({ path, box }) => meet(box, window) && ctx.fill(path, "evenodd"));
    }
    const kinds = this.borderKinds(), lines = [0, 1, 2].map(() => new Path2D());
    this.arcs.forEach((points, k) => { if (meet(this.arcBoxes[k], window)) tracePoints(lines[kinds[k]], points); });
    const styles = [[ink.atoms, scale * 100 > 0.8 ? 0.6 : 0], [ink.micro, level === "small" && division.data.has_micro ? 0.8 : 1.2], [ink.small, 3]];
    const thin = Math.min(1, Math.max(0.4, scale * 100 / 0.5)); // from afar, so that lines leave land between them
    styles.forEach(([style, wide], kind) => {
      if (!wide) return;
      ctx.strokeStyle = style;
      ctx.lineWidth = thin * wide * px;
      ctx.stroke(lines[kind]);
    });
  }

  // What each arc parts: atoms, micro cells or small cells.
  borderKinds() {
    const { division } = this;
    return division.once("borders", () => {
      const { state, arcs } = division, over = cell => (cell < 0 ? -1 : state.cells[cell].small);
      return Uint8Array.from(this.arcs, (_, k) => {
        const l = arcs.left[k], r = arcs.right[k], a = l < 0 ? -1 : state.leaf[l], b = r < 0 ? -1 : state.leaf[r];
        return a === b ? 0 : over(a) === over(b) ? 1 : 2;
      });
    });
  }

  // Where the number of a cell stands: on the land that is nearest to its middle, whatever its shape.
  places() {
    const { division, level } = this;
    return division.once(`places ${level}`, () => division.cells(level).flatMap((own, cell) => {
      const atoms = own.general ? division.atomsOf(cell, level) : [];
      if (!atoms.length) return [];
      let x = 0, y = 0, weight = 0, away = 1 / 0, at = null;
      for (const i of atoms) {
        const { middle, box } = this.atoms[i], size = (box[2] - box[0]) * (box[3] - box[1]);
        x += size * middle[0];
        y += size * middle[1];
        weight += size;
      }
      for (const i of atoms) {
        const { middle } = this.atoms[i], far = Math.hypot(middle[0] - x / weight, middle[1] - y / weight);
        if (far < away) [away, at] = [far, middle];
      }
      return [{ cell, at, weight }];
    }));
  }

  paintNames(ctx, { scale, x, y, ink }, window) {
    const { division, level } = this, { off, held } = division.totals(level), out = division.once(`off ${level}`, () => new Map(off.map(one => [one.cell, one])));
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    for (const { cell, at, weight } of this.places()) {
      const u = x + scale * at[0], v = y - scale * at[1];
      if (u < window[0] || u > window[2] || v < window[1] || v > window[3] || Math.sqrt(weight) * scale < 34) continue;
      const one = out.get(cell), way = one?.away ? (one.held > one.band[2] ? "over" : "under") : null;
      ctx.font = `${way ? "bold " : ""}12px system-ui, "Noto Sans CJK SC", sans-serif`;
      ctx.strokeStyle = ink.halo;
      const text = `${held.get(cell)}${way ? (way === "over" ? "↑" : "↓") : ""}`, side = 6 + ctx.measureText(text).width / 2;
      ctx.strokeText(text, u, v);
      ctx.fillStyle = way ? ink[way] : ink.text;
      ctx.fillText(text, u, v);
      if (division.isLocked(cell, level)) this.paintLock(ctx, ink, u - side - 4, v);
      if (division.commentsOn(cell, level).length) this.paintBubble(ctx, ink, u + side + 5, v);
    }
  }

  // Drawn, since fonts without such signs are common.
  paintLock(ctx, ink, x, y) {
    ctx.fillStyle = ctx.strokeStyle = ink.text;
    ctx.lineWidth = 1.5;
    ctx.fillRect(x - 4, y - 1, 8, 6);
    ctx.beginPath();
    ctx.arc(x, y - 1, 2.5, Math.PI, 0);
    ctx.stroke();
    ctx.lineWidth = 3;
  }

  paintBubble(ctx, ink, x, y) {
    ctx.fillStyle = ink.comment;
    ctx.beginPath();
    ctx.ellipse(x, y - 1, 6, 4.5, 0, 0, 2 * Math.PI);
    ctx.moveTo(x - 3, y + 2);
    ctx.lineTo(x - 5, y + 7);
    ctx.lineTo(x + 1, y + 3);
    ctx.fill();
  }
}
