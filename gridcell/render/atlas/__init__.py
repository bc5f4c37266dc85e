"""Sheets for printing: an atlas of a plan, and contact cards."""

from gridcell.render.atlas.pdf import write_atlas, write_cards

__all__ = ["write_atlas", "write_cards"]
