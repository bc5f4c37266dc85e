"""Workload: what bands count in place of households, as an expression over columns of buildings."""

import ast
import operator
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gridcell.arrays import apportion
from gridcell.schema import BARRIER_CLASSES, LOAD
from gridcell.words.messages import Message, Value, either

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRAIN: Final = 0.001
"""Loads are multiples of this: their sums are the same in any order."""
MOST_LOAD: Final = 1e9
"""More load than any building has."""
STREET: Final = "street_m"
"""Metres along the streets: half of those that land has in common with the land across the street,
so that the land on both sides of a street has all of it."""
OF_BUILDINGS: Final = ("households", "units", "floors", "height", "area_m2", "floor_m2")
"""Columns that are ours; any other is one of the file."""

_MOST_TEXT: Final = 300
_DECIMALS: Final = 3
_PER_UNIT: Final = 1000
_WALKED: Final = ("arterial", "street", "path")
_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide,
}  # fmt: skip
_FUNCTIONS: Final[dict[str, Callable[[Any, Any], Any]]] = {"min": np.minimum, "max": np.maximum}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Workload:
    """An expression that was read: a part for each building, and one for metres of street."""

    names: tuple[str, ...]
    """Columns of buildings in it, sorted."""
    street: float
    """What a metre along the streets counts."""
    terms: tuple[tuple[float, ast.expr], ...]
    """Sign and expression of what is added up for a building."""

    def of(self, columns: Mapping[str, Floats], n: int) -> Floats:
        """Return the load of each building to the thousandth; NaN, inf or negative as it comes out.

        Parameters
        ----------
        columns
            (n,) each of `names`.
        n
            How many buildings there are.
        """
        with np.errstate(all="ignore"):
            total = sum((sign * _value(term, columns) for sign, term in self.terms), np.zeros(n))
            return round_loads(np.broadcast_to(np.asarray(total, dtype=np.float64), n))

    def along(self, metres: Floats) -> Floats:
        """Return the load of metres along the streets to the thousandth."""
        return round_loads(self.street * metres)


def read_workload(text: str) -> Workload:
    """Return the expression that a text is.

    Numbers, columns, ``+ - * /``, brackets, ``min`` and ``max``. ``street_m`` can be multiplied and
    divided by numbers and added: land along a street has no building.

    Raises
    ------
    ValueError
        It is none; with a `Message`.

    Examples
    --------
    >>> load = read_workload("households + 0.5 * units + street_m / 100")
    >>> load.names, load.street
    (('households', 'units'), 0.01)
    >>> load.of({"households": np.array([4.0]), "units": np.array([3.0])}, 1).tolist()
    [5.5]
    """
    if len(text) > _MOST_TEXT:
        raise ValueError(Message("invalid.load_long", n=len(text), most=_MOST_TEXT))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(Message("invalid.load_syntax")) from None
    terms, metres = [], 0.0
    for sign, term in _terms(tree, 1.0):
        names = _names(term)
        if STREET not in names:
            terms.append((sign, term))
            continue
        factor = _linear(term) if names == {STREET} else None
        if factor is None or factor[0] != 0:
            raise ValueError(Message("invalid.load_street", given=ast.unparse(term)))
        metres += sign * factor[1]
    if not 0 <= metres <= MOST_LOAD:
        raise ValueError(Message("invalid.load_street_sign", factor=metres))
    return Workload(
        names=tuple(sorted({name for _, term in terms for name in _names(term)})), street=metres,
        terms=tuple(terms),
    )  # fmt: skip


def plain_name(name: str) -> str:
    """Return the name of a column as an expression has it."""
    return unicodedata.normalize("NFKC", name)


def round_loads(loads: Floats) -> Floats:
    """Return loads, or sums of loads, as the multiples of `GRAIN` nearest to them."""
    return np.round(loads, _DECIMALS)


def sum_loads(owner: NDArray[np.int64], loads: Floats, n: int) -> Floats:
    """Return the sum of the loads of each of n owners."""
    return round_loads(np.bincount(owner, weights=loads, minlength=n).astype(np.float64))


def share_loads(loads: Floats, owner: NDArray[np.int64], weight: Floats) -> Floats:
    """Return shares of loads in proportion to weights, as `gridcell.arrays.apportion` does."""
    whole = np.rint(loads * _PER_UNIT).astype(np.int64)
    return round_loads(apportion(whole, owner, weight) / _PER_UNIT)


def street_metres(n: int, left: Ints, right: Ints, length: Floats, barrier: Ints) -> Floats:
    """Return half the metres of the streets along which each atom lies, to the millimetre.

    Parameters
    ----------
    n
        Atoms.
    left, right, length, barrier
        (arcs,) of borders: atoms beside them, -1 for none; metres; class, as in
        `gridcell.model.Fabric`.
    """
    classes = [1 + list(BARRIER_CLASSES).index(name) for name in _WALKED]
    walked = np.isin(barrier, classes)
    total = np.zeros(n)
    for side in (left, right):
        mine = walked & (side >= 0)
        total += np.bincount(side[mine], weights=length[mine], minlength=n)
    return round_loads(total / 2)


def load_of(frame: "pd.DataFrame") -> Floats:
    """Return what bands count in each row: its load where the plan has loads, else households."""
    name = LOAD if LOAD in frame else "households"
    # Rules are read by commands that need no tables.
    import pandas as pd

    column = pd.to_numeric(frame[name])
    # An array of its own: kernels are compiled anew for those that pandas lends.
    return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _terms(node: ast.expr, sign: float) -> Iterable[tuple[float, ast.expr]]:
    """Yield sign and expression of each of the terms that are added up."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        yield from _terms(node.operand, sign if isinstance(node.op, ast.UAdd) else -sign)
    else:
        yield sign, node


def _names(node: ast.expr) -> set[str]:
    """Return the columns in an expression that is made of what may be in one.

    Raises
    ------
    ValueError
        It is not.
    """
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        if abs(node.value) <= MOST_LOAD and not isinstance(node.value, bool):
            return set()
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _names(node.left) | _names(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        return _names(node.operand)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _FUNCTIONS
        and node.args
        and not node.keywords
    ):
        return set().union(*map(_names, node.args))
    raise ValueError(Message("invalid.load_part", given=ast.unparse(node)))


def _linear(node: ast.expr) -> tuple[float, float] | None:
    """Return constant and factor of an expression in `STREET` alone; ``None`` for any other."""
    if isinstance(node, ast.Name):
        return 0.0, 1.0
    if isinstance(node, ast.Constant):
        return float(node.value), 0.0  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp):
        inner = _linear(node.operand)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return None if inner is None else (sign * inner[0], sign * inner[1])
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _linear(node.left), _linear(node.right)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Add | ast.Sub):
        sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
        return left[0] + sign * right[0], left[1] + sign * right[1]
    if isinstance(node.op, ast.Div):
        return None if right[1] or not right[0] else (left[0] / right[0], left[1] / right[0])
    if left[1] and right[1]:
        return None
    return left[0] * right[0], left[0] * right[1] + left[1] * right[0]


def _value(node: ast.expr, columns: Mapping[str, Floats]) -> Any:
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, columns)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, columns), _value(node.right, columns)
        return _OPERATORS[type(node.op)](left, right)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)  # noqa: S101, PT018
    values = [_value(argument, columns) for argument in node.args]
    best = values[0]
    for other in values[1:]:
        best = _FUNCTIONS[node.func.id](best, other)
    return best


def columns_told(columns: Iterable[str]) -> Value:
    """Return the columns that an expression may name, ours and those of a file."""
    return either(list(dict.fromkeys((*OF_BUILDINGS, STREET, *columns))))
