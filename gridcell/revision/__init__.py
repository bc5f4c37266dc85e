"""A plan goes on: new data, codes that last, lineage, history."""
