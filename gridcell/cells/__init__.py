"""Cells: polygons that share their borders, their codes, and the columns they have."""
