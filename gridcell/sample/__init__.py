"""Synthetic towns in the input formats, for trying, testing and benchmarking."""

from gridcell.sample.files import write_sample
from gridcell.sample.planners import write_planners_sample
from gridcell.sample.presets import hecheng, planners
from gridcell.sample.spec import CommunitySpec, Sample
from gridcell.sample.town import build_town, make_sample

__all__ = [
    "CommunitySpec",
    "Sample",
    "build_town",
    "hecheng",
    "make_sample",
    "planners",
    "write_planners_sample",
    "write_sample",
]
