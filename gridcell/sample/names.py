"""Invented but ordinary names of communities, streets and sites."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

QUARTERS: Final = (
    "荷城", "永新", "港宁", "龙圣", "南平", "东湖", "三合", "震塘", "凤凰", "西江", "安居",
    "布山", "新华", "新城", "石牛", "罗泊", "江北", "城中", "永明", "和平", "建设", "民生",
    "中山", "文化", "解放", "富民", "长兴", "福安", "东升", "西湖", "南江", "北环", "桃园",
    "兴港", "金湾", "银河", "春晖", "锦绣", "平安", "盛世", "康宁", "友谊", "光明", "胜利",
    "团结", "红旗", "前进", "新村", "五里", "大圩", "仁厚", "清泉", "云岭", "翠屏", "丽水",
    "青山", "碧江", "双桥", "石桥", "古榕",
)  # fmt: skip
"""Names of communities, without 社区; used again with a number when they run out."""

ARTERIALS: Final = (
    "金港大道", "荷城路", "中山路", "江北大道", "桂林路", "迎宾大道", "民族大道", "郁江大道",
    "仙衣路", "同济大道", "布山大道", "西江大道", "建设路", "和平路", "民生路", "解放路",
    "人民路", "南山路", "北环路", "教育路", "港北大道", "罗泊湾大道", "江南大道", "登龙桥路",
)  # fmt: skip
STREETS: Final = (
    "永明街", "建政街", "达开街", "东湖街", "文化街", "新华街", "仓储街", "凤凰街", "石羊塘街",
    "棉新街", "荷塘街", "榕树街", "桃花街", "金田街", "长安街", "福康街", "富源街", "锦泰街",
    "丹桂街", "兴业街", "兴隆街", "永福街", "平江街", "北宁街", "龙兴街", "吉祥街", "永乐街",
    "学府街",
)  # fmt: skip
LANES: Final = (
    "榕荫巷", "莲塘巷", "水井巷", "祠堂巷", "石板巷", "竹园巷", "米行巷", "书院巷", "糖行巷",
    "渡口巷", "菜园巷", "码头巷",
)  # fmt: skip
RIVER: Final = "郁江"

SITES: Final[dict[str, tuple[str, ...]]] = {
    "school": (
        "{}小学", "{}中学", "{}幼儿园", "{}第二小学", "{}实验学校",
        "{}职业学校", "{}第二中学", "{}中心幼儿园",
        "{}第三小学", "{}第二幼儿园", "{}第三中学", "{}特殊教育学校",
    ),
    "hospital": ("贵港市第三人民医院", "{}社区卫生服务中心", "{}中医医院", "{}妇幼保健院"),
    "mall": ("{}购物中心", "{}农贸市场", "{}商贸城", "{}家居广场"),
    "factory": ("{}纺织厂", "{}木业加工厂", "{}制糖厂", "{}机械厂"),
    "government": (
        "{}街道办事处", "{}派出所", "{}政务服务中心", "{}供电所", "{}税务所", "{}消防救援站",
    ),
}  # fmt: skip
"""Names of sites by category, of which the community's name is a part."""


def community_names(n: int) -> list[str]:
    """Return n different names of communities, without 社区."""
    return [QUARTERS[i % len(QUARTERS)] + _numeral(i // len(QUARTERS)) for i in range(n)]


def site_name(category: str, nth: int, quarter: str, town_nth: int) -> str:
    """Return the name of the nth site of a category in a quarter, the `town_nth` of its town."""
    names = SITES[category]
    round_, which = divmod(nth, len(names))
    # There is one such site in the town; elsewhere stands an ordinary one.
    plain = "{}" not in names[which] and town_nth > 0
    name = ("{}人民医院" if plain else names[which]).format(quarter)
    return f"{name}（{_numeral(round_)}部）" if round_ else name


def street_names(rank: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.object_]:
    """Return a different name for each street; 0 is an arterial, 1 a street, 2 a lane."""
    result = np.full(len(rank), "", dtype=object)
    for value, names in enumerate((ARTERIALS, STREETS, LANES)):
        rows = np.flatnonzero(rank == value)
        order = rng.permutation(len(names))
        result[rows] = [
            _next_street(names[order[k % len(names)]], k // len(names)) for k in range(len(rows))
        ]
    return result


def _next_street(name: str, times: int) -> str:
    """Put a number where people do: 榕荫二巷, 金港大道二段."""
    if times == 0:
        return name
    if name.endswith("大道"):
        return f"{name}{_numeral(times)}段"
    return f"{name[:-1]}{_numeral(times)}{name[-1]}"


def _numeral(times: int) -> str:
    if times == 0:
        return ""
    return "二三四五六七八九十"[times - 1] if times < 10 else str(times + 1)
