"""What the values of a plan are called: one table for all languages."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gridcell.errors import InputError
from gridcell.partition import reasons
from gridcell.rules import Rules
from gridcell.staff.assign import CAPACITY, NOBODY
from gridcell.words.maps import words
from gridcell.words.sheets import atlas_words
from gridcell.words.terms import LANGUAGES, TERMS, say_reason, term


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


@pytest.mark.parametrize("above", ["community", "small grid"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", ["building", "given"])
def test_every_reason_that_a_division_gives_is_said_in_chinese(
    monkeypatch: pytest.MonkeyPatch, above: str, whole: bool, kind: str
) -> None:
    # Households of the pieces of each cell, those on its land, neighbours tried in vain.
    cells = [
        ([64], 500, 0), ([12], 12, 0), ([20, 35], 55, 0), ([0], 500, 0), ([20], 500, 0),
        ([11, 13], 500, 1), ([30, 31], 500, 3),
    ]  # fmt: skip
    cell = np.repeat(np.arange(len(cells)), [len(held) for held, _, _ in cells])
    fabric = SimpleNamespace(
        pieces=pd.DataFrame({
            "atom": np.arange(len(cell)), "building": np.arange(len(cell)),
            "households": np.concatenate([held for held, _, _ in cells]),
        }),
        atoms=pd.DataFrame({"kind": [kind] * len(cell)}),
    )  # fmt: skip
    n = len(cells)
    land = SimpleNamespace(share=np.array([s for _, s, _ in cells]), whole=np.full(n, whole))
    monkeypatch.setattr(reasons._Land, "of", lambda *_: land)
    level = reasons._Level(
        cell=cell, parent=np.zeros(n, dtype=int), community=np.zeros(n, dtype=int),
        dedicated=np.zeros(n, dtype=bool), above=above,
        neighbours_tried=np.array([t for _, _, t in cells]),
    )  # fmt: skip
    targets = SimpleNamespace(low=np.array([30.0]), high=np.array([50.0]))
    ids = np.array([f"B 第{i}栋 7" for i in range(len(cell))], dtype=object)
    given = reasons._explain(fabric, level, targets, ids).reason.tolist()
    assert len(set(given)) == n
    for reason in given:
        said = say_reason(reason, "zh")
        assert has_chinese(said)
        assert not any(word.isalpha() and word.isascii() for word in said.replace("B", "").split())
        numbers = "".join(c if c.isdigit() else " " for c in reason).split()
        assert all(number in said for number in numbers), (reason, said)
        assert say_reason(reason, "en") == reason


def test_reasons_of_somebody_else_and_roles_of_your_own_stay_as_they_are() -> None:
    for lang in LANGUAGES:
        assert say_reason("the river", lang) == "the river"
        assert term("porter", lang) == "porter"


def test_every_role_of_the_rules_and_reason_of_a_vacancy_has_a_name() -> None:
    usual = [*(role.name for role in Rules().staffing), CAPACITY, NOBODY]
    assert all(has_chinese(term(key, "zh")) for key in usual)
    assert all(not has_chinese(english) and has_chinese(zh) for english, zh in TERMS.values())


def test_another_language_is_refused_everywhere() -> None:
    for ask in (
        words,
        atlas_words,
        lambda lang: term("in", lang),
        lambda lang: say_reason("", lang),
    ):
        with pytest.raises(InputError, match="language 'fr': expected one of en, zh"):
            ask("fr")
