"""Where people walk: the street network, how places are joined to it, and how far they are."""

from gridcell.streets.findings import street_findings
from gridcell.streets.joined import Joined
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
    "street_findings",
    "walking_network",
]
