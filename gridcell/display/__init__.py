"""A plan drawn from its frames alone: cards for notebooks, figures, plots and the map."""
