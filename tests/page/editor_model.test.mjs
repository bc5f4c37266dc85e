// The model of the editor without a page: node --test tests/page
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const PAGE = new URL("../../gridcell/display/page/", import.meta.url);
const source = ["shapes", "editor_model"].map(name => readFileSync(new URL(`${name}.js`, PAGE), "utf-8").replace('"use strict";', "")).join("\n");
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
function town(rows, { households = () => 10, locked = "", small = letter => letter, bands = [20, 30, 40] } = {}) {
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
      kind: encode(letters.map(() => 1)), community: encode(letters.map(letter => (isUpper(letter) ? 0 : 1))),
      leaf: encode(letters.map(letter => names.indexOf(letter))),
    },
    links: { a: encode(links.map(([a]) => a)), b: encode(links.map(([, b]) => b)) },
    arcs: { left: encode(arcs.map(([a]) => a)), right: encode(arcs.map(([, b]) => b)), length: encode(arcs.map(() => 1000)), barrier: encode(arcs.map(() => 0)) },
    leaves: { code: names, name: names.map(() => null), small: names.map(name => smalls.indexOf(small(name))), general: names.map(() => true),
      locked: names.map(name => locked.includes(name)) },
    smalls: { code: smalls.map(name => `S${name}`), name: smalls.map(() => null), locked: smalls.map(() => false) },
    communities: ["c0", "c1"].map(code => ({ code, small: null, micro: bands })), comments: [], has_micro: true,
    made: { c0: { operation: 1, land: "l0", cells: "k0" }, c1: { operation: 1, land: "l1", cells: "k1" } },
    words: { torn: "{cell} torn", is_locked: "locked", other_community: "other", dedicated: "dedicated", there_already: "there", new_cell: "new", new_small: "new small" },
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
  assert.equal(held(division), "new 1BBB");
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
  division.comment(0, "look", "comment");
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
  assert.deepEqual([first.out, first.into, first.after], [[4], [], [40, 40]]);
});
