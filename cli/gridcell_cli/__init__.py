"""The command line of gridcell: one file a command, which parses, makes one call and prints."""
