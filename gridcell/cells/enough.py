"""Whether codes have numbers enough for the cells to come, told before anything is searched."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridcell.errors import CodeError
from gridcell.partition.targets import Targets
from gridcell.rules import Codes
from gridcell.words.messages import Message, joined

Ints = NDArray[np.int64]


def require_numbers(
    codes: Sequence[str],
    households: Ints | NDArray[np.float64],
    small: Targets,
    micro: Targets | None,
    rules: Codes,
) -> None:
    """Raise `CodeError` where a community needs more cells than its codes have numbers.

    Parameters
    ----------
    codes
        (communities,) codes, for the message.
    households
        (communities,) households on general land, or what bands count in place of them.
    small, micro
        The targets, by which the numbers of cells follow from the households.
    rules
        Widths and ranges.

    Raises
    ------
    CodeError
        Naming every such community, what it needs and the rule to set.
    """
    rows = np.arange(len(codes))
    held = households.astype(np.float64)
    cells = np.where(small.wanted > 0, small.wanted, small.cells_for(held, rows))
    digits = rules.small_digits
    last = min(rules.general_last, 10**digits - 1)
    numbers = max(last - max(rules.general_first, 1) + 1, 0)
    faults = []
    for row in np.flatnonzero(cells > numbers).tolist():
        wider = digits
        while 8 * 10 ** (wider - 1) - 1 < cells[row]:
            wider += 1
        faults.append(
            Message(
                "error.few_numbers_small" if small.grain == 1.0
                else "error.few_numbers_small_load",
                community=codes[row], households=float(households[row]),
                cells=int(cells[row]), numbers=numbers, digits=wider,
                last=8 * 10 ** (wider - 1) - 1, first_dedicated=8 * 10 ** (wider - 1) + 1,
                last_dedicated=10**wider - 1,
            )
        )  # fmt: skip
    if micro is not None:
        # Of a small cell at least as many as of the average one.
        share = micro.cells_for(held / np.maximum(cells, 1), rows)
        wanted = np.ceil(micro.wanted / np.maximum(cells, 1)).astype(np.int64)
        each = np.where(micro.wanted > 0, wanted, share)
        most = 10**rules.micro_digits - 1
        faults += [
            Message(
                "error.few_numbers_micro", community=codes[row], cells=int(each[row]),
                numbers=most, digits=len(str(int(each[row]))),
            )
            for row in np.flatnonzero(each > most).tolist()
        ]  # fmt: skip
    if faults:
        raise CodeError(joined("lines", faults))
