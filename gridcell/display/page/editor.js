"use strict";
// The editor: tools on the map, what would change, lists, keys, and what is kept and saved.

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node[name] = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null)); // text stays text
  return node;
}

function startEditor(data) {
  return new Editor(data);
}

function boxed([x, y], [u, v]) {
  return [[x, y], [u, y], [u, v], [x, v], [x, y]];
}

// A row that is pressed like a button.
function pressable(does, attributes, ...children) {
  return make("tbody", { class: "row", tabindex: 0, role: "button", onclick: does, ...attributes,
    onkeydown: event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); does(); } } }, ...children);
}

class Editor {
  constructor(data) {
    document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
    this.words = data.words;
    this.division = new Division(data);
    this.canvas = document.getElementById("land");
    this.view = new LandView(this.canvas, this.division);
    this.side = document.getElementById("side");
    this.tool = "pick";
    this.fingers = new Map();
    this.aim = null; // the cell to which the pointer carries what is chosen
    this.tip = make("div", { id: "tip", hidden: true, role: "status" });
    this.canvas.after(this.tip);
    this.key = `gridcell-edits-${data.key}`;
    this.restore();
    this.listen();
    const named = decodeURIComponent(location.hash.slice(1)); // edit.html#CODE begins there
    const cell = this.division.cellOf(named);
    if (cell >= 0) this.show(cell); else this.refresh();
  }

  // --- what is kept: against a closed tab

  keep() {
    if (window.parent !== window) window.parent.postMessage({ edits: this.division.script() }, "*"); // a notebook listens
    const { past, future } = this.division;
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
      if (atom >= 0) this.moveTo(this.division.state.leaf[atom]);
    });
    window.addEventListener("keydown", event => this.typed(event));
    window.addEventListener("message", event => {
      if (event.source === window.parent && Array.isArray(event.data?.load) && event.data.load.length) this.load(event.data.load);
    });
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
    const { gesture, view, division } = this, at = this.place(event);
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
    if (this.tool === "cell") return division.atomsOf(division.state.leaf[atom]);
    return this.tool === "street" ? division.streetSide(atom, (k, forward) => view.tips(k, forward)) : [atom];
  }

  paint(at) {
    const atom = this.view.atomAt(...at);
    if (atom < 0 || this.view.chosen.has(atom) || this.division.isFixed(atom)) return;
    this.view.chosen.add(atom);
    this.soon();
  }

  // What lies in a box or a lasso is chosen while it is drawn, so that the side tells of it.
  surround(gesture, ring) {
    this.view.chosen = new Set(gesture.adds ? gesture.before : []);
    this.view.atomsIn(ring).filter(i => this.division.state.cells[this.division.state.leaf[i]].general).forEach(i => this.view.chosen.add(i));
    this.said = null;
    this.soon();
  }

  // What is chosen follows the pointer; what it would be in the cell there shows before it is let go.
  carry([x, y]) {
    const atom = this.view.atomAt(x, y), { division, words } = this, cell = atom < 0 ? null : division.state.leaf[atom];
    if (cell !== this.aim) {
      this.aim = cell;
      this.soon();
      const { changed, fault } = cell === null ? {} : division.preview(this.atoms, cell);
      const told = (changed || []).map(({ cell: one, before, after }) => make("div", {}, `${this.named_(one)} `, this.number(before), " → ", after ? this.number(after) : words.gone));
      this.tip.replaceChildren(...(fault ? [make("div", { class: "fault" }, fault)] : told));
    }
    this.tip.hidden = cell === null;
    Object.assign(this.tip.style, { left: `${x + 16}px`, top: `${y + 12}px` });
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
    const { chosen } = this.view, free = atoms.filter(i => this.division.state.cells[this.division.state.leaf[i]].general);
    if (!adds) chosen.clear();
    const all = free.length && free.every(i => chosen.has(i));
    free.forEach(i => (toggles && all ? chosen.delete(i) : chosen.add(i)));
    this.said = null;
    this.refresh();
  }

  typed(event) {
    if (event.target instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase(), held = event.ctrlKey || event.metaKey;
    const does = held ? { z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo(), s: () => this.save() } : {
      v: () => this.use("pick"), p: () => this.use("paint"), b: () => this.use("box"), l: () => this.use("lasso"),
      c: () => this.use("cell"), t: () => this.use("street"), d: () => this.use("cut"), m: () => this.ask("comment"), h: () => this.use("pan"), n: () => this.makeCell(), s: () => this.halve(), g: () => this.merge(),
      x: () => this.swap(), k: () => this.lock(), r: () => this.ask("name"), escape: () => this.choose([], false),
      enter: () => this.accept(0), f: () => this.view.fit(this.view.box), "+": () => this.zoomBy(1.3), "-": () => this.zoomBy(1 / 1.3),
      arrowleft: () => this.view.pan(60, 0), arrowright: () => this.view.pan(-60, 0),
      arrowup: () => this.view.pan(0, 60), arrowdown: () => this.view.pan(0, -60),
    };
    if (!held && key >= "1" && key <= "9") does[key] = () => this.targets[key - 1] !== undefined && this.moveTo(this.targets[key - 1]);
    if (!does[key]) return;
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

  // --- edits

  get atoms() {
    return [...this.view.chosen].sort((a, b) => a - b);
  }

  // The cells of what is chosen, those with most of it first.
  get cells() {
    const count = new Map();
    for (const i of this.atoms) count.set(this.division.state.leaf[i], (count.get(this.division.state.leaf[i]) || 0) + 1);
    return [...count].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([cell]) => cell);
  }

  done(fault = null) {
    this.said = fault;
    if (fault === null) this.keep();
    this.refresh();
  }

  say(key, values) {
    return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => value), this.words[key]);
  }

  moveTo(cell) {
    const { division } = this, { atoms } = this;
    if (!atoms.length) return;
    const { fault } = division.preview(atoms, cell);
    if (fault) return this.done(fault);
    const going = atoms.filter(i => division.state.leaf[i] !== cell);
    division.move(going, cell, this.say("log_move", { n: going.length, households: division.sum(going), cell: division.label(cell) }));
    this.done();
  }

  makeCell() {
    const { division } = this, { atoms } = this, { state } = division;
    if (!atoms.length) return;
    const fault = (division.data.has_micro && new Set(atoms.map(i => state.cells[state.leaf[i]].small)).size > 1 ? this.words.new_smalls : null)
      || (this.cells.some(cell => division.atomsOf(cell).every(i => this.view.chosen.has(i))) ? this.words.new_whole : null)
      || (division.piecesOf(atoms) > 1 ? this.words.new_torn : null)
      || division.previewOf(atoms.map(i => [i, state.cells.length])).fault;
    if (fault) return this.done(fault);
    division.newCell(atoms, this.say("log_new", { n: atoms.length, households: division.sum(atoms) }));
    this.done();
  }

  halve() {
    const [cell] = this.cells;
    if (cell === undefined) return;
    const { division } = this, fault = division.faultOf(division.atomsOf(cell).map(i => [i, cell]));
    const part = fault ? null : division.halves(cell);
    if (!part) return this.done(fault || this.words.no_halves);
    division.newCell(part, this.say("log_halve", { cell: division.label(cell) }));
    this.choose([], false);
    this.done();
  }

  // The cell that is chosen, else the one under the middle of the line, in two.
  cut(line) {
    const { division, view } = this, middle = line[Math.floor(line.length / 2)], atom = view.atomAt(...view.toScreen(middle));
    const cell = this.cells.length === 1 ? this.cells[0] : atom < 0 ? undefined : division.state.leaf[atom];
    if (cell === undefined) return this.done(this.words.cut_nothing);
    const fault = division.faultOf(division.atomsOf(cell).map(i => [i, cell]));
    const part = fault ? null : division.sideOf(cell, line, view.atoms.map(one => one.middle));
    if (!part) return this.done(fault || this.words.no_sides);
    division.newCell(part, this.say("log_cut", { cell: division.label(cell), n: part.length, households: division.sum(part) }));
    this.choose(part, false);
    this.done();
  }

  merge() {
    const { division } = this, [first, ...others] = this.cells;
    if (!others.length) return this.done(this.words.merge_two);
    const atoms = others.flatMap(cell => division.atomsOf(cell)), { fault } = division.preview(atoms, first);
    if (fault) return this.done(fault);
    division.move(atoms, first, this.say("log_merge", { cells: [first, ...others].map(cell => division.label(cell)).join(", ") }));
    this.done();
  }

  swap() {
    const { division } = this, { cells, atoms } = this;
    if (cells.length !== 2) return this.done(this.words.swap_two);
    const sides = cells.map(cell => atoms.filter(i => division.state.leaf[i] === cell));
    this.exchange(sides[0], sides[1], cells[0], cells[1]);
  }

  exchange(these, those, a, b) {
    const { division } = this, moves = [...these.map(i => [i, b]), ...those.map(i => [i, a])];
    const words = this.say("log_swap", { a: division.label(a), b: division.label(b), n: these.length, m: those.length });
    const { fault } = division.previewOf(moves);
    if (fault) return this.done(fault);
    division.change(words, state => moves.forEach(([i, cell]) => { state.leaf[i] = cell; }));
    this.done();
  }

  lock() {
    const { division } = this, cells = this.cells.filter(cell => division.codeOf(cell) >= 0);
    if (!cells.length) return;
    const locks = !cells.every(cell => division.isLocked(cell)), rows = cells.map(cell => division.codeOf(cell));
    division.change(this.say(locks ? "log_lock" : "log_unlock", { cell: cells.map(cell => division.label(cell)).join(", ") }),
      state => rows.forEach(row => { state.cells[row].locked = locks; }));
    this.done();
  }

  // Ask for the name of a cell, or for a comment on it.
  ask(what) {
    const [cell] = this.cells;
    if (cell === undefined) return;
    if (this.division.codeOf(cell) < 0) return this.done(this.words.name_later);
    this.asked = { what, cell };
    this.refresh();
    document.getElementById("answer").focus();
  }

  answered(given) {
    const { what, cell } = this.asked, { division } = this, text = given.trim() || null, label = division.label(cell), row = division.codeOf(cell);
    this.asked = null;
    if (what === "comment") {
      if (text === null) return this.refresh();
      division.comment(row, text, this.say("log_comment", { cell: label, text }));
    } else {
      if (text === division.state.cells[row].name) return this.refresh();
      division.change(this.say("log_rename", { cell: label, name: text || "–" }), state => { state.cells[row].name = text; });
    }
    return this.done();
  }

  accept(number) {
    const one = (this.offers || [])[number];
    if (!one) return;
    if (one.out.length && one.into.length) return this.exchange(one.out, one.into, one.cell, one.other);
    this.view.chosen = new Set(one.out.concat(one.into));
    this.moveTo(one.out.length ? one.other : one.cell);
  }

  undo() {
    this.division.undo();
    this.done();
  }

  redo() {
    this.division.redo();
    this.done();
  }

  // --- the side: what is, what would be, what to do

  refresh() {
    const { words, division } = this, totals = division.totals();
    this.targets = [];
    this.offers = null;
    this.view.marked = new Set();
    const parts = [make("h1", {}, division.data.title), this.tools(), this.counted(totals)];
    if (this.said) parts.push(make("p", { class: "fault", role: "alert" }, this.said));
    if (this.atoms.length) parts.push(...this.selection());
    parts.push(...this.outOfBand(totals), ...this.logged(), make("p", { class: "quiet" }, words.help));
    this.side.replaceChildren(...parts);
    this.view.draw();
  }

  tools() {
    const { words, division } = this;
    const tool = name => make("button", { class: this.tool === name ? "on" : null, "aria-pressed": String(this.tool === name), title: words[`${name}_note`], onclick: () => this.use(name) }, words[name]);
    const button = (name, does, off) => make("button", { onclick: does, disabled: off, id: `do-${name}` }, words[name]);
    return make("div", {}, ...["pick", "paint", "box", "lasso", "cell", "street", "cut", "pan"].map(tool), make("br"),
      button("undo", () => this.undo(), !division.past.length), button("redo", () => this.redo(), !division.future.length),
      button("save", () => this.save(), !division.past.length), this.opener());
  }

  opener() {
    const field = make("input", { type: "file", accept: ".json", id: "open", hidden: true, onchange: () => field.files[0] && this.opened(field.files[0]) });
    return make("span", {}, field, make("button", { id: "do-open", title: this.words.open_note, onclick: () => field.click() }, this.words.open));
  }

  counted({ cells, inBand }) {
    const { words } = this;
    return make("p", {}, this.say("in_band", { n: inBand, all: cells }), " ",
      make("span", { class: "quiet" }, words[this.division.leafLevel]));
  }

  selection() {
    const { words, division } = this, { atoms, cells } = this, own = division.figures(atoms);
    const button = (name, does) => make("button", { onclick: does, id: `do-${name}` }, words[name]);
    const parts = [make("h2", {}, words.chosen),
      make("p", {}, this.say("chosen_is", { n: atoms.length, households: own.households, cells: cells.map(cell => this.named_(cell)).join(", ") })),
      make("div", {}, button("new", () => this.makeCell()), button("merge", () => this.merge()), button("swap", () => this.swap()),
        button("halve", () => this.halve()), button("rename", () => this.ask("name")), button("comment_on", () => this.ask("comment")),
        button("lock", () => this.lock()))];
    if (this.asked) {
      const { what, cell } = this.asked, value = what === "name" ? division.state.cells[division.codeOf(cell)].name || "" : "";
      const field = make("input", { id: "answer", value, maxlength: 500, onkeydown: event => {
        if (event.key === "Enter") this.answered(field.value);
        if (event.key === "Escape") { this.asked = null; this.refresh(); }
      } });
      parts.push(make("p", {}, make("label", { for: "answer" }, words[what]), " ", field));
    }
    const comments = cells.flatMap(cell => division.commentsOn(cell).map(one => make("li", {}, `${this.named_(cell)}: ${one.text}`)));
    if (comments.length) parts.push(make("ul", { id: "comments" }, ...comments));
    this.targets = this.aim === null ? division.cellsBeside(atoms).filter(cell => !cells.every(one => one === cell)).slice(0, 9) : [this.aim];
    if (this.targets.length) parts.push(make("h2", {}, words.move_to), make("table", {}, ...this.targets.map((cell, k) => this.target(cell, k))));
    if (cells.length === 1) parts.push(...this.suggested(cells[0]));
    return parts;
  }

  target(cell, k) {
    const { division } = this, { changed, fault } = division.preview(this.atoms, cell);
    const most = 6, left = (changed || []).length - most; // a thousand rows would stall the page
    const rows = (changed || []).slice(0, most).map(({ cell: one, before, after }) => make("tr", {}, make("td", {}, this.named_(one)),
      make("td", { class: "number" }, this.number(before)), make("td", {}, "→"), make("td", { class: "number" }, after ? this.number(after) : this.words.gone),
      make("td", { class: "number quiet" }, after ? after.compactness.toFixed(2) : ""),
      make("td", { class: "number quiet" }, after && after.onBarrier !== null ? `${Math.round(100 * after.onBarrier)} %` : "")));
    if (left > 0) rows.push(make("tr", { class: "quiet" }, make("td", { colspan: 6 }, `+ ${left}`)));
    return pressable(() => this.moveTo(cell), { "data-cell": division.label(cell) },
      make("tr", {}, make("td", { colspan: 6 }, make("kbd", {}, String(k + 1)), ` ${this.named_(cell)} `, fault ? make("span", { class: "bad" }, fault) : "")), ...(fault ? [] : rows));
  }

  number({ households, off }) {
    return make("span", { class: off ? "bad" : "good" }, households.toLocaleString("en"));
  }

  named_(cell) {
    const label = this.division.label(cell);
    return this.division.codeOf(cell) < 0 ? label : label.slice(this.common.length);
  }

  // What all codes begin with goes without saying.
  get common() {
    if (this.prefix === undefined) {
      const codes = this.division.data.communities.length === 1 ? [this.division.data.communities[0].code] : [""];
      this.prefix = this.division.data.leaves.code.every(code => code.startsWith(codes[0])) ? codes[0] : "";
    }
    return this.prefix;
  }

  suggested(cell) {
    const { division, words } = this, band = division.band(this.atoms[0], division.leafLevel);
    if (!band || !offBand(division.sum(division.atomsOf(cell)), band)) return [];
    this.offers = division.suggestions(cell).map(one => ({ ...one, cell }));
    if (!this.offers.length) return [make("h2", {}, words.suggestions), make("p", { class: "quiet" }, words.none)];
    const rows = this.offers.map((one, k) => pressable(() => this.accept(k), {
      onmouseenter: () => { this.view.marked = new Set(one.out.concat(one.into)); this.view.draw(); },
      onmouseleave: () => { this.view.marked = new Set(); this.view.draw(); } },
    make("tr", {}, make("td", {}, k ? "" : make("kbd", {}, "↵")), make("td", {}, this.offer(one)),
      make("td", { class: "number" }, `${one.after[0]} / ${one.after[1]}`))));
    return [make("h2", {}, words.suggestions), make("table", {}, ...rows)];
  }

  offer({ out, into, other }) {
    const { division } = this, key = out.length && into.length ? "offer_swap" : out.length ? "offer_out" : "offer_in";
    return this.say(key, { out: division.sum(out), into: division.sum(into), cell: this.named_(other) });
  }

  show(cell) {
    const atoms = this.division.atomsOf(cell), boxes = atoms.map(i => this.view.atoms[i].box);
    this.view.fit([0, 1].map(k => Math.min(...boxes.map(box => box[k]))).concat([2, 3].map(k => Math.max(...boxes.map(box => box[k])))), 0.3);
    this.choose(atoms, false);
  }

  outOfBand({ off }) {
    const { words } = this;
    if (!off.length) return [make("p", { class: "good" }, words.all_in_band)];
    const rows = off.slice(0, 40).map(({ cell, households, band }) => pressable(() => this.show(cell), {},
      make("tr", {}, make("td", {}, this.named_(cell)), make("td", { class: "number bad" }, households.toLocaleString("en")),
        make("td", { class: "number quiet" }, this.say("wanted", { low: Math.ceil(band[0] - 1e-9), high: Math.floor(band[2] + 1e-9) })))));
    return [make("h2", {}, words.out_of_band), make("table", {}, ...rows)];
  }

  logged() {
    const { words, division } = this, { past } = division;
    if (!past.length) return [];
    const kept = this.kept === false ? [make("p", { class: "bad" }, words.not_kept)] : [];
    return [make("h2", {}, words.log), make("ol", { id: "log" }, ...past.map(step => make("li", {}, step.words))), ...kept];
  }
}
