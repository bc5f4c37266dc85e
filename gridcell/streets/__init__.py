"""Where people walk: the street network, how places are joined to it, and how far they are."""

from gridcell.streets.joined import Joined
from gridcell.streets.network import WalkingNetwork, build_network, walking_network

__all__ = ["Joined", "WalkingNetwork", "build_network", "walking_network"]
