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
  severity: ["#c4161c", "#e08600", "#3d7ea6"],
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
    this.buildings = plan.buildings && new Shapes(plan.buildings, this.origin, 64);
    this.barriers = new Shapes(plan.barriers.shape, this.origin, 1, false);
    this.marks = [];
    this.canvas = new Ground(this).addTo(map);
    this.repaint();
  }

  repaint() {
    const ctx = this.canvas._ctx;
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
    ctx.restore();
    this.paint();
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
    if (shown.barriers) this.lines();
    if (shown.buildings && this.buildings && this.metre > 0.25) this.houses();
    this.borders();
    ctx.restore();
    this.marks = [];
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

  ground() {
    const { small, micro, medium } = this.shapes, { levels } = this.plan, ctx = this.ctx;
    this.fill(medium, () => true, INK.land);
    if (this.shown.small) {
      ctx.globalAlpha = this.shown.outside ? 0.35 : 1; // so that what is outside stands out
      for (let c = 0; c < INK.cells.length; c++) {
        this.fill(small, i => !levels.small.dedicated[i] && levels.small.colour[i] === c, INK.cells[c]);
      }
      ctx.globalAlpha = 1;
    }
    if (this.shown.dedicated) this.fill(small, i => levels.small.dedicated[i], INK.dedicatedFill);
    if (this.shown.outside) {
      const level = this.shown.micro && micro.length ? "micro" : "small";
      this.fill(this.shapes[level], i => levels[level].band[i] === 2, INK.underFill);
      this.fill(this.shapes[level], i => levels[level].band[i] === 3, INK.overFill);
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
    this.fill(this.buildings, () => true, INK.building);
    if (this.metre < 1) return;
    for (let i = 0; i < this.buildings.length; i++) {
      if (this.buildings.sees(i, this.view)) this.stroke(this.buildings.path(i), INK.buildingEdge, 0.7);
    }
  }

  borders() {
    const { small, micro, medium, large } = this.shapes, { levels } = this.plan, shown = this.shown;
    if (shown.micro && this.metre > 0.09) {
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
    if (this.shown.large && this.shapes.large.length > 1 && this.zoom < 13.5) this.name("large", () => true, styles.large, taken);
    const { dedicated } = this.plan.levels.small;
    if (this.shown.dedicated) this.name("small", i => dedicated[i], styles.dedicated, taken);
    if (this.shown.medium) this.name("medium", () => true, styles.medium, taken);
    if (this.shown.small) this.name("small", i => !dedicated[i], styles.small, taken, true);
    if (this.shown.micro && this.metre > 1.3) this.name("micro", () => true, styles.micro, taken, true);
  }

  name(level, test, [size, weight, colour, room], taken, people = false) {
    const ctx = this.ctx, shapes = this.shapes[level], cells = this.plan.levels[level];
    cells.xy = cells.xy || readPoints(cells.at);
    ctx.font = `${weight} ${size}px ${FONT}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    for (let i = 0; i < shapes.length; i++) {
      if (!shapes.sees(i, this.view) || !test(i)) continue;
      const at = this.point(cells.xy, i), wide = (shapes.box[4 * i + 2] - shapes.box[4 * i]) / UNITS * 256 * 2 ** this.zoom / 360;
      const tall = wide * (shapes.box[4 * i + 3] - shapes.box[4 * i + 1]) / (shapes.box[4 * i + 2] - shapes.box[4 * i]);
      const measure = texts => Math.max(...texts.map(text => ctx.measureText(text).width));
      let lines = [cells.short[i]];
      if (measure(lines) > room * wide) lines = halves(lines[0]);
      const width = measure(lines);
      if (width > room * wide || 1.2 * size * lines.length > room * tall) continue;
      if (people && 1.2 * size * (lines.length + 1) < 0.6 * tall) lines.push(`${cells.households[i] ?? 0} ${this.plan.words.unit}`);
      const high = 1.25 * size * lines.length;
      const shifts = [0, -1.4 * size, 1.4 * size].filter(dy => !dy || level === "medium" || 2 * Math.abs(dy) + high < tall);
      const places = shifts.map(dy => [at.x - width / 2, at.y + dy - high / 2, at.x + width / 2, at.y + dy + high / 2]);
      const box = places.find(p => !taken.some(b => b[0] < p[2] && b[2] > p[0] && b[1] < p[3] && b[3] > p[1]));
      if (!box) continue;
      taken.push(box);
      lines.forEach((line, k) => {
        const y = (box[1] + box[3]) / 2 + (k - (lines.length - 1) / 2) * 1.2 * size;
        ctx.strokeStyle = "rgba(255, 255, 255, 0.88)";
        ctx.lineWidth = 3.4;
        ctx.strokeText(line, at.x, y);
        ctx.fillStyle = colour;
        ctx.fillText(line, at.x, y);
      });
    }
  }

  point(xy, i) {
    return this.map.options.crs.latLngToPoint(L.latLng(xy[2 * i + 1] / UNITS, xy[2 * i] / UNITS), this.zoom)
      .subtract(this.map.getPixelOrigin());
  }

  // While there are very many, findings near each other become one mark with their number, and
  // notes wait until one comes nearer.
  findings() {
    const f = this.plan.findings, ctx = this.ctx, groups = new Map();
    f.xy = f.xy || readPoints(f.at);
    const gather = f.placed.length > 300 && this.zoom < 18;
    for (let k = 0; k < f.placed.length; k++) {
      const x = f.xy[2 * k], y = f.xy[2 * k + 1];
      if (gather && this.zoom < 16 && f.severity[f.placed[k]] === 2) continue;
      if (x < this.view[0] || x > this.view[2] || y < this.view[1] || y > this.view[3]) continue;
      const at = this.point(f.xy, k), size = 90, o = this.map.getPixelOrigin();
      const key = gather ? `${Math.floor((at.x + o.x) / size)}:${Math.floor((at.y + o.y) / size)}` : k;
      const group = groups.get(key) || { rows: [], x: 0, y: 0 };
      group.rows.push(f.placed[k]);
      group.x += at.x;
      group.y += at.y;
      groups.set(key, group);
    }
    this.marks = [...groups.values()].reverse().map(g => ({
      rows: g.rows, x: g.x / g.rows.length, y: g.y / g.rows.length,
      r: g.rows.length > 1 ? 8 + 2.2 * Math.log10(g.rows.length) * 2 : this.grow(3, 6.5, 11, 17),
      severity: Math.min(...g.rows.map(row => f.severity[row])),
    })).sort((a, b) => b.severity - a.severity);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.font = `600 11px ${FONT}`;
    for (const m of this.marks) {
      if (m.rows.length === 1 && m.severity === 2) m.r *= 0.75;
      ctx.beginPath();
      ctx.arc(m.x, m.y, m.r, 0, 2 * Math.PI);
      ctx.globalAlpha = 0.9;
      ctx.fillStyle = INK.severity[m.severity];
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = "#fff";
      ctx.stroke();
      if (m.rows.length > 1) {
        ctx.fillStyle = "#fff";
        ctx.fillText(m.rows.length, m.x, m.y + 0.5);
      }
    }
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
