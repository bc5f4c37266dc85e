"""Plans to look at: `map.draw_map` and `map.write_map`."""
