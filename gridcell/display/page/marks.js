"use strict";
// Marks for points: findings, vacancies and service points.

Object.assign(Painter.prototype, {
  // Marks for points: those near each other become one with their number while there are many.
  gather(xy, rows, apart) {
    const groups = new Map(), size = 90, { origin } = this.frame;
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
  },

  // Errors and warnings that are near each other become one mark while there are many. Notes are dots
  // of their own up to a thousand; more of them wait until one comes nearer if there are worse ones.
  findings() {
    const f = this.plan.findings, far = this.zoom < 18, note = row => f.severity[row] === 2;
    f.xy = f.xy || readPoints(f.at);
    f.rows = f.rows || [false, true].map(wanted => [...f.placed.entries()].filter(([, row]) => note(row) === wanted));
    const [worse, notes] = f.rows, many = far && worse.length > 200, crowd = far && notes.length > 1000;
    const marks = [
      ...this.gather(f.xy, crowd && worse.length && this.zoom < 16 ? [] : notes, !crowd).reverse(),
      ...this.gather(f.xy, worse, !many).reverse(),
    ].map(g => ({
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
  },

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
  },

  // Service points: diamonds, larger for coarser tiers, which lie below finer ones at the same place.
  points() {
    const p = this.plan.points, many = p.id.length > 400 && this.zoom < 14;
    p.xy = p.xy || readPoints(p.at);
    p.rows = p.rows || p.id.map((_, k) => [k, k]).sort(([a], [b]) => p.tier[b] - p.tier[a]);
    for (const g of this.gather(p.xy, p.rows, !many)) {
      const count = many ? g.rows.length : 1, tier = Math.max(...g.rows.map(row => p.tier[row]));
      const m = { ...g, layer: "points", count, r: count > 1 ? 9 + 3 * Math.log10(count) : this.grow(4, 6.5, 9, 17) + 3.5 * tier };
      this.ctx.beginPath();
      for (const [x, y] of [[0, -m.r], [m.r, 0], [0, m.r], [-m.r, 0]]) this.ctx.lineTo(m.x + x, m.y + y);
      this.ctx.closePath();
      this.mark(m, INK.point);
      this.marks.push(m);
    }
  },

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
  },
});
