"""Check characters of ISO 7064:2003, hybrid systems MOD 11,10 and MOD 37,36."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridcell.errors import CodeError
from gridcell.words.messages import Message

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def check_character(code: str) -> str:
    """Return the check character of a code.

    ISO 7064 MOD 11,10 for codes of digits, MOD 37,36 for letters and digits (case is ignored).
    Both find every single wrong character and nearly every transposition of two neighbours.

    Raises
    ------
    CodeError
        The code is empty or holds anything but ASCII letters and digits.

    Examples
    --------
    >>> check_character("0794")
    '5'
    >>> check_character("A12425GABC1234002")
    'M'
    """
    return str(check_characters([code])[0])


def check_characters(codes: ArrayLike) -> NDArray[np.str_]:
    """Return the check character of each code, as `check_character` does for one.

    Parameters
    ----------
    codes
        (n,) text.
    """
    values = character_values(np.asarray(codes, dtype=np.str_))
    present = values >= 0
    modulus = np.where((values > 9).any(axis=1), 36, 10)
    product = modulus.copy()
    for position in range(values.shape[1]):
        total = (product + values[:, position]) % modulus
        total[total == 0] = modulus[total == 0]
        product = np.where(present[:, position], total * 2 % (modulus + 1), product)
    alphabet = np.array(list(_ALPHABET), dtype=np.str_)
    characters: NDArray[np.str_] = alphabet[(1 - product) % modulus]
    return characters


def character_values(codes: NDArray[np.str_], *, shown: str | None = None) -> NDArray[np.int64]:
    """Return the value of each character: 0 to 9, 10 to 35 for letters, -1 behind the end.

    Parameters
    ----------
    codes
        (n,) text.
    shown
        What an error calls the code, if it is not the code itself.

    Returns
    -------
    ndarray
        (n, length of the longest).

    Raises
    ------
    CodeError
        A code that is empty or holds anything but ASCII letters and digits.
    """
    codes = np.ascontiguousarray(codes)
    if not codes.size:
        return np.empty((0, 0), dtype=np.int64)
    points = codes.view(np.uint32).reshape(len(codes), -1)
    table = np.full(128, -2, dtype=np.int64)
    for value, character in enumerate(_ALPHABET):
        table[[ord(character), ord(character.lower())]] = value
    table[0] = -1
    values = np.where(points < 128, table[np.minimum(points, 127)], -2)
    faulty = np.flatnonzero((values == -2).any(axis=1) | (values < 0).all(axis=1))
    if faulty.size:
        found = str(codes[faulty[0]]) if shown is None else shown
        raise CodeError(Message("error.code_ascii", code=found))
    return values
