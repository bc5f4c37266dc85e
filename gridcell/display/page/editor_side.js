"use strict";
// What stands beside the map: what is, what would be, what to do.

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node[name] = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null)); // text stays text
  return node;
}

// Lines of figures that are pressed like a button.
function pressable(does, attributes, ...lines) {
  return make("li", {}, make("button", { type: "button", class: "row", onclick: does, ...attributes }, ...lines));
}

class Side {
  constructor(editor) {
    this.editor = editor;
    const { division, words } = editor, { title, about } = division.data;
    this.box = document.getElementById("side");
    this.tools = make("div", { id: "tools" });
    this.status = make("p", { class: "unseen", role: "status" });
    this.rest = make("div", { id: "rest" });
    const find = make("input", { id: "find", type: "search", placeholder: words.find, "aria-label": words.find, autocomplete: "off", onkeydown: event => {
      if (event.key === "Enter" && find.value.trim()) editor.find(find.value);
    } });
    this.box.replaceChildren(make("h1", {}, title), make("p", { class: "quiet", id: "about" }, about), this.tools, find, this.status, this.rest);
    const button = (name, sign, does) => make("button", { type: "button", title: words[name], "aria-label": words[name], onclick: does }, sign);
    document.getElementById("view").append(make("div", { id: "looks", role: "group", "aria-label": words.looks }, button("zoom_in", "+", () => editor.zoomBy(1.3)),
      button("zoom_out", "−", () => editor.zoomBy(1 / 1.3)), button("whole", "⤢", () => editor.view.fit(editor.view.box))));
  }

  // Everything anew; what had the focus has it again.
  tell() {
    const { editor } = this, { division, level, said } = editor, totals = division.totals(level), held = document.activeElement?.id;
    editor.targets = [];
    editor.offers = null;
    const parts = [this.counted(totals)];
    if (said) parts.push(make("p", { class: "fault", role: "alert" }, said));
    if (editor.atoms.length) parts.push(make("div", { id: "selection" }, ...this.selection()));
    parts.push(...this.listed(totals), ...this.logged(), make("p", { class: "quiet", id: "help" }, editor.words.help));
    this.tools.replaceChildren(...this.buttons());
    this.rest.replaceChildren(...parts);
    const { past } = division, last = past.length ? past[past.length - 1].words : "", told = past.length === this.told ? document.getElementById("chosen")?.textContent ?? "" : last;
    this.told = past.length;
    if (this.status.textContent !== told) this.status.textContent = told;
    if (held && this.box.contains(document.getElementById(held)) && document.activeElement === document.body) document.getElementById(held).focus();
  }

  button(name, does, { off = false, on = null, note = null } = {}) {
    const { words } = this.editor;
    return make("button", { type: "button", id: `do-${name}`, class: on ? "on" : null, "aria-pressed": on === null ? null : String(on), title: note, disabled: off,
      onclick: event => { does(); if (event.detail) this.editor.canvas.focus(); } }, words[name]); // keys go on to the map
  }

  buttons() {
    const { editor } = this, { words, division, level, tool } = editor, { past, future } = division;
    const group = (name, ...buttons) => make("div", { role: "group", "aria-label": words[name] }, ...buttons);
    const field = make("input", { type: "file", accept: ".json", id: "open", hidden: true, onchange: () => field.files[0] && editor.opened(field.files[0]) });
    const levels = division.levels.map(one => this.button(`level_${one}`, () => editor.turn(one), { on: level === one, note: words.level_note }));
    return [
      division.data.has_micro ? group("level", ...levels) : "",
      group("tools", ...TOOLS.map(name => this.button(name, () => editor.use(name), { on: tool === name, note: words[`${name}_note`] }))),
      group("log", this.button("undo", () => editor.undo(), { off: !past.length }), this.button("redo", () => editor.redo(), { off: !future.length }),
        this.button("save", () => editor.save(), { off: !past.length }), field, this.button("open", () => field.click(), { note: words.open_note })),
    ];
  }

  counted({ cells, inBand }) {
    const { editor } = this;
    return make("p", { id: "counted" }, editor.say("in_band", { n: inBand, all: cells }), " ", make("span", { class: "quiet" }, editor.words[editor.level]));
  }

  // --- what is chosen, and where it may go

  selection() {
    const { editor } = this, { words, division, atoms, cells, level } = editor;
    const does = [["new", () => editor.makeCell()], ["merge", () => editor.merge()], ["swap", () => editor.swap()], ["halve", () => editor.halve()],
      ["rename", () => editor.ask("name")], ["comment_on", () => editor.ask("comment")], ["lock", () => editor.lock()]];
    const parts = [make("h2", {}, words.chosen),
      make("p", { id: "chosen" }, editor.say("chosen_is", { ...editor.much(atoms), cells: cells.map(cell => this.named(cell)).join(", ") })),
      make("div", { role: "group", "aria-label": words.chosen }, ...does.map(([name, act]) => this.button(name, act)))];
    if (editor.asked) parts.push(this.question(editor.asked));
    const told = cells.flatMap(cell => division.commentsOn(cell, level).map(one => make("li", {}, this.said(this.called(cell), one.text))));
    if (told.length) parts.push(make("ul", { id: "comments" }, ...told));
    parts.push(...this.holders(cells));
    editor.targets = editor.aim === null ? division.cellsBeside(atoms, level).filter(cell => !cells.every(one => one === cell)).slice(0, 9) : [editor.aim];
    if (editor.targets.length) parts.push(make("h2", {}, words.move_to), make("ol", { class: "rows" }, ...editor.targets.map((cell, k) => this.target(cell, k))));
    if (cells.length === 1) parts.push(...this.suggested(cells[0]));
    return parts;
  }

  question({ what, cell }) {
    const { editor } = this, value = what === "name" ? editor.division.nameOf(cell, editor.level) || "" : "";
    const field = make("input", { id: "answer", value, maxlength: 500, autocomplete: "off", onkeydown: event => {
      if (event.key === "Enter") editor.answered(field.value);
      if (event.key === "Escape") { editor.asked = null; editor.canvas.focus(); editor.refresh(); }
    } });
    return make("p", {}, make("label", { for: "answer" }, editor.words[what]), " ", field);
  }

  // Who holds the posts of the cells chosen, where contacts were given.
  holders(cells) {
    const { division, level, words } = this.editor, { posts } = division.data;
    const told = cells.flatMap(cell => {
      const row = division.codeOf(cell, level), own = row < 0 ? [] : posts[division.plan(level).code[row]] || [];
      return own.map(([role, holder]) => make("li", {}, this.said(this.called(cell), this.said(role, holder))));
    });
    return told.length ? [make("h2", {}, words.holders), make("ul", { id: "holders" }, ...told)] : [];
  }

  target(cell, k) {
    const { editor } = this, { division, atoms, level, words } = editor, { changed, fault } = division.preview(atoms, cell, level);
    const most = 6, left = (changed || []).length - most; // a thousand rows would stall the page
    const key = make("kbd", {}, String(k + 1)), lines = fault ? [make("span", { class: "line fails" }, key, make("span", {}, `${this.called(cell)} `, make("span", { class: "bad" }, fault)))]
      : changed.slice(0, most).map((one, place) => this.change(one, place ? make("span") : key)); // the cell itself comes first
    if (!fault && left > 0) lines.push(make("span", { class: "line quiet" }, `+ ${left}`));
    return pressable(() => { editor.canvas.focus(); editor.moveTo(cell); }, { id: `target-${k}`, "data-cell": division.label(cell, level), title: words.move_to }, ...lines);
  }

  change({ level, cell, before, after }, first) {
    const { words } = this.editor;
    return make("span", { class: "line figures" }, first, make("span", {}, this.called(cell, level)), this.number(before), make("span", {}, "→"),
      after ? this.number(after) : make("span", { class: "number" }, words.gone), make("span", { class: "number quiet" }, after ? after.compactness.toFixed(2) : ""),
      make("span", { class: "number quiet" }, after && after.onBarrier !== null ? `${Math.round(100 * after.onBarrier)} %` : ""));
  }

  // What carrying the choice to a cell would make of it, at the pointer.
  carried(cell) {
    const { division, atoms, level } = this.editor, { changed, fault } = division.preview(atoms, cell, level);
    return fault ? [make("div", { class: "fault" }, fault)] : changed.map(one => this.change(one, null));
  }

  number({ held, off, band, pieces }) {
    const way = off ? (held > band[2] ? "↑" : "↓") : "", { words } = this.editor;
    return make("span", { class: `number ${off ? "bad" : "good"}` }, `${held.toLocaleString("en")}${way}`, pieces > 1 ? make("span", { class: "bad" }, ` ${words.in_pieces.replace("{n}", pieces)}`) : "");
  }

  called(cell, level = this.editor.level) {
    return this.editor.division.label(cell, level, this.editor.division.common);
  }

  // With the name that somebody gave it.
  named(cell) {
    const name = this.editor.division.nameOf(cell, this.editor.level);
    return name ? `${this.called(cell)} “${name}”` : this.called(cell);
  }

  said(word, text) {
    return `${word}${this.editor.division.data.lang === "zh" ? "：" : ": "}${text}`;
  }

  suggested(cell) {
    const { editor } = this, { division, words, level, view } = editor, band = division.band(editor.atoms[0], level);
    if (!band || !offBand(division.sum(division.atomsOf(cell, level)), band)) return [];
    editor.offers = division.suggestions(cell, level);
    if (!editor.offers.length) return [make("h2", {}, words.suggestions), make("p", { class: "quiet" }, editor.say("none", {}))];
    const mark = atoms => { view.marked = new Set(atoms); view.draw(); };
    const rows = editor.offers.map((one, k) => {
      const atoms = one.moves.flatMap(([own]) => own), looks = { onmouseenter: () => mark(atoms), onfocus: () => mark(atoms), onmouseleave: () => mark([]), onblur: () => mark([]) };
      return pressable(() => { editor.canvas.focus(); editor.accept(k); }, { id: `offer-${k}`, ...looks },
        make("span", { class: "line offer" }, k ? make("span") : make("kbd", {}, "↵"), make("span", {}, this.offer(one)), make("span", { class: "number" }, `${one.after[0]} / ${one.after[1]}`)));
    });
    return [make("h2", {}, words.suggestions), make("ol", { class: "rows" }, ...rows)];
  }

  offer({ moves, cell, other }) {
    const { division, words } = this.editor, sum = to => division.sum(moves.find(move => move[1] === to)?.[0] || []), out = sum(other), into = sum(cell);
    const key = moves.length > 1 ? "offer_swap" : moves[0][1] === other ? "offer_out" : "offer_in";
    return Object.entries({ out, into, cell: this.called(other) }).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => value), words[key]);
  }

  // --- what wants a look, and what was done

  listed({ off }) {
    const { editor } = this, { words, division } = editor;
    if (!off.length) return [make("p", { class: "good" }, words.all_in_band)];
    const rows = off.slice(0, 40).map(({ cell, held, band, away, pieces }, k) => pressable(() => editor.show(cell), { id: `off-${k}` },
      make("span", { class: "line off" }, make("span", {}, this.called(cell)), this.number({ held, band, off: away, pieces }),
        make("span", { class: "number quiet" }, band ? editor.say("wanted", division.data.atoms.load ? { low: band[0], high: band[2] } : { low: Math.ceil(band[0] - 1e-9), high: Math.floor(band[2] + 1e-9) }) : ""))));
    const left = off.length - rows.length;
    return [make("h2", {}, words.out_of_band), make("ol", { class: "rows", id: "off" }, ...rows), ...(left > 0 ? [make("p", { class: "quiet" }, `+ ${left}`)] : [])];
  }

  logged() {
    const { editor } = this, { words, division } = editor, { past } = division;
    if (!past.length) return [];
    const kept = editor.kept === false ? [make("p", { class: "bad" }, words.not_kept)] : [];
    return [make("h2", {}, words.log), make("ol", { id: "log", tabindex: 0 }, ...past.map(step => make("li", {}, step.words))), ...kept];
  }
}
