"""Where service points stand: goals solved on distances, tiers of points in a plan."""

from gridcell.siting.goals import SiteChoice, choose_sites
from gridcell.siting.place import place_points

__all__ = ["SiteChoice", "choose_sites", "place_points"]
