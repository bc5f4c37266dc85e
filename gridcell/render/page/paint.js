"use strict";
// Paints a plan on one canvas, from the ground up, as a printed map would be.

const INK = {
  land: "#fbf9f4", halo: "rgba(96, 72, 120, 0.20)",
  cells: ["#f4e6c4", "#d3e5d0", "#cddff0", "#f1d6d3", "#ddd5ea", "#e7e9bf"],
  micro: "#8d8a92", small: "#4d5560", medium: "#4a2f6b", large: "#25163b",
  dedicated: "#d9480f", hatch: "#ec7a43", dedicatedFill: "#fdd3a2",
  building: "rgba(120, 110, 96, 0.30)", buildingEdge: "rgba(96, 86, 72, 0.45)",
  road: "#ffffff", roadEdge: "#b3ab9d", river: "#7fb2d6", rail: "#77726a", wall: "#9a7b5b",
  under: "#1f5fa8", over: "#b3261e", underFill: "rgba(58, 124, 196, 0.55)", overFill: "rgba(205, 62, 50, 0.55)",
  severity: ["#c4161c", "#e08600", "#3d7ea6"], vacancy: "#7b2d8b", around: "#e6e1d6", aroundEdge: "#a9a294",
  houses: ["#b98a2f", "#5e9a5a", "#4f82b5", "#c0655f", "#8a72ad", "#98a03a", "#c2571a", "#8d8578"],
  load: ["#2166ac", "#86b8dd", "#e2f0cf", "#a8d38d", "#5fae5b", "#f5a866", "#cf4630"],
};
const FONT = '"Noto Sans", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "Segoe UI", Arial, sans-serif';

function hatch(ctx, colour, step) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = step;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = step / 5.5;
  for (const shift of [-step, 0, step]) {
    pen.beginPath();
    pen.moveTo(shift - 1, step + 1);
    pen.lineTo(shift + step + 1, -1);
    pen.stroke();
  }
  return ctx.createPattern(tile, "repeat");
}

// Leaflet's canvas, moved and sized by Leaflet, with the painter in place of Leaflet's paths.
const Ground = L.Canvas.extend({
  options: { padding: 0.25 },
  initialize(painter) { L.Canvas.prototype.initialize.call(this); this.painter = painter; },
  _updatePaths() { if (!this._postponeUpdatePaths) this.painter.repaint(); },
});

class Painter {
  constructor(map, plan, shown) {
    this.map = map;
    this.plan = plan;
    this.shown = shown; // which layers are switched on
    this.origin = mercator(plan.bounds[0][1], plan.bounds[1][0]);
    this.shapes = {};
    for (const level in plan.levels) this.shapes[level] = new Shapes(plan.levels[level].shape, this.origin);
    this.buildings = plan.buildings && plan.buildings.map(coded => new Shapes(coded, this.origin, 64));
    this.water = new Shapes(plan.barriers.water, this.origin);
    this.around = plan.around && new Shapes(plan.around.shape, this.origin);
    this.barriers = new Shapes(plan.barriers.shape, this.origin, 1, false);
    this.marks = [];
    this.canvas = new Ground(this).addTo(map);
    this.repaint();
  }

  later() { // several switches, one painting
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.repaint(); });
  }

  finelyDrawn() { // whether micro cells can be told apart
    return this.metre > (this.plan.many ? 0.16 : 0.09);
  }

  repaint() {
    const ctx = this.canvas._ctx;
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
    ctx.restore();
    const began = performance.now();
    this.paint();
    this.took = performance.now() - began; // milliseconds, for benchmarks
    this.painted = (this.painted || 0) + 1;
  }

  paint() {
    const map = this.map, ctx = this.ctx = this.canvas._ctx, shown = this.shown;
    this.zoom = map.getZoom();
    this.scale = 256 * 2 ** this.zoom / WORLD; // pixels a drawing unit
    const corner = map.options.crs.latLngToPoint(
      L.latLng(this.plan.bounds[1][0], this.plan.bounds[0][1]), this.zoom).subtract(map.getPixelOrigin());
    const box = this.canvas._bounds;
    const nw = map.layerPointToLatLng(box.min), se = map.layerPointToLatLng(box.max);
    this.view = [nw.lng * UNITS, se.lat * UNITS, se.lng * UNITS, nw.lat * UNITS];
    this.metre = 256 * 2 ** this.zoom / (40075017 * Math.cos(nw.lat * Math.PI / 180)); // pixels

    ctx.save();
    ctx.translate(corner.x, corner.y);
    ctx.scale(this.scale, this.scale);
    ctx.lineJoin = ctx.lineCap = "round";
    this.ground();
    if (shown.barriers) {
      this.fill(this.water, () => true, INK.river);
      this.lines();
    }
    if (shown.buildings && this.buildings && this.metre > 0.25) this.houses();
    this.borders();
    ctx.restore();
    this.marks = [];
    if (shown.vacancies) this.vacancies();
    if (shown.findings) this.findings();
    if (shown.names) this.labels();
  }

  // Every shape of a level in view for which the test holds, as one path.
  joined(shapes, test = () => true) {
    const path = new Path2D();
    for (let i = 0; i < shapes.length; i++) if (shapes.sees(i, this.view) && test(i)) path.addPath(shapes.path(i));
    return path;
  }

  fill(shapes, test, colour) {
    this.ctx.fillStyle = colour;
    for (let i = 0; i < shapes.length; i++) {
      if (shapes.sees(i, this.view) && test(i)) this.ctx.fill(shapes.path(i), "evenodd");
    }
  }

  stroke(path, colour, width) {
    this.ctx.strokeStyle = colour;
    this.ctx.lineWidth = width / this.scale;
    this.ctx.stroke(path);
  }

  grow(least, most, from = 12, to = 18) { // a width in pixels that grows with the zoom
    return least + (most - least) * Math.min(1, Math.max(0, (this.zoom - from) / (to - from)));
  }

  // The finest level on show: what colours by households and what is outside refer to.
  finest() {
    return this.shown.micro && this.shapes.micro.length && this.finelyDrawn() ? "micro" : "small";
  }

  ground() {
    const { small, medium } = this.shapes, { levels, tiles } = this.plan, ctx = this.ctx, shown = this.shown;
    if (this.around) {
      this.fill(this.around, () => true, INK.around);
      this.stroke(this.joined(this.around), INK.aroundEdge, 1);
    }
    const below = tiles && shown.tiles;
    if (!below) this.fill(medium, () => true, INK.land);
    const finest = this.finest(), cells = levels[finest];
    ctx.globalAlpha = (shown.outside ? 0.35 : 1) * (below ? 0.5 : 1); // so that what is outside stands out
    if (shown.by_load) {
      INK.load.forEach((colour, k) => this.fill(this.shapes[finest], i => cells.load[i] === k, colour));
    } else if (shown.small) {
      INK.cells.forEach((colour, k) => this.fill(small, i => !levels.small.dedicated[i] && levels.small.colour[i] === k, colour));
    }
    ctx.globalAlpha = below ? 0.5 : 1;
    if (shown.dedicated) this.fill(small, i => levels.small.dedicated[i], INK.dedicatedFill);
    ctx.globalAlpha = 1;
    if (shown.outside) {
      this.fill(this.shapes[finest], i => cells.band[i] === 2, INK.underFill);
      this.fill(this.shapes[finest], i => cells.band[i] === 3, INK.overFill);
    }
  }

  lines() {
    const { kind, width } = this.plan.barriers, shapes = this.barriers, ctx = this.ctx;
    const some = (k, w) => this.joined(shapes, i => kind[i] === k && width[i] === w);
    for (const w of [1, 2, 3]) this.stroke(some(1, w), INK.river, this.grow(0.8, 3) * (0.6 + 0.5 * w));
    const roads = [1, 2, 3].map(w => [some(0, w), this.grow(0.4, 6.5, 13.5) * (0.5 + 0.5 * w)]);
    if (this.zoom < 14.5) roads.shift(); // side streets would hide the cells
    if (this.zoom > 14.5) for (const [path, px] of roads) this.stroke(path, INK.roadEdge, px + this.grow(0.6, 1.6, 14));
    for (const [path, px] of roads) this.stroke(path, INK.road, px);
    const rail = this.joined(shapes, i => kind[i] === 2);
    this.stroke(rail, INK.rail, this.grow(1, 3.4));
    ctx.setLineDash([7 / this.scale, 7 / this.scale]);
    ctx.lineCap = "butt";
    this.stroke(rail, INK.road, this.grow(0.5, 2));
    ctx.setLineDash([]);
    ctx.lineCap = "round";
    this.stroke(this.joined(shapes, i => kind[i] === 3), INK.wall, this.grow(0.5, 1.4));
  }

  houses() {
    const plain = this.shown.by_load || this.shown.outside; // their colours would hide those of the land
    this.ctx.globalAlpha = plain ? 1 : 0.62;
    this.buildings.forEach((shapes, k) => this.fill(shapes, () => true, plain ? INK.building : INK.houses[k]));
    this.ctx.globalAlpha = 1;
    if (this.metre < 1) return;
    for (const shapes of this.buildings) {
      for (let i = 0; i < shapes.length; i++) if (shapes.sees(i, this.view)) this.stroke(shapes.path(i), INK.buildingEdge, 0.7);
    }
  }

  borders() {
    const { small, micro, medium, large } = this.shapes, { levels } = this.plan, shown = this.shown;
    if (shown.micro && this.finelyDrawn()) {
      for (let i = 0; i < micro.length; i++) {
        if (micro.sees(i, this.view)) this.stroke(micro.path(i), INK.micro, this.grow(0.4, 1.6, 14, 18.5));
      }
    }
    if (shown.medium) this.stroke(this.joined(medium), INK.halo, this.grow(5, 12));
    if (shown.small) {
      for (let i = 0; i < small.length; i++) {
        if (!levels.small.dedicated[i] && small.sees(i, this.view)) this.stroke(small.path(i), INK.small, this.grow(0.35, 2.6, 12.5));
      }
    }
    if (shown.dedicated) {
      const sites = this.joined(small, i => levels.small.dedicated[i]);
      const pattern = hatch(this.ctx, INK.hatch, 9);
      pattern.setTransform(new DOMMatrix().scale(1 / this.scale));
      this.ctx.fillStyle = pattern;
      this.ctx.fill(sites, "evenodd");
      this.stroke(sites, INK.dedicated, this.grow(1.1, 3));
    }
    if (shown.medium) this.stroke(this.joined(medium), INK.medium, this.grow(1.2, 3.2));
    if (shown.large) this.stroke(this.joined(large), INK.large, this.grow(2.6, 5));
  }

  // Names where they fit, the larger land first, none over another.
  labels() {
    const taken = this.marks.filter(m => m.r > 4).map(m => [m.x - m.r, m.y - m.r, m.x + m.r, m.y + m.r]);
    const styles = {
      large: [19, 700, INK.large, 1.2], medium: [16, 700, INK.medium, 1.2], dedicated: [11.5, 600, "#9a3409", 1.5],
      small: [11.5, 600, "#38404a", 0.95], micro: [10.5, 400, "#6a6358", 0.85],
    };
    if (this.shown.large && this.shapes.large.length > 1 && this.zoom < 13.5) this.nameLevel("large", () => true, styles.large, taken);
    if (this.around) this.name(this.around, this.plan.around, () => true, [13, 600, "#857d6f", 1], taken);
    const { dedicated } = this.plan.levels.small;
    if (this.shown.dedicated) this.nameLevel("small", i => dedicated[i], styles.dedicated, taken);
    if (this.shown.medium) this.nameLevel("medium", () => true, styles.medium, taken);
    if (this.shown.small) this.nameLevel("small", i => !dedicated[i], styles.small, taken, true);
    if (this.shown.micro && this.metre > 1.3) this.nameLevel("micro", () => true, styles.micro, taken, true);
  }

  nameLevel(level, test, style, taken, people) {
    this.name(this.shapes[level], this.plan.levels[level], test, style, taken, people);
  }

  // A name belongs to one part of a cell: what it covers is measured there, and in exclaves it
  // stands again, smaller, where it fits.
  name(shapes, cells, test, [size, weight, colour, room], taken, people = false) {
    const ctx = this.ctx, { places } = cells, names = cells.short || cells.name;
    const px = 256 * 2 ** this.zoom / 360 / UNITS, squeeze = 1 / Math.cos(this.plan.bounds[0][0] * Math.PI / 180);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    const measure = texts => Math.max(...texts.map(text => ctx.measureText(text).width));
    for (let k = 0, last = -1; k < places.row.length; k++) {
      const i = places.row[k], main = i !== last;
      last = i;
      if (!shapes.sees(i, this.view) || !test(i)) continue;
      const high = main ? size : 0.85 * size, wide = places.wide[k] * px, tall = places.tall[k] * px * squeeze;
      const spare = main && !this.crowded(cells, i) ? room : Math.min(room, 0.9);
      if (1.2 * high > spare * tall) continue;
      ctx.font = `${main ? "" : "italic "}${weight} ${high}px ${FONT}`;
      let lines = [names[i] || ""];
      if (!lines[0]) continue;
      if (measure(lines) > spare * wide) lines = halves(lines[0]);
      const width = measure(lines);
      if (width > spare * wide || 1.2 * high * lines.length > spare * tall) continue;
      if (people && main && 1.2 * high * (lines.length + 1) < 0.6 * tall) lines.push(`${Math.max(0, cells.households[i])} ${this.plan.words.unit}`);
      const at = this.point(places.xy, k), height = 1.25 * high * lines.length;
      const shifts = [0, -1.4 * high, 1.4 * high].filter(dy => !dy || 2 * Math.abs(dy) + height < tall);
      const boxes = shifts.map(dy => [at.x - width / 2, at.y + dy - height / 2, at.x + width / 2, at.y + dy + height / 2]);
      const box = boxes.find(p => !taken.some(b => b[0] < p[2] && b[2] > p[0] && b[1] < p[3] && b[3] > p[1]));
      if (!box) continue;
      taken.push(box);
      lines.forEach((line, n) => {
        const y = (box[1] + box[3]) / 2 + (n - (lines.length - 1) / 2) * 1.2 * high;
        ctx.strokeStyle = "rgba(255, 255, 255, 0.88)";
        ctx.lineWidth = 3.4;
        ctx.strokeText(line, at.x, y);
        ctx.fillStyle = colour;
        ctx.fillText(line, at.x, y);
      });
    }
  }

  // Whether a cell has several parts, so that a name must not leave the one it stands in.
  crowded(cells, i) {
    if (!cells.several) {
      cells.several = new Set();
      cells.places.row.forEach((row, k, all) => { if (k && all[k - 1] === row) cells.several.add(row); });
    }
    return cells.several.has(i);
  }

  point(xy, i) {
    return this.map.options.crs.latLngToPoint(L.latLng(xy[2 * i + 1] / UNITS, xy[2 * i] / UNITS), this.zoom)
      .subtract(this.map.getPixelOrigin());
  }

  // Marks for points: those near each other become one with their number while there are many.
  gather(xy, rows, apart) {
    const groups = new Map(), size = 90, origin = this.map.getPixelOrigin();
    for (const [k, row] of rows) {
      const x = xy[2 * k], y = xy[2 * k + 1];
      if (x < this.view[0] || x > this.view[2] || y < this.view[1] || y > this.view[3]) continue;
      const at = this.point(xy, k);
      const key = apart ? k : `${Math.floor((at.x + origin.x) / size)}:${Math.floor((at.y + origin.y) / size)}`;
      const group = groups.get(key) || { rows: [], x: 0, y: 0 };
      group.rows.push(row);
      group.x += at.x;
      group.y += at.y;
      groups.set(key, group);
    }
    return [...groups.values()].map(g => ({ rows: g.rows, x: g.x / g.rows.length, y: g.y / g.rows.length }));
  }

  // Notes wait until one comes nearer while there are very many findings.
  findings() {
    const f = this.plan.findings, many = f.placed.length > 200 && this.zoom < 18;
    f.xy = f.xy || readPoints(f.at);
    const rows = [...f.placed.entries()].filter(([, row]) => !(many && this.zoom < 16 && f.severity[row] === 2));
    const marks = this.gather(f.xy, rows, !many).reverse().map(g => ({
      ...g, layer: "findings", count: g.rows.length, severity: Math.min(...g.rows.map(row => f.severity[row])),
      r: g.rows.length > 1 ? 8 + 4.4 * Math.log10(g.rows.length) : this.grow(3, 6.5, 11, 17),
    })).sort((a, b) => b.severity - a.severity);
    for (const m of marks) {
      if (m.count === 1 && m.severity === 2) m.r *= 0.75;
      this.ctx.beginPath();
      this.ctx.arc(m.x, m.y, m.r, 0, 2 * Math.PI);
      this.mark(m, INK.severity[m.severity]);
    }
    this.marks.push(...marks);
  }

  vacancies() {
    const v = this.plan.vacancies, many = v.row.length > 50 && this.zoom < 17;
    if (!v.xy) {
      v.xy = new Int32Array(2 * v.row.length);
      v.row.forEach((row, k) => {
        const { places } = this.plan.levels[v.level[k]], at = places.first.get(row);
        v.xy.set(places.xy.subarray(2 * at, 2 * at + 2), 2 * k);
      });
    }
    const cell = k => `${v.level[k]} ${v.row[k]}`, apart = [];
    const groups = this.gather(v.xy, v.row.map((_, k) => [k, k]), !many);
    for (const g of groups) { // posts of one cell are one mark
      const same = !many && apart.find(m => cell(m.rows[0]) === cell(g.rows[0]));
      if (same) same.rows.push(...g.rows);
      else apart.push(g);
    }
    for (const g of apart) {
      const count = g.rows.reduce((sum, k) => sum + v.missing[k], 0);
      const m = { ...g, layer: "vacancies", count, r: count > 1 ? 7 + 2.4 * Math.log10(count) : 5 };
      this.ctx.beginPath();
      this.ctx.rect(m.x - m.r, m.y - m.r, 2 * m.r, 2 * m.r);
      this.mark(m, INK.vacancy);
      this.marks.push(m);
    }
  }

  mark(m, colour) {
    const ctx = this.ctx;
    ctx.globalAlpha = 0.9;
    ctx.fillStyle = colour;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineJoin = "round";
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = "#fff";
    ctx.stroke();
    if (m.count < 2) return;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.font = `600 11px ${FONT}`;
    ctx.fillStyle = "#fff";
    ctx.fillText(m.count, m.x, m.y + 0.5);
  }
}

function halves(text) { // breaks a name in two, at a blank where there is one
  const middle = text.length / 2;
  let at = -1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === " " && (at < 0 || Math.abs(i - middle) < Math.abs(at - middle))) at = i;
  }
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  const letters = [...text], cut = Math.ceil(letters.length / 2);
  return /[\u3000-\u9fff]/.test(text) ? [letters.slice(0, cut).join(""), letters.slice(cut).join("")] : [text];
}
