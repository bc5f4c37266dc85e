"use strict";
// What of a division wants a look, and what would help.

// Cells of a level, how many are in their band, and those that are not, or lie in pieces: worst first.
function countCells(division, level) {
  const off = [], held = new Map();
  let cells = 0, inBand = 0;
  division.cells(level).forEach((own, cell) => {
    const atoms = division.atomsOf(cell, level);
    if (!atoms.length) return;
    const load = division.sum(atoms), band = division.band(atoms[0], level), pieces = division.piecesOf(atoms);
    held.set(cell, load);
    if (!own.general) return;
    const away = band ? offBand(load, band) : 0;
    cells += band ? 1 : 0;
    inBand += band && !away ? 1 : 0;
    if (away || pieces > 1) off.push({ cell, held: load, band, away, pieces });
  });
  const share = one => (one.band ? one.away / one.band[1] : 0);
  off.sort((a, b) => b.pieces - a.pieces || share(b) - share(a) || a.cell - b.cell);
  return { cells, inBand, off, held };
}

// Moves of single atoms (at the small level: of micro cells) and exchanges of two that bring a cell nearer to its band,
// best first.
function suggestMoves(division, cell, level, most) {
  const own = division.atomsOf(cell, level), upper = division.isUpper(level), { leaf } = division.state;
  const band = own.length && division.cells(level)[cell].general ? division.band(own[0], level) : null;
  if (!band) return [];
  const load = new Map(), found = [], tried = new Set(), fixed = new Map();
  const unitOf = i => (upper ? leaf[i] : i), atomsOf = unit => (upper ? division.atomsOf(unit, division.leafLevel) : [unit]);
  const isFixed = unit => {
    if (!fixed.has(unit)) fixed.set(unit, division.isFixed(atomsOf(unit)[0]));
    return fixed.get(unit);
  };
  const sum = units => units.reduce((all, unit) => all + (upper ? division.figuresNow(unit, division.leafLevel).held : division.work[unit]), 0);
  const held = one => {
    if (!load.has(one)) load.set(one, division.sum(division.atomsOf(one, level)));
    return load.get(one);
  };
  const cost = (a, b) => offBand(a, band) + offBand(b, band) + 1e-3 * (Math.abs(a - band[1]) + Math.abs(b - band[1]));
  const tryOut = (out, into, other) => {
    const key = `${out}>${other}<${into}`;
    if (tried.has(key)) return;
    tried.add(key);
    const gone = sum(out) - sum(into), a = held(cell), b = held(other), gain = cost(a, b) - cost(a - gone, b + gone);
    if (gain > 1e-9) found.push({ out, into, other, gain });
  };
  for (const i of own) for (const j of division.neighbours[i]) {
    const other = division.cellAt(j, level), [a, b] = [unitOf(i), unitOf(j)];
    if (other === cell || !division.isGeneral(j) || isFixed(a) || isFixed(b)) continue;
    if (!upper && division.state.cells[other].small !== division.state.cells[cell].small && division.data.has_micro) continue;
    tryOut([a], [], other);
    tryOut([], [b], other);
    tryOut([a], [b], other);
  }
  found.sort((a, b) => b.gain - a.gain || a.out.length + a.into.length - b.out.length - b.into.length);
  const good = [];
  for (const { out, into, other } of found) {
    if (good.length === most) break;
    const moves = [[out.flatMap(atomsOf), other], [into.flatMap(atomsOf), cell]].filter(([atoms]) => atoms.length);
    const { changed, fault } = division.previewOf(moves, level);
    const now = [cell, other].map(k => changed.find(one => one.cell === k && one.level === level).after);
    if (!fault && now[0] && now[1]) good.push({ moves, cell, other, after: now.map(figures => figures.held) });
  }
  return good;
}
