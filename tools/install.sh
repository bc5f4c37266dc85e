#!/bin/sh
# Installs gridcell into the folder .venv beside this file. No network is used.
set -eu
cd "$(dirname "$0")"
python=python@PYTHON@
command -v "$python" >/dev/null 2>&1 || {
  echo "Python @PYTHON@ is needed: install it first, then start this file again." >&2
  exit 1
}
"$python" -m venv .venv
.venv/bin/python -m pip install --no-index --find-links wheels "gridcell[@EXTRAS@]"
echo
echo "Installed. The command is $PWD/.venv/bin/gridcell; try it with:"
echo "  .venv/bin/gridcell inspect samples/gbk_cgcs2000/communities.shp"
