"use strict";
// Paints a plan from the ground up, as a printed map would be: the land on the backdrop, marks and names above.

const LIGHT = {
  scheme: "light", paper: "rgba(255, 255, 255, 0.88)",
  names: { dedicated: "#9a3409", small: "#38404a", micro: "#6a6358", around: "#857d6f" },
  land: "#fbf9f4", halo: "rgba(96, 72, 120, 0.20)",
  cells: ["#f4e6c4", "#d3e5d0", "#cddff0", "#f1d6d3", "#ddd5ea", "#e7e9bf"],
  micro: "#8d8a92", small: "#4d5560", medium: "#4a2f6b", large: "#25163b",
  dedicated: "#d9480f", hatch: "#ec7a43", dedicatedFill: "#fdd3a2",
  building: "rgba(120, 110, 96, 0.30)", buildingEdge: "rgba(96, 86, 72, 0.45)",
  road: "#ffffff", roadEdge: "#b3ab9d", river: "#7fb2d6", rail: "#77726a", wall: "#9a7b5b",
  under: "#1f5fa8", over: "#b3261e", underFill: "rgba(58, 124, 196, 0.55)", overFill: "rgba(205, 62, 50, 0.55)",
  severity: ["#c4161c", "#e08600", "#3d7ea6"], vacancy: "#7b2d8b", point: "#0f7a54", around: "#e6e1d6", aroundEdge: "#a9a294",
  houses: ["#b98a2f", "#5e9a5a", "#4f82b5", "#c0655f", "#8a72ad", "#98a03a", "#c2571a", "#8d8578"],
  load: ["#2166ac", "#86b8dd", "#e2f0cf", "#a8d38d", "#5fae5b", "#f5a866", "#cf4630"],
};
const DARK = {
  ...LIGHT, scheme: "dark", paper: "rgba(22, 23, 26, 0.85)",
  names: { dedicated: "#ffb58a", small: "#e4e7ec", micro: "#b8b2a8", around: "#9c968b" },
  land: "#26282c", halo: "rgba(200, 170, 240, 0.20)",
  cells: ["#4c4231", "#33483b", "#2d4256", "#503a39", "#433b55", "#474b2f"],
  micro: "#85838b", small: "#b4bcc7", medium: "#cdb0f0", large: "#efe6ff",
  dedicated: "#ff8a4c", hatch: "#b65a2d", dedicatedFill: "#573822",
  building: "rgba(225, 215, 200, 0.28)", buildingEdge: "rgba(225, 215, 200, 0.42)",
  road: "#5d6067", roadEdge: "#141517", river: "#3d6c91", rail: "#a9a49b", wall: "#b9977a",
  under: "#6fb1ff", over: "#ff7a6b", underFill: "rgba(80, 150, 230, 0.6)", overFill: "rgba(228, 90, 75, 0.62)",
  severity: ["#f0474c", "#f29a1f", "#63a6d0"], vacancy: "#c07ad0", point: "#3fcf97", around: "#1f2124", aroundEdge: "#585b61",
  load: ["#4b9be0", "#2f648f", "#46503c", "#527a47", "#69ad60", "#c98345", "#e2583f"],
};
let INK = window.matchMedia("(prefers-color-scheme: dark)").matches ? DARK : LIGHT;
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

const MARGIN = 16; // pixels that a line at most reaches beyond its middle
const BATCH = 1500; // vertices painted at a time
const ABOVE = ["names", "findings", "vacancies", "points"]; // what changes nothing of the backdrop

class Painter {
  constructor(map, plan, shown) {
    this.map = map;
    this.plan = plan;
    this.shown = shown; // which layers are switched on
    const [[south, west], [north]] = plan.bounds;
    this.cosine = Math.cos((south + north) * Math.PI / 360);
    this.origin = mercator(west, north);
    this.shapes = {};
    for (const level in plan.levels) this.shapes[level] = new Shapes(plan.levels[level].shape, this.origin);
    this.buildings = plan.buildings && plan.buildings.map(coded => new Shapes(coded, this.origin));
    this.water = new Shapes(plan.barriers.water, this.origin);
    this.around = plan.around && new Shapes(plan.around.shape, this.origin);
    this.barriers = new Shapes(plan.barriers.shape, this.origin, false);
    this.marks = [];
    this.widths = new Map(); // of texts, by font
    this.backdrop = new Backdrop((ctx, area) => this.land(ctx, area), ctx => this.top(ctx), () => {
      this.show();
      this.painted = (this.painted || 0) + 1;
    });
    this.canvas = new Ground(this).addTo(map);
    this.repaint();
  }

  later() { // several switches, one painting
    this.waiting = this.waiting || requestAnimationFrame(() => { this.waiting = 0; this.repaint(); });
  }

  get busy() {
    return Boolean(this.waiting) || this.backdrop.busy;
  }

  finelyDrawn() { // whether micro cells can be told apart
    return this.metre > (this.plan.many ? 0.16 : 0.09);
  }

  repaint() {
    const { map, shown } = this;
    this.zoom = map.getZoom();
    this.scale = 256 * 2 ** this.zoom / WORLD; // pixels a drawing unit
    this.metre = 256 * 2 ** this.zoom / (40075017 * this.cosine); // pixels
    this.step = 2 ** -Math.ceil(Math.log2(this.scale) + 1); // a quarter to half a pixel
    const key = Object.keys(shown).filter(name => shown[name] && !ABOVE.includes(name)).sort().join() + INK.scheme;
    this.frame = this.canvas.frame(key);
    this.marks = [];
    this.backdrop.start(this.frame);
    if (this.backdrop.busy) this.show();
  }

  show() { // what is painted so far
    const ctx = this.canvas._ctx;
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
    ctx.restore();
    this.backdrop.show(ctx, this.frame);
  }

  look({ x, y, width, height }, margin = 0) { // at an area, in layer points
    const { origin } = this.frame, { crs } = this.map.options;
    const nw = crs.pointToLatLng(L.point(x - margin + origin.x, y - margin + origin.y), this.zoom);
    const se = crs.pointToLatLng(L.point(x + width + margin + origin.x, y + height + margin + origin.y), this.zoom);
    this.view = [nw.lng * UNITS, se.lat * UNITS, se.lng * UNITS, nw.lat * UNITS];
  }

  * land(ctx, area) {
    const { shown, plan } = this, corner = this.place(plan.bounds[1][0], plan.bounds[0][1]);
    this.pen = ctx;
    this.look(area, MARGIN);
    ctx.translate(corner.x, corner.y);
    ctx.scale(this.scale, this.scale);
    ctx.lineJoin = ctx.lineCap = "round";
    yield* this.ground();
    if (shown.barriers) yield* this.lines();
    if (shown.buildings && this.buildings && this.metre > 0.25) yield* this.houses();
    yield* this.borders();
  }

  * top(ctx) {
    const { min, width, height } = this.frame, { shown } = this;
    this.ctx = ctx;
    this.look({ x: min.x, y: min.y, width, height });
    if (shown.points && this.plan.points) this.points();
    if (shown.findings) this.findings();
    if (shown.vacancies) this.vacancies();
    if (shown.names) yield* this.labels();
  }

  // Paints the shapes in view for which the test holds, some at a time.
  * each(shapes, test, paint, most = BATCH) {
    const ctx = this.pen;
    if (shapes.settle(this.step)) yield;
    let count = 0;
    for (let i = 0; i < shapes.length; i++) {
      if (!shapes.sees(i, this.view) || (test && !test(i))) continue;
      if (!count) ctx.beginPath();
      count += shapes.trace(ctx, i);
      if (count < most) continue;
      paint(ctx);
      count = 0;
      yield;
    }
    if (!count) return;
    paint(ctx);
    yield;
  }

  fill(shapes, test, colour) {
    return this.each(shapes, test, ctx => {
      ctx.fillStyle = colour;
      ctx.fill("evenodd");
    });
  }

  stroke(shapes, test, colour, width, most) {
    return this.each(shapes, test, ctx => {
      ctx.strokeStyle = colour;
      ctx.lineWidth = width / this.scale;
      ctx.stroke();
    }, most);
  }

  grow(least, most, from = 12, to = 18) { // a width in pixels that grows with the zoom
    return least + (most - least) * Math.min(1, Math.max(0, (this.zoom - from) / (to - from)));
  }

  // The finest level on show: what colours by households and what is outside refer to.
  finest() {
    return this.shown.micro && this.shapes.micro.length && this.finelyDrawn() ? "micro" : "small";
  }

  * ground() {
    const { small, medium } = this.shapes, { levels, tiles } = this.plan, ctx = this.pen, shown = this.shown;
    if (this.around) {
      yield* this.fill(this.around, null, INK.around);
      yield* this.stroke(this.around, null, INK.aroundEdge, 1);
    }
    const below = tiles && shown.tiles;
    if (!below) yield* this.fill(medium, null, INK.land);
    const finest = this.finest(), cells = levels[finest];
    ctx.globalAlpha = (shown.outside ? 0.35 : 1) * (below ? 0.5 : 1); // so that what is outside stands out
    if (shown.by_load) {
      for (const [k, colour] of INK.load.entries()) yield* this.fill(this.shapes[finest], i => cells.load[i] === k, colour);
    } else if (shown.small) {
      for (const [k, colour] of INK.cells.entries()) {
        yield* this.fill(small, i => !levels.small.dedicated[i] && levels.small.colour[i] === k, colour);
      }
    }
    ctx.globalAlpha = below ? 0.5 : 1;
    if (shown.dedicated) yield* this.fill(small, i => levels.small.dedicated[i], INK.dedicatedFill);
    ctx.globalAlpha = 1;
    if (shown.outside) {
      yield* this.fill(this.shapes[finest], i => cells.band[i] === 2, INK.underFill);
      yield* this.fill(this.shapes[finest], i => cells.band[i] === 3, INK.overFill);
    }
  }

  * lines() {
    yield* this.fill(this.water, null, INK.river);
    const { kind, width } = this.plan.barriers, ctx = this.pen, dash = 7 / this.scale;
    const some = (k, w, colour, px) => this.stroke(this.barriers, i => kind[i] === k && (!w || width[i] === w), colour, px);
    for (const w of [1, 2, 3]) yield* some(1, w, INK.river, this.grow(0.8, 3) * (0.6 + 0.5 * w));
    const roads = [1, 2, 3].map(w => [w, this.grow(0.4, 6.5, 13.5) * (0.5 + 0.5 * w)]);
    if (this.zoom < 14.5) roads.shift(); // side streets would hide the cells
    if (this.zoom > 14.5) for (const [w, px] of roads) yield* some(0, w, INK.roadEdge, px + this.grow(0.6, 1.6, 14));
    for (const [w, px] of roads) yield* some(0, w, INK.road, px);
    yield* some(2, 0, INK.rail, this.grow(1, 3.4));
    ctx.setLineDash([dash, dash]);
    ctx.lineCap = "butt";
    yield* some(2, 0, INK.road, this.grow(0.5, 2));
    ctx.setLineDash([]);
    ctx.lineCap = "round";
    yield* some(3, 0, INK.wall, this.grow(0.5, 1.4));
  }

  * houses() {
    const plain = this.shown.by_load || this.shown.outside; // their colours would hide those of the land
    this.pen.globalAlpha = plain ? 1 : 0.62;
    for (const [k, shapes] of this.buildings.entries()) yield* this.fill(shapes, null, plain ? INK.building : INK.houses[k]);
    this.pen.globalAlpha = 1;
    if (this.metre < 1) return;
    for (const shapes of this.buildings) yield* this.stroke(shapes, null, INK.buildingEdge, 0.7);
  }

  * borders() {
    const { small, micro, medium, large } = this.shapes, { dedicated } = this.plan.levels.small, shown = this.shown;
    if (shown.micro && this.finelyDrawn()) yield* this.stroke(micro, null, INK.micro, this.grow(0.4, 1.6, 14, 18.5));
    if (shown.medium) yield* this.stroke(medium, null, INK.halo, this.grow(5, 12), Infinity);
    if (shown.small) yield* this.stroke(small, i => !dedicated[i], INK.small, this.grow(0.35, 2.6, 12.5));
    if (shown.dedicated) {
      const pattern = hatch(this.pen, INK.hatch, 9);
      pattern.setTransform(new DOMMatrix().scale(1 / this.scale));
      yield* this.fill(small, i => dedicated[i], pattern);
      yield* this.stroke(small, i => dedicated[i], INK.dedicated, this.grow(1.1, 3));
    }
    if (shown.medium) yield* this.stroke(medium, null, INK.medium, this.grow(1.2, 3.2));
    if (shown.large) yield* this.stroke(large, null, INK.large, this.grow(2.6, 5));
  }

  // Names where they fit, the larger land first, none over another.
  * labels() {
    const taken = this.marks.filter(m => m.r > 4).map(m => [m.x - m.r, m.y - m.r, m.x + m.r, m.y + m.r]);
    const styles = {
      large: [19, 700, INK.large, 1.2], medium: [16, 700, INK.medium, 1.2], dedicated: [11.5, 600, INK.names.dedicated, 1.5],
      small: [11.5, 600, INK.names.small, 0.95], micro: [10.5, 400, INK.names.micro, 0.85],
    };
    const named = (level, test, people) => this.name(this.shapes[level], this.plan.levels[level], test, styles[level], taken, people);
    const { dedicated } = this.plan.levels.small, { small, large } = this.shapes, { shown } = this;
    if (shown.large && large.length > 1 && this.zoom < 13.5) yield* named("large");
    if (this.around) yield* this.name(this.around, this.plan.around, null, [13, 600, INK.names.around, 1], taken);
    if (shown.dedicated) yield* this.name(small, this.plan.levels.small, i => dedicated[i], styles.dedicated, taken);
    if (shown.medium) yield* named("medium");
    if (shown.small) yield* named("small", i => !dedicated[i], true);
    if (shown.micro && this.metre > 1.3) yield* named("micro", null, true);
  }

  // A name belongs to one part of a cell: what it covers is measured there, and in exclaves it
  // stands again, smaller, where it fits.
  * name(shapes, cells, test, [size, weight, colour, room], taken, people = false) {
    const { ctx, view } = this, { places } = cells, names = cells.short || cells.name;
    const px = 256 * 2 ** this.zoom / 360 / UNITS, squeeze = 1 / Math.cos(this.plan.bounds[0][0] * Math.PI / 180);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    let drawn = 0;
    for (let k = 0, last = -1; k < places.row.length; k++) {
      const i = places.row[k], main = i !== last;
      last = i;
      if (!shapes.sees(i, view) || (test && !test(i))) continue;
      const high = main ? size : 0.85 * size, wide = places.wide[k] * px, tall = places.tall[k] * px * squeeze;
      const spare = main && !this.crowded(cells, i) ? room : Math.min(room, 0.9);
      if (1.2 * high > spare * tall) continue;
      const font = `${main ? "" : "italic "}${weight} ${high}px ${FONT}`, measure = texts => this.width(font, texts);
      let lines = [names[i] || ""];
      if (!lines[0]) continue;
      const whole = main && cells.whole && cells.whole[i]; // where two communities have such a name
      if (whole && this.metre > 0.4 && measure(whole) <= spare * wide && 1.2 * high * 3 < 0.5 * tall) lines = whole.slice();
      else if (measure(lines) > spare * wide) lines = halves(lines[0]);
      const width = measure(lines);
      if (width > spare * wide || 1.2 * high * lines.length > spare * tall) continue;
      const told = people && (cells.households[i] >= 0 || !this.plan.note);
      if (told && main && 1.2 * high * (lines.length + 1) < 0.6 * tall) lines.push(`${Math.max(0, cells.households[i])} ${this.plan.words.unit}`);
      const at = this.point(places.xy, k), height = 1.25 * high * lines.length;
      const shifts = [0, -1.4 * high, 1.4 * high].filter(dy => !dy || 2 * Math.abs(dy) + height < tall);
      const boxes = shifts.map(dy => [at.x - width / 2, at.y + dy - height / 2, at.x + width / 2, at.y + dy + height / 2]);
      const box = boxes.find(p => !taken.some(b => b[0] < p[2] && b[2] > p[0] && b[1] < p[3] && b[3] > p[1]));
      if (!box) continue;
      taken.push(box);
      ctx.font = font;
      lines.forEach((line, n) => {
        const y = (box[1] + box[3]) / 2 + (n - (lines.length - 1) / 2) * 1.2 * high;
        ctx.strokeStyle = INK.paper;
        ctx.lineWidth = 3.4;
        ctx.strokeText(line, at.x, y);
        ctx.fillStyle = colour;
        ctx.fillText(line, at.x, y);
      });
      if (++drawn % 25 === 0) yield;
    }
    yield;
  }

  width(font, texts) {
    if (!this.widths.has(font)) this.widths.set(font, new Map());
    const known = this.widths.get(font);
    return Math.max(...texts.map(text => {
      if (!known.has(text)) {
        this.ctx.font = font;
        known.set(text, this.ctx.measureText(text).width);
      }
      return known.get(text);
    }));
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
    return this.place(xy[2 * i + 1] / UNITS, xy[2 * i] / UNITS);
  }

  place(lat, lng) { // as a layer point of the frame
    return this.map.options.crs.latLngToPoint(L.latLng(lat, lng), this.zoom).subtract(this.frame.origin);
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
