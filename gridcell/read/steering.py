"""Texts without characters that steer a terminal or turn the direction of what stands beside them.

What is named so is shown on terminals, maps and sheets (Boucher and Anderson 2023, "Trojan Source",
says what a turned direction hides).
"""

import re
from dataclasses import replace

import pandas as pd

from gridcell.read.vector import Features
from gridcell.words.messages import STEERING, Message


def without_steering(read: Features) -> Features:
    r"""Return the features whose texts have no such characters, and a note on where they had.

    Examples
    --------
    >>> clean = without_steering(Features(frame=pd.DataFrame({"name": ["ok", "\x1b[31mred"]})))
    >>> clean.frame["name"].tolist(), [str(note) for note in clean.notes]
    (['ok', '[31mred'], ["1 text in column 'name' holds control characters: they are left out"])
    """
    frame, notes = read.frame, list(read.notes)
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if not (isinstance(column.dtype, pd.StringDtype) or column.dtype == object):
            continue
        try:
            found = column.str.contains(STEERING, regex=True, na=False).to_numpy(dtype=bool)
        except AttributeError:  # a column of other things
            continue
        if found.any():
            clean = column[found].map(lambda text: re.sub(STEERING, "", text))
            frame.isetitem(place, column.where(~found, clean).array)
            notes.append(Message("read.steering", n=int(found.sum()), column=str(name)))
    return replace(read, frame=frame, notes=tuple(notes))
