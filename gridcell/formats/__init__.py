"""File formats, one module each: a plan and its cells written, and read back."""
