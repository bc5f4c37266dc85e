"""Layers to fabric: the atoms of the land and how they touch."""

from gridcell.fabric.build import build_fabric

__all__ = ["build_fabric"]
