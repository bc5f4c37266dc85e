"""The version of gridcell, alone, so that any module can have it."""

__version__ = "0.1.0"
