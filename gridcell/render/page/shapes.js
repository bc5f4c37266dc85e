"use strict";
// Reads the shapes that encode.py writes, and finds what lies under a place.

const UNITS = 1e6; // a degree
const WORLD = 2 ** 24; // width of the world in drawing units; few enough digits for a canvas
const DIGITS = Object.fromEntries(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((c, i) => [c.charCodeAt(0), i]));

function readNumbers(text) {
  const table = new Uint8Array(128);
  for (const code in DIGITS) table[code] = DIGITS[code];
  const numbers = [];
  for (let i = 0; i < text.length;) {
    let value = 0, factor = 1, digit;
    do {
      digit = table[text.charCodeAt(i++)];
      value += (digit & 31) * factor;
      factor *= 32;
    } while (digit & 32);
    numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
  }
  return numbers;
}

function readPoints(text) {
  const xy = readNumbers(text);
  for (let i = 2; i < xy.length; i++) xy[i] += xy[i - 2];
  return Int32Array.from(xy);
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
    for (const name of ["dedicated", "households", "buildings", "band", "load", "colour"]) {
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
    readPlaces(cells);
  });
  const { barriers, around, vacancies } = plan;
  for (const name of ["row", "missing"]) vacancies[name] = readNumbers(vacancies[name]);
  vacancies.level = readNumbers(vacancies.level).map(k => LEVELS[k]);
  vacancies.role = readNumbers(vacancies.role).map(k => vacancies.roles[k]);
  vacancies.reason = readNumbers(vacancies.reason).map(k => vacancies.reasons[k] || null);
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

function mercator(lon, lat) {
  const y = Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360)) / Math.PI;
  return [(lon + 180) / 360 * WORLD, (1 - y) / 2 * WORLD];
}

// Many polygons or lines: vertices in degrees for finding, paths in drawing units for painting.
class Shapes {
  constructor(coded, origin, chunk = 1, closed = true) {
    this.xy = readPoints(coded.xy);
    const rings = readNumbers(coded.rings), points = readNumbers(coded.points);
    this.start = [0]; // of each ring, in vertices
    for (const n of points) this.start.push(this.start[this.start.length - 1] + n);
    this.first = [0]; // ring of each shape
    for (const n of rings) this.first.push(this.first[this.first.length - 1] + n);
    this.shapes = rings.length;
    this.origin = origin;
    this.chunk = chunk; // shapes a path
    this.closed = closed;
    this.length = Math.ceil(this.shapes / chunk);
    this.box = new Float64Array(4 * this.length);
    this.paths = new Array(this.length);
    for (let i = 0; i < this.length; i++) {
      let w = Infinity, s = Infinity, e = -Infinity, n = -Infinity;
      const [from, to] = this.vertices(i);
      for (let v = from; v < to; v++) {
        const x = this.xy[2 * v], y = this.xy[2 * v + 1];
        if (x < w) w = x;
        if (x > e) e = x;
        if (y < s) s = y;
        if (y > n) n = y;
      }
      this.box.set([w, s, e, n], 4 * i);
    }
  }

  ringsOf(i) {
    return [this.first[i * this.chunk], this.first[Math.min((i + 1) * this.chunk, this.shapes)]];
  }

  vertices(i) {
    const [from, to] = this.ringsOf(i);
    return [this.start[from], this.start[to]];
  }

  sees(i, view) {
    const b = this.box, k = 4 * i;
    return b[k] <= view[2] && b[k + 2] >= view[0] && b[k + 1] <= view[3] && b[k + 3] >= view[1];
  }

  path(i) {
    if (!this.paths[i]) {
      const path = this.paths[i] = new Path2D(), [from, to] = this.ringsOf(i);
      for (let r = from; r < to; r++) {
        for (let v = this.start[r]; v < this.start[r + 1]; v++) {
          const [x, y] = mercator(this.xy[2 * v] / UNITS, this.xy[2 * v + 1] / UNITS);
          if (v === this.start[r]) path.moveTo(x - this.origin[0], y - this.origin[1]);
          else path.lineTo(x - this.origin[0], y - this.origin[1]);
        }
        if (this.closed) path.closePath();
      }
    }
    return this.paths[i];
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
