"""Towns that are always the same, for the documentation and the tests."""

from typing import Final

from gridcell.sample.spec import CommunitySpec, Sample, command_of
from gridcell.sample.town import build_town

HECHENG_SEED = 6
PLANNERS_SEED = 10

HECHENG_NOTES: Final = (
    """\
Codes and names of the four communities are real ones of Gangbei district, Guigang, Guangxi.
Outlines, streets, buildings, sites, households and staff are invented: nothing here is where it is
in reality, nobody exists.""",
    """\
荷城社区 (450802001013) has 23,797 households and 25 sites, and is to have 38 small and 674 micro
cells. 3 of its micro chiefs and 1 chief of a dedicated cell are missing on purpose: a good plan
lists them as vacancies. Its other roles are filled: 1 community chief, 2 workers, 1 police officer,
38 small chiefs. Some people hold two roles.""",
    "龙圣社区 is south of the river: villages, few streets, scattered houses.",
)


def hecheng(seed: int = HECHENG_SEED) -> Sample:
    """Return the town around 荷城社区, code 450802001013.

    It has exactly 23,797 households and 25 sites, and is to be divided into 38 small and 674 micro
    cells; three neighbours complete the town, one of them villages on the other bank of the river.
    Codes and names are real, everything else is invented.

    Parameters
    ----------
    seed
        Random seed: the same gives the same town, another one another town with the same figures.
    """
    street = "450802001"
    specs = [
        CommunitySpec(code=f"{street}012", quarter="永新", households=7_214, sites=8),
        CommunitySpec(
            code=f"{street}013", quarter="荷城", households=23_797, sites=25,
            n_small=38, n_micro=674, missing_micro=3, missing_dedicated=1,
        ),
        CommunitySpec(
            code=f"{street}014", quarter="港宁", households=5_486, sites=6, missing_micro=2
        ),
        CommunitySpec(code=f"{street}015", quarter="龙圣", households=3_108, sites=4, south=True),
    ]  # fmt: skip
    return build_town(
        specs,
        seed=seed,
        south_urbanity=0.2,
        title="荷城社区 and its neighbours, a synthetic town",
        command=command_of(preset="hecheng", **({} if seed == HECHENG_SEED else {"seed": seed})),
        notes=HECHENG_NOTES,
    )


def planners() -> Sample:
    """Return a town of two communities and 1,500 households for `write_planners_sample`."""
    street = "450802001"
    specs = [
        CommunitySpec(code=f"{street}018", quarter="凤凰", households=960, sites=2),
        CommunitySpec(code=f"{street}020", quarter="西江", households=540, sites=1, south=True),
    ]
    return build_town(
        specs,
        seed=PLANNERS_SEED,
        south_urbanity=0.9,
        title="凤凰社区 and 西江社区, a synthetic town",
        command=command_of(preset="gbk_cgcs2000"),
    )
