"""The words of every language: terms of a plan, of columns, of maps and sheets."""
