"use strict";
// The editor: tools on the map, edits, keys, and what is kept and saved. What the side tells is in editor_side.js.

const TOOLS = ["pick", "paint", "box", "lasso", "cell", "street", "cut", "pan"];

function startEditor(data) {
  return new Editor(data);
}

function boxed([x, y], [u, v]) {
  return [[x, y], [u, y], [u, v], [x, v], [x, y]];
}

class Editor {
  constructor(data) {
    document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
    this.words = data.words;
    this.division = new Division(data);
    this.canvas = document.getElementById("land");
    this.view = new LandView(this.canvas, this.division);
    this.level = this.division.leafLevel;
    this.tool = "pick";
    this.fingers = new Map();
    this.aim = null; // the cell to which the pointer carries what is chosen
    this.tip = make("div", { id: "tip", hidden: true });
    this.canvas.after(this.tip);
    this.side = new Side(this);
    this.key = `gridcell-edits-2-${data.key}`;
    this.restore();
    this.listen();
    this.follow();
    const place = this.division.placeOf(decodeURIComponent(location.hash.slice(1))); // edit.html#CODE begins there
    if (place) this.level = this.view.level = place.level;
    const cell = place ? this.division.cellOfRow(place.row, place.level) : -1;
    if (cell >= 0) this.show(cell); else this.refresh();
  }

  // --- what is kept: against a closed tab

  keep() {
    const { past, future } = this.division;
    if (window.parent !== window) { // a notebook listens, and keeps them
      window.parent.postMessage({ edits: this.division.script() }, "*");
      return;
    }
    try {
      localStorage.setItem(this.key, JSON.stringify({ past, future }));
      this.kept = true;
    } catch {
      this.kept = false; // told below the log: no storage here
    }
  }

  restore() {
    let found = null;
    try {
      found = JSON.parse(localStorage.getItem(this.key) || "null");
    } catch {
      found = null;
    }
    if (found) this.division.replay(found);
  }

  save() {
    const script = this.division.script();
    const name = `edits-${this.division.data.communities.map(one => one.code).slice(0, 1).join()}.json`;
    const link = make("a", { href: URL.createObjectURL(new Blob([JSON.stringify(script, null, 1)], { type: "application/json" })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  load(entries) {
    const { fault, community } = this.division.load(entries, this.words.log_load);
    this.done(fault ? this.say(fault, { community }) : null);
  }

  async opened(file) {
    let entries = null;
    try {
      entries = JSON.parse(await file.text());
    } catch {
      entries = null;
    }
    this.load(entries);
  }

  // --- tools

  listen() {
    const { canvas, view } = this;
    window.addEventListener("resize", () => view.draw());
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      const [x, y] = this.place(event);
      view.zoom(Math.exp(-event.deltaY / 500), x, y);
    }, { passive: false });
    canvas.addEventListener("pointerdown", event => this.press(event));
    canvas.addEventListener("pointermove", event => this.drag(event));
    canvas.addEventListener("pointerup", event => this.release(event));
    canvas.addEventListener("pointercancel", event => { this.fingers.delete(event.pointerId); this.letGo(); this.refresh(); });
    canvas.addEventListener("contextmenu", event => {
      event.preventDefault();
      const atom = view.atomAt(...this.place(event));
      if (atom >= 0) this.moveTo(this.division.cellAt(atom, this.level));
    });
    window.addEventListener("keydown", event => this.typed(event));
    window.addEventListener("message", event => {
      if (event.source === window.parent && Array.isArray(event.data?.load) && event.data.load.length) this.load(event.data.load);
    });
  }

  // The colours that the reader has, or those of paper.
  follow() {
    const { view } = this, dark = window.matchMedia("(prefers-color-scheme: dark)");
    const look = () => { view.ink = dark.matches ? NIGHT : PAPER; };
    dark.addEventListener("change", () => { look(); view.draw(); });
    window.addEventListener("beforeprint", () => {
      if (this.screen) return;
      this.screen = { scale: view.scale, offset: view.offset };
      const [w, n] = view.toLand(0, 0), [e, s] = view.toLand(this.canvas.clientWidth, this.canvas.clientHeight), [west, south, east, north] = view.box;
      const seen = [Math.max(w, west), Math.max(s, south), Math.min(e, east), Math.min(n, north)];
      view.ink = PAPER;
      document.body.classList.add("on-paper");
      view.fit(seen, 0.02);
      view.finish();
    });
    window.addEventListener("afterprint", () => {
      document.body.classList.remove("on-paper");
      Object.assign(view, this.screen);
      this.screen = null;
      look();
      view.draw();
    });
    look();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    if (event.button === 2) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus();
    const from = this.place(event);
    const pans = event.button === 1 || this.tool === "pan" || event.altKey;
    this.fingers.set(event.pointerId, from);
    if (this.fingers.size > 1) {
      this.letGo(); // two fingers move and zoom
      return;
    }
    const { chosen } = this.view, adds = event.shiftKey || this.tool === "paint";
    const carries = this.tool === "pick" && !adds && !pans && chosen.has(this.view.atomAt(...from));
    this.gesture = { from, last: from, path: [from], adds, pans, carries, before: new Set(chosen), moved: false };
    if (!pans && this.tool === "paint") this.paint(from);
  }

  drag(event) {
    const at = this.place(event), { gesture, view } = this;
    if (this.fingers.size > 1 && this.fingers.has(event.pointerId)) this.pinch(event.pointerId, at);
    if (!gesture) return;
    gesture.moved ||= Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) > 4;
    if (gesture.carries && gesture.moved) {
      this.carry(at);
    } else if (gesture.pans || (["pick", "cell", "street"].includes(this.tool) && gesture.moved)) {
      view.pan(at[0] - gesture.last[0], at[1] - gesture.last[1]);
    } else if (this.tool === "paint") {
      this.paint(at);
    } else if (gesture.moved) {
      gesture.path.push(at);
      view.line = this.tool === "box" ? boxed(gesture.from, at) : gesture.path;
      if (this.tool === "cut") view.draw();
      else this.surround(gesture, view.line);
    }
    gesture.last = at;
  }

  pinch(id, at) {
    const [other] = [...this.fingers].find(([one]) => one !== id), still = this.fingers.get(other), was = this.fingers.get(id);
    const apart = ([x, y]) => Math.max(10, Math.hypot(x - still[0], y - still[1]));
    this.view.pan((at[0] - was[0]) / 2, (at[1] - was[1]) / 2);
    this.view.zoom(apart(at) / apart(was), (at[0] + still[0]) / 2, (at[1] + still[1]) / 2);
    this.fingers.set(id, at);
  }

  release(event) {
    const { gesture, view } = this, at = this.place(event);
    this.fingers.delete(event.pointerId);
    const { aim } = this;
    this.letGo();
    if (!gesture || gesture.pans) return;
    if (gesture.carries && gesture.moved) {
      if (aim === null) this.refresh();
      else this.moveTo(aim);
    } else if (["box", "lasso"].includes(this.tool) && gesture.moved) {
      this.surround(gesture, this.tool === "box" ? boxed(gesture.from, at) : gesture.path);
    } else if (this.tool === "cut") {
      if (gesture.moved) this.cut([...gesture.path, at].map(([x, y]) => view.toLand(x, y)));
    } else if (!gesture.moved && this.tool !== "paint") {
      const atom = view.atomAt(...at);
      if (atom < 0) this.choose([], gesture.adds);
      else this.choose(this.meant(atom), gesture.adds, true);
    } else if (this.tool === "paint") {
      this.refresh();
    }
  }

  // What a click on an atom chooses.
  meant(atom) {
    const { division, view } = this;
    if (this.tool === "cell") return division.atomsOf(division.cellAt(atom, this.level), this.level);
    return division.whole(this.tool === "street" ? division.streetSide(atom, (k, forward) => view.tips(k, forward)) : [atom], this.level);
  }

  paint(at) {
    const atom = this.view.atomAt(...at);
    if (atom < 0 || this.view.chosen.has(atom) || this.division.isFixed(atom)) return;
    this.division.whole([atom], this.level).forEach(i => this.view.chosen.add(i));
    this.soon();
  }

  // What lies in a box or a lasso is chosen while it is drawn, so that the side tells of it.
  surround(gesture, ring) {
    const { division } = this, inside = this.view.atomsIn(ring).filter(i => division.isGeneral(i));
    this.view.chosen = new Set(gesture.adds ? gesture.before : []);
    division.whole(inside, this.level).forEach(i => this.view.chosen.add(i));
    this.said = null;
    this.soon();
  }

  // What is chosen follows the pointer; what it would be in the cell there shows before it is let go.
  carry([x, y]) {
    const atom = this.view.atomAt(x, y), { division } = this, cell = atom < 0 ? null : division.cellAt(atom, this.level);
    if (cell !== this.aim) {
      this.aim = cell;
      this.soon();
      this.tip.replaceChildren(...(cell === null ? [] : this.side.carried(cell)));
    }
    this.tip.hidden = cell === null;
    const room = (at, size, whole) => `${Math.max(0, Math.min(at, whole - size - 4))}px`, { tip, canvas } = this;
    Object.assign(tip.style, { left: room(x + 16, tip.offsetWidth, canvas.clientWidth), top: room(y + 12, tip.offsetHeight, canvas.clientHeight) });
  }

  letGo() {
    this.gesture = this.aim = this.view.line = null;
    this.tip.hidden = true;
    this.view.draw();
  }

  soon() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => { this.waits = false; this.refresh(); });
  }

  choose(atoms, adds, toggles = false) {
    const { chosen } = this.view, free = atoms.filter(i => this.division.isGeneral(i));
    if (!adds) chosen.clear();
    const all = free.length && free.every(i => chosen.has(i));
    free.forEach(i => (toggles && all ? chosen.delete(i) : chosen.add(i)));
    this.said = null;
    this.refresh();
  }

  typed(event) {
    if (event.target instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase(), held = (event.ctrlKey || event.metaKey) && !event.getModifierState("AltGraph"); // which writes brackets
    if (["enter", " "].includes(key) && event.target.closest?.("button")) return;
    const does = held ? { z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo(), s: () => this.save() } : {
      v: () => this.use("pick"), p: () => this.use("paint"), b: () => this.use("box"), l: () => this.use("lasso"),
      c: () => this.use("cell"), t: () => this.use("street"), d: () => this.use("cut"), h: () => this.use("pan"),
      m: () => this.ask("comment"), n: () => this.makeCell(), s: () => this.halve(), g: () => this.merge(),
      x: () => this.swap(), k: () => this.lock(), r: () => this.ask("name"), escape: () => this.choose([], false),
      u: () => this.turn(), ".": () => this.nextCell(1), ",": () => this.nextCell(-1), "]": () => this.nextUnit(1), "[": () => this.nextUnit(-1),
      "/": () => document.getElementById("find").focus(), enter: () => this.accept(0), f: () => this.view.fit(this.view.box), home: () => this.view.fit(this.view.box), "+": () => this.zoomBy(1.3), "-": () => this.zoomBy(1 / 1.3),
      arrowleft: () => this.view.pan(60, 0), arrowright: () => this.view.pan(-60, 0),
      arrowup: () => this.view.pan(0, 60), arrowdown: () => this.view.pan(0, -60),
    };
    if (!held && key >= "1" && key <= "9") does[key] = () => this.targets[key - 1] !== undefined && this.moveTo(this.targets[key - 1]);
    if (!Object.hasOwn(does, key)) return;
    event.preventDefault();
    does[key]();
  }

  zoomBy(factor) {
    this.view.zoom(factor, this.canvas.clientWidth / 2, this.canvas.clientHeight / 2);
  }

  use(tool) {
    this.tool = tool;
    this.refresh();
  }

  // Edit the other level, if the plan has two; what is chosen grows to what moves there.
  turn(level = this.division.levels.find(one => one !== this.level)) {
    if (!this.division.levels.includes(level)) return;
    this.level = this.view.level = level;
    this.choose(this.division.whole(this.atoms, level), false);
  }

  // The cell, or the piece of land in it, after the one that is chosen: what a pointer does, by keys.
  nextCell(way) {
    const { division, level } = this, all = [...division.totals(level).held.keys()].filter(cell => division.cells(level)[cell].general);
    all.sort((a, b) => (division.label(a, level) < division.label(b, level) ? -1 : 1));
    const at = all.indexOf(this.cells[0]), next = at < 0 ? 0 : (at + way + all.length) % all.length;
    if (all.length) this.show(all[next]);
  }

  nextUnit(way) {
    const { division, level } = this, [cell] = this.cells;
    if (cell === undefined) return;
    const units = division.units(division.atomsOf(cell, level), level), own = division.units(this.atoms, level), isAll = own.length === units.length;
    const next = units[isAll ? (way > 0 ? 0 : units.length - 1) : (units.indexOf(own[0]) + way + units.length) % units.length];
    this.choose(division.isUpper(level) ? division.atomsOf(next, division.leafLevel) : [next], false);
  }

  // Look at what is called so: a cell by its code, the end of it or a name; a building by its id.
  find(text) {
    const { division } = this, wanted = text.trim().toLowerCase(), { id, atom } = division.data.buildings;
    const isCalled = (cell, level) => [division.label(cell, level), division.nameOf(cell, level)].some(name => name?.toLowerCase() === wanted)
      || (/^\d{3,}$/.test(wanted) && division.label(cell, level).endsWith(wanted));
    const building = readNumbers(atom)[id.findIndex(name => name?.toLowerCase() === wanted)];
    if (building !== undefined && division.isGeneral(building)) {
      this.look([building]);
      return this.choose(division.whole([building], this.level), false);
    }
    for (const level of [this.level, ...division.levels]) {
      const cell = division.cells(level).findIndex((own, k) => own.general && division.atomsOf(k, level).length && isCalled(k, level));
      if (cell < 0) continue;
      this.level = this.view.level = level;
      return this.show(cell);
    }
    return this.done(this.say("not_found", { text }));
  }

  // --- edits

  get atoms() {
    return [...this.view.chosen].sort((a, b) => a - b);
  }

  // The cells of what is chosen, those with most of it first.
  get cells() {
    const count = new Map();
    for (const i of this.atoms) {
      const cell = this.division.cellAt(i, this.level);
      count.set(cell, (count.get(cell) || 0) + 1);
    }
    return [...count].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([cell]) => cell);
  }

  label(cell) {
    return this.division.label(cell, this.level);
  }

  done(fault = null) {
    this.said = fault;
    if (fault === null) this.keep();
    this.refresh();
  }

  // A text; those about what moves differ by level.
  say(key, values) {
    const upper = this.division.isUpper(this.level) ? this.words[`${key}_small`] : undefined;
    return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => value), upper ?? this.words[key]);
  }

  // How much land is, in words: what moves at this level, and households.
  much(atoms) {
    const one = (name, n) => this.words[n === 1 ? `one_${name}` : `${name}s`].replace("{n}", () => n.toLocaleString("en"));
    const { division, level } = this;
    return { what: one(division.isUpper(level) ? "micro_cell" : "piece", division.units(atoms, level).length), held: one(division.data.atoms.load ? "load" : "household", division.sum(atoms)) };
  }

  moveTo(cell) {
    const { division, atoms, level } = this;
    if (!atoms.length) return;
    const { fault } = division.preview(atoms, cell, level);
    if (fault) return this.done(fault);
    const going = atoms.filter(i => division.cellAt(i, level) !== cell);
    division.move(going, cell, this.say("log_move", { ...this.much(going), cell: this.label(cell) }), level);
    this.done();
  }

  makeCell() {
    const { division, atoms, level } = this;
    if (!atoms.length) return;
    const over = i => division.cellAt(i, "small"), ofSeveral = division.data.has_micro && !division.isUpper(level) && new Set(atoms.map(over)).size > 1;
    const fault = (ofSeveral ? this.words.new_smalls : null)
      || (this.cells.some(cell => division.atomsOf(cell, level).every(i => this.view.chosen.has(i))) ? this.words.new_whole : null)
      || (division.piecesOf(atoms) > 1 ? this.words.new_torn : null)
      || division.previewOf([[atoms, division.cells(level).length]], level).fault;
    if (fault) return this.done(fault);
    division.newCell(atoms, this.say("log_new", this.much(atoms)), level);
    this.done();
  }

  // A part of a cell becomes a new one; where a lock keeps it, the other part.
  part(cell, part, none, words) {
    if (!part) return this.done(none);
    const { division, level } = this, inside = new Set(part), rest = division.atomsOf(cell, level).filter(i => !inside.has(i));
    const faultOf = atoms => division.previewOf([[atoms, division.cells(level).length]], level).fault;
    const fault = faultOf(part), taken = fault && !faultOf(rest) ? rest : part;
    if (fault && taken === part) return this.done(fault);
    division.newCell(taken, words(taken), level);
    this.choose(taken, false);
    return this.done();
  }

  halve() {
    const { division, level } = this, [cell] = this.cells;
    if (cell !== undefined) this.part(cell, division.halves(cell, level), this.words.no_halves, () => this.say("log_halve", { cell: this.label(cell) }));
  }

  // The cell that is chosen, else the one under the middle of the line, in two.
  cut(line) {
    const { division, view, level } = this, middle = line[Math.floor(line.length / 2)], atom = view.atomAt(...view.toScreen(middle));
    const cell = this.cells.length === 1 ? this.cells[0] : atom < 0 ? undefined : division.cellAt(atom, level);
    if (cell === undefined) return this.done(this.words.cut_nothing);
    const side = division.sideOf(cell, line, view.atoms.map(one => one.middle), level);
    return this.part(cell, side, this.words.no_sides, part => this.say("log_cut", { cell: this.label(cell), ...this.much(part) }));
  }

  merge() {
    const { division, level } = this, [first, ...others] = this.cells;
    if (!others.length) return this.done(this.words.merge_two);
    const atoms = others.flatMap(cell => division.atomsOf(cell, level)), { fault } = division.preview(atoms, first, level);
    if (fault) return this.done(fault);
    division.move(atoms, first, this.say("log_merge", { cells: [first, ...others].map(cell => this.label(cell)).join(", ") }), level);
    this.done();
  }

  swap() {
    const { division, cells, atoms, level } = this;
    if (cells.length !== 2) return this.done(this.words.swap_two);
    this.exchange(cells.map((cell, k) => [atoms.filter(i => division.cellAt(i, level) === cell), cells[1 - k]]), cells);
  }

  exchange(moves, [a, b]) {
    const { division, level } = this, [these, those] = moves.map(([atoms]) => this.much(atoms).what);
    const { fault } = division.previewOf(moves, level);
    if (fault) return this.done(fault);
    division.exchange(moves, this.say("log_swap", { a: this.label(a), b: this.label(b), these, those }), level);
    this.done();
  }

  lock() {
    const { division, level } = this, cells = this.cells.filter(cell => division.codeOf(cell, level) >= 0);
    if (!this.cells.length) return;
    if (!cells.length) return this.done(this.words.code_later);
    const locks = !cells.every(cell => division.isLocked(cell, level));
    division.lock(cells, level, locks, this.say(locks ? "log_lock" : "log_unlock", { cell: cells.map(cell => this.label(cell)).join(", ") }));
    this.done();
  }

  // Ask for the name of a cell, or for a comment on it.
  ask(what) {
    const [cell] = this.cells;
    if (cell === undefined) return;
    if (what === "comment" && this.division.codeOf(cell, this.level) < 0) return this.done(this.words.code_later);
    this.asked = { what, cell };
    this.refresh();
    document.getElementById("answer").select();
  }

  answered(given) {
    const { what, cell } = this.asked, { division, level } = this, text = given.trim() || null;
    this.asked = null;
    this.canvas.focus();
    if (what === "comment") {
      if (text === null) return this.refresh();
      division.comment(cell, level, text, this.say("log_comment", { cell: this.label(cell), text }));
    } else {
      if (text === division.nameOf(cell, level)) return this.refresh();
      division.rename(cell, level, text, this.say("log_rename", { cell: this.label(cell), name: text || "–" }));
    }
    return this.done();
  }

  accept(number) {
    const one = (this.offers || [])[number];
    if (!one) return;
    if (one.moves.length > 1) return this.exchange(one.moves, [one.cell, one.other]);
    const [[atoms, to]] = one.moves;
    this.view.chosen = new Set(atoms);
    this.moveTo(to);
  }

  undo() {
    this.division.undo();
    this.done();
  }

  redo() {
    this.division.redo();
    this.done();
  }

  look(atoms) {
    this.view.fit(boxOf(atoms.map(i => this.view.atoms[i].box)), 0.3);
    this.canvas.focus();
  }

  // Look at a cell, chosen.
  show(cell) {
    const atoms = this.division.atomsOf(cell, this.level);
    this.look(atoms);
    this.choose(atoms, false);
  }

  refresh() {
    this.asked = this.asked && this.cells[0] === this.asked.cell ? this.asked : null;
    this.view.marked = new Set();
    this.side.tell();
    this.view.draw();
  }
}
