"""``python -m gridcell_cli``: the command where no script is installed."""

from gridcell_cli.main import main

main()
