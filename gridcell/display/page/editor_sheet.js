"use strict";
// A picture of the land for one place to look from, painted tile by tile, so that no frame waits for all of it and an
// edit repaints only what it changed.

const TILE = 200; // pixels
const AROUND = 48; // pixels by which a number, a lock or a line reaches beyond the land it is of

class Sheet {
  constructor(view) {
    this.view = view;
    this.canvas = document.createElement("canvas");
    this.ctx = this.canvas.getContext("2d", { willReadFrequently: true }); // read after each tile, so that its time counts
    this.stale = new Set();
  }

  // Begin anew for a place to look from.
  begin(look) {
    const { width, height, ratio } = look;
    this.look = look;
    for (const [name, size] of [["width", width], ["height", height]]) {
      if (this.canvas[name] !== Math.round(size * ratio)) this.canvas[name] = Math.round(size * ratio);
    }
    this.wide = Math.max(1, Math.ceil(width / TILE));
    this.tall = Math.max(1, Math.ceil(height / TILE));
    this.all();
    this.shown = this.view.subject();
  }

  shows(look) {
    return Boolean(this.look) && Object.keys(look).every(key => this.look[key] === look[key]);
  }

  all() {
    for (let k = 0; k < this.wide * this.tall; k++) this.stale.add(k);
  }

  // What differs from what is painted, to be painted again.
  follow(subject) {
    const { shown, view } = this;
    this.shown = subject;
    if (shown.level !== subject.level || shown.state.comments.length !== subject.state.comments.length) return this.all();
    for (const name of ["chosen", "marked"]) {
      for (const i of shown[name]) if (!subject[name].has(i)) this.touch(view.atoms[i].box, 2);
      for (const i of subject[name]) if (!shown[name].has(i)) this.touch(view.atoms[i].box, 2);
    }
    return shown.state === subject.state ? null : this.followState(shown.state, subject.state);
  }

  followState(before, after) {
    if (["cells", "smalls"].some(name => after[name].some((own, k) => Boolean(before[name][k]?.locked) !== Boolean(own.locked)))) return this.all();
    const cells = new Set(), smalls = new Set(), { atoms } = this.view;
    const moved = (a, b, i) => a.cells[a.leaf[i]].small !== b.cells[b.leaf[i]].small;
    after.leaf.forEach((cell, i) => {
      if (cell !== before.leaf[i]) cells.add(cell).add(before.leaf[i]);
      if (moved(before, after, i)) smalls.add(after.cells[cell].small).add(before.cells[before.leaf[i]].small);
    });
    after.leaf.forEach((cell, i) => {
      const isSmall = smalls.has(after.cells[cell].small) || smalls.has(before.cells[before.leaf[i]].small);
      if (cells.has(cell) || cells.has(before.leaf[i]) || isSmall) this.touch(atoms[i].box, AROUND);
    });
    return null;
  }

  // Pixels of a box of land.
  touch(box, around) {
    const { scale, x, y } = this.look, column = v => Math.min(this.wide - 1, Math.max(0, Math.floor(v / TILE))), row = v => Math.min(this.tall - 1, Math.max(0, Math.floor(v / TILE)));
    const w = x + scale * box[0] - around, e = x + scale * box[2] + around, n = y - scale * box[3] - around, s = y - scale * box[1] + around;
    if (e < 0 || s < 0 || w > this.look.width || n > this.look.height) return;
    for (let j = row(n); j <= row(s); j++) for (let i = column(w); i <= column(e); i++) this.stale.add(j * this.wide + i);
  }

  // Paint until all is, or the time is up.
  paint(milliseconds) {
    const end = performance.now() + milliseconds;
    for (const tile of this.stale) {
      this.stale.delete(tile);
      this.paintTile(tile);
      if (performance.now() > end) break;
    }
    return !this.stale.size;
  }

  paintTile(tile) {
    const { ctx, look, view } = this, { ratio, scale, x, y } = look, left = TILE * (tile % this.wide), top = TILE * Math.floor(tile / this.wide);
    ctx.save();
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.beginPath();
    ctx.rect(left, top, TILE, TILE);
    ctx.clip();
    ctx.fillStyle = look.ink.ground;
    ctx.fillRect(left, top, TILE, TILE);
    ctx.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * x, ratio * y);
    const reach = 3; // of the widest line
    view.paintLand(ctx, look, [(left - reach - x) / scale, (y - top - TILE - reach) / scale, (left + TILE + reach - x) / scale, (y - top + reach) / scale]);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    view.paintNames(ctx, look, [left - AROUND, top - AROUND, left + TILE + AROUND, top + TILE + AROUND]);
    ctx.restore();
    ctx.getImageData(left * ratio, top * ratio, 1, 1);
  }
}
