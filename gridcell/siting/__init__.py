"""Where service points stand: goals solved on distances, tiers of points in a plan."""

from gridcell.siting.goals import SiteChoice, choose_sites

__all__ = ["SiteChoice", "choose_sites"]
