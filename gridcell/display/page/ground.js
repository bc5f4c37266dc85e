"use strict";
// Keeps what is painted. It is painted out of sight, a few milliseconds at a time, so that the page
// never stalls; when the map moves the land is shifted, and only what came into sight is painted.

const SLICE_MS = 8;
const FIRST_MS = 40; // while there is nothing to look at yet

// Leaflet's canvas, moved and sized by Leaflet, with the painter in place of Leaflet's paths.
const Ground = L.Canvas.extend({
  options: { padding: 0.25 },
  initialize(painter) { L.Canvas.prototype.initialize.call(this); this.painter = painter; },
  _updatePaths() { if (!this._postponeUpdatePaths) this.painter.repaint(); },

  // What the canvas shows: pixels of the world at this zoom, and the corner as Leaflet's layers count.
  frame(key) {
    const { min } = this._bounds, { x, y } = this._bounds.getSize(), origin = this._map.getPixelOrigin();
    return {
      key, zoom: this._map.getZoom(), ratio: L.Browser.retina ? 2 : 1, min,
      origin, left: min.x + origin.x, top: min.y + origin.y, width: x, height: y,
    };
  },
});

class Backdrop {
  // land, top: generators that paint an area of the land, and what stands above all of it; they yield
  // after each small piece of work.
  constructor(land, top, ready) {
    Object.assign(this, { land, top, ready, kept: null, next: null });
  }

  get busy() {
    return this.next !== null;
  }

  start(frame) {
    this.stop();
    if (!frame.width || !frame.height) return; // in a closed tab
    const next = this.next = { frame, land: layer(frame), picture: layer(frame) };
    next.work = this.paint(next, this.shift(next.land, frame));
    this.took = 0; // milliseconds, for benchmarks
    if (this.kept && this.kept.frame.zoom !== frame.zoom) this.later(); // the old picture, scaled, comes first
    else this.run();
  }

  later() {
    this.timer = setTimeout(() => this.run());
  }

  stop() {
    clearTimeout(this.timer);
    if (this.next) release(this.next);
    this.next = null;
  }

  // Puts what is painted already in its new place; returns the areas that are left, in layer points.
  shift(ctx, { key, zoom, ratio, left, top, width, height, min }) {
    const area = (x, y, x1, y1) => ({ x: min.x + x, y: min.y + y, width: x1 - x, height: y1 - y });
    const old = this.kept && this.kept.frame;
    if (!old || old.key !== key || old.zoom !== zoom || old.ratio !== ratio) return [area(0, 0, width, height)];
    const dx = old.left - left, dy = old.top - top, clamp = (value, most) => Math.min(Math.max(value, 0), most);
    const x0 = clamp(dx, width), x1 = clamp(dx + old.width, width), y0 = clamp(dy, height), y1 = clamp(dy + old.height, height);
    if (x0 >= x1 || y0 >= y1) return [area(0, 0, width, height)];
    ctx.drawImage(this.kept.land.canvas, min.x + dx, min.y + dy, old.width, old.height);
    return [area(0, 0, x0, height), area(x1, 0, width, height), area(x0, 0, x1, y0), area(x0, y1, x1, height)]
      .filter(a => a.width > 0 && a.height > 0);
  }

  * paint({ frame, land, picture }, areas) {
    for (const area of areas) {
      land.save();
      land.beginPath();
      land.rect(area.x, area.y, area.width, area.height);
      land.clip();
      for (const _ of this.land(land, area)) yield land;
      land.restore();
    }
    picture.drawImage(land.canvas, frame.min.x, frame.min.y, frame.width, frame.height);
    for (const _ of this.top(picture)) yield picture;
  }

  finish() { // all at once: a printer does not wait
    while (this.next) {
      clearTimeout(this.timer);
      this.run(Infinity);
    }
  }

  run(most = this.kept ? SLICE_MS : FIRST_MS) {
    const { work } = this.next, began = performance.now();
    let step, now;
    do {
      step = work.next();
      if (step.value) step.value.getImageData(0, 0, 1, 1); // has the browser paint now, not all at the end
      now = performance.now();
    } while (!step.done && now - began < most);
    this.took += now - began;
    if (!step.done) return this.later();
    if (this.kept) release(this.kept);
    this.kept = this.next;
    this.next = null;
    this.ready();
  }

  // Draws the finished picture where it belongs in a frame, larger or smaller after a zoom.
  show(ctx, frame) {
    if (!this.kept) return;
    const old = this.kept.frame, scale = 2 ** (frame.zoom - old.zoom);
    ctx.drawImage(this.kept.picture.canvas, frame.min.x + old.left * scale - frame.left,
      frame.min.y + old.top * scale - frame.top, old.width * scale, old.height * scale);
  }
}

// Returns the context of a canvas that covers a frame.
function layer({ width, height, ratio, min }) {
  const canvas = document.createElement("canvas");
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  ctx.setTransform(ratio, 0, 0, ratio, -min.x * ratio, -min.y * ratio);
  return ctx;
}

function release({ land, picture }) { // their memory, at once
  land.canvas.width = picture.canvas.width = 0;
}
