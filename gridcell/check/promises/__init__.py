"""What a plan promises, by subject; `gridcell.check.plan` goes through all of it."""
