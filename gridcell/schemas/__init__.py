"""JSON schemas of the files that other programs read and write."""
