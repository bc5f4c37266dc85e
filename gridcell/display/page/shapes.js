"use strict";
// Reads the shapes that encode.py writes, and finds what lies under a place.

const UNITS = 1e6; // a degree
const WORLD = 2 ** 24; // width of the world in drawing units; few enough digits for a canvas
const DIGITS = Object.fromEntries(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((c, i) => [c.charCodeAt(0), i]));

const VALUES = new Uint8Array(128);
for (const code in DIGITS) VALUES[code] = DIGITS[code];

function readNumbers(text) {
  const numbers = [];
  for (let i = 0; i < text.length;) {
    let value = 0, factor = 1, digit;
    do {
      digit = VALUES[text.charCodeAt(i++)];
      value += (digit & 31) * factor;
      factor *= 32;
    } while (digit & 32);
    numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
  }
  return numbers;
}

// Places in units, written as differences: few bits each and very many.
function readPoints(text) {
  const { length } = text, all = new Int32Array(length);
  let n = 0, x = 0, y = 0;
  for (let i = 0; i < length;) {
    let value = 0, bits = 0, digit;
    do {
      digit = VALUES[text.charCodeAt(i++)];
      value |= (digit & 31) << bits;
      bits += 5;
    } while (digit & 32);
    const step = (value >>> 1) ^ -(value & 1);
    all[n] = n & 1 ? (y += step) : (x += step);
    n++;
  }
  return all.slice(0, n);
}

// Numbers that are written as differences.
function readSums(text) {
  const numbers = readNumbers(text);
  for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1];
  return numbers;
}

// Texts that begin like those above them.
function readTexts(packed, above) {
  const keep = readNumbers(packed.keep);
  return packed.rest.map((rest, i) => rest === null ? null : (above(i) || "").slice(0, keep[i]) + rest);
}

const LEVELS = ["large", "medium", "small", "micro"];

// Makes columns of what content.py packs.
function unpack(plan) {
  const plain = cells => {
    for (const name of ["dedicated", "households", "estimated", "wanted", "buildings", "band", "load", "held", "colour"]) {
      if (cells[name] !== undefined) cells[name] = readNumbers(cells[name]);
    }
  };
  LEVELS.forEach((level, depth) => {
    const cells = plan.levels[level], above = plan.levels[LEVELS[depth - 1]];
    cells.parent = readSums(cells.parent);
    for (const name of ["code", "label", "name"]) {
      cells[name] = readTexts(cells[name], i => above && above[name][cells.parent[i]]);
    }
    plain(cells);
    cells.short = cells.code.map((code, i) => shortName(level, cells, above, i));
    if (level === "small") cells.whole = wholeNames(cells, above);
    readPlaces(cells);
  });
  const { barriers, around, vacancies } = plan;
  for (const name of ["row", "missing"]) vacancies[name] = readNumbers(vacancies[name]);
  vacancies.level = readNumbers(vacancies.level).map(k => LEVELS[k]);
  vacancies.role = readNumbers(vacancies.role).map(k => vacancies.roles[k]);
  vacancies.reason = readNumbers(vacancies.reason).map(k => vacancies.reasons[k] || null);
  if (plan.points) plan.points.tier = readNumbers(plan.points.tier);
  barriers.kind = readNumbers(barriers.kind);
  barriers.width = readNumbers(barriers.width);
  if (around) readPlaces(around);
}

function readPlaces(cells) {
  const { row, wide, tall, at } = cells.places;
  const rows = readSums(row), first = new Map();
  rows.forEach((r, k) => { if (!first.has(r)) first.set(r, k); });
  cells.places = { row: rows, first, wide: readNumbers(wide), tall: readNumbers(tall), xy: readPoints(at) };
}

// What stands on the map leaves out what the land around says already.
function shortName(level, cells, above, i) {
  const column = level === "micro" ? "code" : "name", own = cells[column][i] || cells.label[i] || "";
  const prefix = level === "small" || level === "micro" ? above[column][cells.parent[i]] : "";
  return (prefix && own.startsWith(prefix) && own.slice(prefix.length).trim()) || own;
}

// Names that several small cells have, with the community of each; null for the others.
function wholeNames({ short, parent }, above) {
  const count = new Map();
  for (const name of short) count.set(name, (count.get(name) || 0) + 1);
  return short.map((name, i) => count.get(name) > 1 && parent[i] >= 0 ? [above.name[parent[i]] || above.label[parent[i]], name] : null);
}

function mercator(lon, lat) {
  const y = Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360)) / Math.PI;
  return [(lon + 180) / 360 * WORLD, (1 - y) / 2 * WORLD];
}

// Returns what turns latitudes in units into drawing units: from a table, for there are very many.
function northings(xy) {
  const every = 1000; // between two entries the error is less than a millimetre
  let s = 2 ** 31, n = -s;
  for (let v = 1; v < xy.length; v += 2) {
    if (xy[v] < s) s = xy[v];
    if (xy[v] > n) n = xy[v];
  }
  if (s > n) return () => 0;
  const table = Float64Array.from({ length: Math.ceil((n - s) / every) + 2 }, (_, k) => mercator(0, (s + k * every) / UNITS)[1]);
  return lat => {
    const at = (lat - s) / every, k = Math.floor(at);
    return table[k] + (table[k + 1] - table[k]) * (at - k);
  };
}

function sums(counts) {
  const all = new Int32Array(counts.length + 1);
  for (let k = 0; k < counts.length; k++) all[k + 1] = all[k] + counts[k];
  return all;
}

// Many polygons or lines: vertices in millionths of a degree for finding, in drawing units for painting.
class Shapes {
  constructor(coded, origin, closed = true) {
    this.xy = readPoints(coded.xy);
    this.start = sums(readNumbers(coded.points)); // of each ring, in vertices
    this.first = sums(readNumbers(coded.rings)); // ring of each shape
    this.length = this.first.length - 1;
    this.origin = origin;
    this.closed = closed;
    this.box = new Int32Array(4 * this.length);
    for (let i = 0; i < this.length; i++) {
      let w = 2 ** 31 - 1, s = w, e = -w, n = -w;
      const to = this.start[this.first[i + 1]];
      for (let v = this.start[this.first[i]]; v < to; v++) {
        const x = this.xy[2 * v], y = this.xy[2 * v + 1];
        if (x < w) w = x;
        if (x > e) e = x;
        if (y < s) s = y;
        if (y > n) n = y;
      }
      this.box[4 * i] = w;
      this.box[4 * i + 1] = s;
      this.box[4 * i + 2] = e;
      this.box[4 * i + 3] = n;
    }
  }

  ringsOf(i) {
    return [this.first[i], this.first[i + 1]];
  }

  sees(i, view) {
    const b = this.box, k = 4 * i;
    return b[k] <= view[2] && b[k + 2] >= view[0] && b[k + 1] <= view[3] && b[k + 3] >= view[1];
  }

  // Has the vertices on a lattice of so many drawing units, none twice in a row. Borders that cells
  // share stay the same lines, and what is far below a pixel costs nothing. Tells whether that was work.
  settle(step) {
    if (this.step === step) return false;
    this.step = step;
    const { xy, start, origin } = this, rings = start.length - 1, y = northings(xy);
    this.drawn = new Float32Array(xy.length);
    this.ends = new Int32Array(rings + 1);
    let n = 0;
    for (let r = 0; r < rings; r++) {
      const began = n;
      for (let v = start[r], lastX = NaN, lastY = NaN; v < start[r + 1]; v++) {
        const x = Math.round(((xy[2 * v] / UNITS + 180) / 360 * WORLD - origin[0]) / step);
        const z = Math.round((y(xy[2 * v + 1]) - origin[1]) / step);
        if (x === lastX && z === lastY) continue;
        this.drawn[n++] = (lastX = x) * step;
        this.drawn[n++] = (lastY = z) * step;
      }
      if (n - began < 4) n = began; // all in one place
      this.ends[r + 1] = n / 2;
    }
    return true;
  }

  // Adds a shape to the path of a canvas; returns how many vertices it has there.
  trace(ctx, i) {
    const { drawn, ends, closed } = this, [from, to] = this.ringsOf(i);
    for (let r = from; r < to; r++) {
      const a = ends[r], b = ends[r + 1];
      if (a === b) continue;
      ctx.moveTo(drawn[2 * a], drawn[2 * a + 1]);
      for (let v = a + 1; v < b; v++) ctx.lineTo(drawn[2 * v], drawn[2 * v + 1]);
      if (closed) ctx.closePath();
    }
    return ends[to] - ends[from];
  }

  // The shape that holds a point (in units), or -1; a border belongs to one side only.
  at(x, y) {
    const here = [x, y, x, y];
    for (let i = 0; i < this.length; i++) if (this.sees(i, here) && this.holds(i, x, y)) return i;
    return -1;
  }

  holds(i, x, y) {
    const [from, to] = this.ringsOf(i), p = this.xy;
    let inside = false;
    for (let r = from; r < to; r++) {
      const a = this.start[r], b = this.start[r + 1];
      for (let v = a, u = b - 1; v < b; u = v++) {
        const x0 = p[2 * u], y0 = p[2 * u + 1], x1 = p[2 * v], y1 = p[2 * v + 1];
        if (y1 > y !== y0 > y && x < (x0 - x1) * (y - y1) / (y0 - y1) + x1) inside = !inside;
      }
    }
    return inside;
  }

  // Rings as Leaflet takes them.
  latLngs(i) {
    const [from, to] = this.ringsOf(i), rings = [];
    for (let r = from; r < to; r++) {
      const ring = [];
      for (let v = this.start[r]; v < this.start[r + 1]; v++) ring.push([this.xy[2 * v + 1] / UNITS, this.xy[2 * v] / UNITS]);
      rings.push(ring);
    }
    return rings;
  }

  bounds(i) {
    const [w, s, e, n] = this.box.subarray(4 * i, 4 * i + 4);
    return [[s / UNITS, w / UNITS], [n / UNITS, e / UNITS]];
  }

  middle(i) {
    const [[s, w], [n, e]] = this.bounds(i);
    return L.latLng((s + n) / 2, (w + e) / 2);
  }
}
