"""Where people walk: the street network, how places are joined to it, and how far they are."""

from gridcell.streets.findings import street_findings
from gridcell.streets.joined import Joined, straight_pairs
from gridcell.streets.network import (
    WalkingNetwork,
    build_network,
    network_of_rules,
    walking_network,
)

__all__ = [
    "Joined",
    "WalkingNetwork",
    "build_network",
    "network_of_rules",
    "straight_pairs",
    "street_findings",
    "walking_network",
]
