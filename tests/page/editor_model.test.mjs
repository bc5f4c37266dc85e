// The model of the editor without a page: node --test tests/page
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const PAGE = new URL("../../gridcell/display/page/", import.meta.url);
const source = ["shapes", "editor_land", "editor_model", "editor_advice", "editor_script"].map(name => readFileSync(new URL(`${name}.js`, PAGE), "utf-8").replace('"use strict";', "")).join("\n");
const { Division } = vm.runInThisContext(`(() => { ${source}; return { Division }; })()`);

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function encode(values) {
  return values.map(value => {
    let left = value < 0 ? -2 * value - 1 : 2 * value, text = "";
    do {
      const digit = left % 32;
      left = Math.floor(left / 32);
      text += DIGITS[digit + (left ? 32 : 0)];
    } while (left);
    return text;
  }).join("");
}

const steps = values => values.map((value, k) => value - (k ? values[k - 1] : 0));

// A town of square atoms, 10 m wide, drawn by the letters of their cells; small letters are in the second community.
function town(rows, { households = () => 10, locked = "", small = letter => letter, bands = [20, 30, 40], smallBands = null, work = null } = {}) {
  const wide = rows[0].length, letters = [...rows.join("")], names = [...new Set(letters)], smalls = [...new Set(names.map(small))];
  const at = (x, y) => (x < 0 || y < 0 || x >= wide || y >= rows.length ? -1 : y * wide + x), isUpper = letter => letter === letter.toUpperCase();
  const arcs = [];
  for (let y = 0; y <= rows.length; y++) for (let x = 0; x <= wide; x++) {
    for (const [a, b] of [[at(x - 1, y), at(x, y)], [at(x, y - 1), at(x, y)]]) if ((a >= 0 || b >= 0) && a !== b) arcs.push([a, b]);
  }
  const links = arcs.filter(([a, b]) => a >= 0 && b >= 0 && isUpper(letters[a]) === isUpper(letters[b]));
  return new Division({
    atoms: {
      id: encode(steps(letters.map((_, i) => 100 + i))), households: encode(letters.map(households)), area: encode(letters.map(() => 10000)),
      community: encode(letters.map(letter => (isUpper(letter) ? 0 : 1))),
      leaf: encode(letters.map(letter => names.indexOf(letter))),
      ...(work && { load: encode(letters.map((letter, i) => Math.round(1000 * work(letter, i)))) }),
    },
    links: { a: encode(links.map(([a]) => a)), b: encode(links.map(([, b]) => b)) },
    arcs: { left: encode(arcs.map(([a]) => a)), right: encode(arcs.map(([, b]) => b)), length: encode(arcs.map(() => 1000)), barrier: encode(arcs.map(() => 0)) },
    leaves: { code: names, name: names.map(() => null), small: names.map(name => smalls.indexOf(small(name))), general: names.map(() => true),
      locked: names.map(name => locked.includes(name)) },
    smalls: { code: smalls.map(name => `S${name}`), name: smalls.map(() => null), general: smalls.map(() => true), locked: smalls.map(() => false) },
    communities: ["c0", "c1"].map(code => ({ code, small: smallBands, micro: bands })), comments: [], has_micro: true,
    made: { c0: { operation: 1, land: "l0", cells: "k0" }, c1: { operation: 1, land: "l1", cells: "k1" } },
    words: { torn: "{cell} torn", is_locked: "locked", other_community: "other", dedicated: "dedicated", there_already: "there", new_cell: "new", new_small: "new small", was_code: "was {code}" },
  });
}

const held = division => [...division.state.leaf].map(cell => division.label(cell)).join("");

test("a cell tells its households, pieces and shape", () => {
  const division = town(["AAB", "AAB"]), { households, pieces, area, compactness, off } = division.figures(division.atomsOf(0));
  assert.deepEqual([households, pieces, area, off], [40, 1, 400, 0]);
  assert.ok(Math.abs(compactness - Math.PI / 4) < 1e-9);
  assert.equal(division.figures(division.atomsOf(1)).households, 20);
});

test("what would take a cell apart is told, and by whom", () => {
  const division = town(["AAA", "BBB"], { small: () => "s" });
  assert.equal(division.preview([1], 1).fault, "A torn");
  assert.equal(division.preview([2], 1).fault, null);
  assert.equal(division.preview([3], 1).fault, "there");
});

test("nothing moves to another community, out of a lock or into one", () => {
  const division = town(["AABBcc"], { small: letter => (letter === "c" ? "t" : "s"), locked: "B" });
  assert.equal(division.preview([4], 0).fault, "other");
  assert.equal(division.preview([1], 1).fault, "locked");
  assert.equal(division.preview([2], 0).fault, "locked");
});

test("a code goes with most of the households", () => {
  const division = town(["AABB"], { small: () => "s", households: (_, i) => [10, 30, 5, 40][i] });
  division.move([1], 1, "");
  assert.equal(held(division), "was ABBB");
  division.undo();
  const half = division.newCell([1], ""); // with most of A, which has no code then
  assert.deepEqual([division.label(half), division.label(0)], ["A", "new 1"]);
  division.undo();
  division.move([0], 1, "");
  assert.equal(held(division), "BABB");
});

test("every step can be undone and done again, also by another page", () => {
  const division = town(["AAABBB", "AAABBB"], { small: () => "s" }), seen = [JSON.stringify(division.state)];
  const note = () => seen.push(JSON.stringify(division.state));
  division.move([2, 8], 1, "move");
  note();
  division.newCell([0, 6], "new");
  note();
  division.comment(0, "micro", "look", "comment");
  note();
  division.change("lock", state => { state.cells[1].locked = true; });
  note();
  const other = town(["AAABBB", "AAABBB"], { small: () => "s" });
  other.replay(JSON.parse(JSON.stringify({ past: division.past, future: division.future })));
  for (const one of [division, other]) {
    for (const state of [...seen].reverse()) {
      assert.equal(JSON.stringify(one.state), state);
      one.undo();
    }
    for (const state of seen.slice(1)) {
      one.redo();
      assert.equal(JSON.stringify(one.state), state);
    }
  }
});

test("two equal parts are equal and in one piece", () => {
  const division = town(["AAAAAAAA", "AAAAAAAA", "AAAAAAAA"], { small: () => "s" }), part = division.halves(0);
  assert.equal(division.sum(part), 120);
  assert.equal(division.piecesOf(part), 1);
});

test("a script opens what was locked first and locks last; without edits it is empty", () => {
  const division = town(["AABB"], { small: () => "s", locked: "A" });
  assert.deepEqual(division.script(), []);
  division.change("", state => { state.cells[0].locked = false; });
  division.move([1], 1, "");
  division.change("", state => { state.cells[0].locked = true; });
  assert.deepEqual(division.script().map(entry => entry.operation), ["unlock", "assign", "lock"]);
  assert.deepEqual(division.script()[1].made, { c0: { operation: 1, land: "l0", cells: "k0" } });
});

test("what is no script of this plan is refused, whatever it holds", () => {
  const division = town(["AABB"], { small: () => "s" }), made = { c0: { operation: 1, land: "l0", cells: "k0" } };
  const assign = (cells, more = {}) => [{ operation: "assign", cells, ...more }], start = JSON.stringify(division.state);
  const whole = [{ small: "Ss", atoms: [100] }, { small: "Ss", atoms: [101, 102, 103] }];
  const bad = [
    null, {}, [], [null], ["x"], [{ operation: "undo" }], [{ operation: "rename", cell: "A", name: 3 }], assign([{ small: "Ss", atoms: [1] }]),
    assign([{ small: "Ss", atoms: [] }]), assign([{ small: "Ss", atoms: [100, 103] }, { small: "Ss", atoms: [101, 102] }]),
    assign(whole, { made: null }), assign(whole, { made: { c0: null } }), assign(whole, { made: { nowhere: made.c0 } }),
    assign(whole, { made: 3 }), [{ operation: "__proto__", cell: "A" }],
  ];
  for (const entries of bad) assert.ok(division.load(entries, "").fault, JSON.stringify(entries));
  assert.equal(division.load(assign(whole, { made: { c0: { ...made.c0, land: "else" } } }), "").fault, "load_land");
  assert.equal(division.load(assign(whole, { made: { c0: { ...made.c0, cells: "else" } } }), "").fault, "load_cells");
  assert.equal(JSON.stringify(division.state), start);
  assert.equal(division.load(assign(whole, { made }), "").fault, null);
  assert.equal(division.past.length, 1);
});

test("suggestions bring a cell nearer to its band and take none apart", () => {
  const division = town(["AAAAABBB"], { small: () => "s", bands: [35, 40, 45] }), [first] = division.suggestions(0);
  assert.deepEqual([first.moves, first.after], [[[[4], 1]], [40, 40]]);
});

const SMALLS = { small: letter => ("ABC".includes(letter) ? "s" : "t"), bands: [20, 30, 40], smallBands: [40, 60, 80] };
const smallsOf = division => [...division.state.leaf].map(cell => division.label(division.state.cells[cell].small, "small")).join(" ");

test("at the small level whole micro cells move, and what both small cells hold is told before", () => {
  const division = town(["AABBCCDDEE"], SMALLS), atoms = division.whole([4], "small");
  assert.deepEqual(atoms, [4, 5]);
  const { changed, fault } = division.preview(atoms, 1, "small");
  assert.deepEqual([fault, changed.map(({ level, cell, before, after }) => [level, cell, before.households, after.households])],
    [null, [["small", 1, 40, 60], ["small", 0, 60, 40]]]);
  assert.equal(division.preview(division.whole([2], "small"), 1, "small").fault, "St torn");
  division.move(atoms, 1, "", "small");
  assert.deepEqual([held(division), division.codes().small], ["AABBwas Cwas CDDEE", [0, 1]]);
  assert.deepEqual(division.script().map(({ operation, cells }) => [operation, cells]),
    [["assign", [{ atoms: [104, 105], small: "St" }]]]);
  division.undo();
  assert.deepEqual(division.script(), []);
});

test("small cells are halved, cut, merged and made along their micro cells", () => {
  const division = town(["AABBCCDDEE"], SMALLS),
    middles = [...Array(10).keys()].map(x => [x, 0]);
  assert.deepEqual(division.halves(0, "small").sort(), [0, 1]);
  const wide = town(["AABBBCC"], { small: () => "s" });
  assert.deepEqual(wide.sideOf(0, [[3.6, -5], [3.6, 5]], middles, "small"), [5, 6]); // most of B lies left of it
  const made = division.newCell(division.whole([0], "small"), "", "small");
  assert.deepEqual([division.totals("small").cells, division.label(made, "small")], [3, "new small 1"]);
  const atoms = division.atomsOf(made, "small");
  assert.equal(division.preview(atoms, 1, "small").fault, "new small 1 torn".replace("new small 1", "St"));
  division.move(atoms, 0, "", "small");
  assert.deepEqual(division.script(), []);
});

test("a lock on a small cell holds all of it, and its end ends those inside", () => {
  const division = town(["AABBCCDDEE"], { ...SMALLS, locked: "E" });
  division.lock([1], "small", true, "");
  assert.equal(division.preview([6], 2, "micro").fault, "locked");
  assert.equal(division.preview([4, 5], 1, "small").fault, "locked");
  assert.deepEqual(division.script(), [{ operation: "lock", cell: "St" }]);
  division.lock([1], "small", false, "");
  assert.deepEqual(division.script(), [{ operation: "unlock", cell: "E" }]);
});

test("a locked micro cell stays in its small cell, also where that would lose its code", () => {
  const division = town(["AABBCCDDEE"], { ...SMALLS, locked: "A" });
  assert.equal(division.preview(division.whole([0], "small"), 1, "small").fault, "locked");
  const most = division.whole([2, 4], "small");
  assert.equal(division.previewOf([[most, 2]], "small").fault, "locked"); // Ss would go on as the new one
});

test("cells without a code have names of their own, and keep them when they get one", () => {
  const uneven = { ...SMALLS, households: (_, i) => (i ? 10 : 5) }, division = town(["AABBCCDDEE"], uneven), cell = division.newCell([0], "");
  division.rename(cell, "micro", "Mill", "");
  const small = division.newCell(division.whole([4], "small"), "", "small");
  division.rename(small, "small", "North", "");
  division.rename(3, "micro", "Dale", "");
  assert.deepEqual([division.nameOf(cell), division.nameOf(small, "small"), division.nameOf(3)], ["Mill", "North", "Dale"]);
  const script = division.script(), assigned = script.find(entry => entry.operation === "assign");
  assert.deepEqual(script.filter(entry => entry.operation === "rename"), [{ operation: "rename", cell: "D", name: "Dale" }]);
  assert.deepEqual(assigned.cells.filter(group => group.name), [{ atoms: [100], small: "Ss", name: "Mill" }]);
  assert.deepEqual(assigned.small_names, { "new 1": "North" });
  const other = town(["AABBCCDDEE"], uneven);
  assert.equal(other.load(JSON.parse(JSON.stringify(script)), "").fault, null);
  assert.deepEqual(other.script(), script);
  division.move([1], cell, ""); // all of A: its code is that of the new cell now
  assert.deepEqual(division.script().filter(entry => entry.cell === "A"), [{ operation: "rename", cell: "A", name: "Mill" }]);
});

test("a name of a small cell that lost its code goes with its land", () => {
  const division = town(["AABBCCDDEE"], SMALLS);
  division.newCell(division.whole([2, 4], "small"), "", "small");
  assert.equal(division.codeOf(0, "small"), -1);
  division.rename(0, "small", "West", "");
  const { cells, small_names: named } = division.script().find(entry => entry.operation === "assign");
  assert.deepEqual([named, cells.some(group => group.small === "Ss" && group.atoms.includes(100))], [{ Ss: "West" }, true]);
});

test("what is in pieces is listed before what is out of band", () => {
  const division = town(["AABBBABBCC"], { small: () => "s", bands: [20, 30, 40] }), { off, cells, inBand } = division.totals();
  assert.deepEqual(off.map(({ cell, pieces, away }) => [division.label(cell), pieces, away > 0]), [["B", 2, true], ["A", 2, false]]);
  assert.deepEqual([cells, inBand], [3, 2]);
  assert.deepEqual(division.totals("small").off, []);
});

test("micro cells move or are exchanged to bring a small cell into its band", () => {
  const apart = { ...SMALLS, small: letter => ("ABC".includes(letter) ? "s" : "t"), smallBands: [40, 45, 50], households: (_, i) => (i > 3 && i < 8 ? 5 : 10) };
  const division = town(["AABBCCDDEE"], apart); // 20, 20, 10 and 10, 20
  assert.deepEqual(division.suggestions(1, "small").map(one => [one.moves, one.after]), [[[[[4, 5], 1]], [40, 40]]]);
  const two = town(["AABBCC", "AADDCC"], { small: letter => ("AB".includes(letter) ? "s" : "t"), smallBands: [58, 60, 62], households: (_, i) => ({ 2: 20, 3: 20, 8: 5, 9: 5 })[i] || 10 });
  assert.deepEqual(two.suggestions(0, "small"), []); // nothing helps without tearing a cell
});

test("where bands count loads, figures and advice go by them, to the thousandth, beside the households", () => {
  const division = town(["AABB"], { work: (_, i) => [12.125, 25.5, 7.25, 8.001][i] }), [one, two] = [0, 1].map(cell => division.figures(division.atomsOf(cell)));
  assert.deepEqual([one.held, one.households, one.off > 0], [37.625, 20, false]);
  assert.deepEqual([two.held, two.households, two.off > 4.7], [15.251, 20, true]);
  assert.deepEqual(division.totals("micro").off.map(({ cell, held }) => [cell, held]), [[1, 15.251]]);
});
