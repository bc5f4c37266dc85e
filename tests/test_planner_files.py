"""Files that a planner might send: the households of the truth, or a message that names the column.

``GRIDCELL_PLANNER_FILES=1000`` tries so many of them.
"""

import os
import warnings
from pathlib import Path

import pytest
from planner_files import judge, make_case

COUNT = int(os.environ.get("GRIDCELL_PLANNER_FILES", "30"))


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_file_is_read_as_it_is_meant_or_asked_about(seed: int, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        # GDAL cuts the names of shapefiles, and says so.
        warnings.simplefilter("ignore")
        case = make_case(seed, tmp_path)
    said = judge(case)
    assert said in ("true", "told"), (case.traits, case.columns)
    assert not (case.is_clear and said == "told"), (case.traits, case.columns)
