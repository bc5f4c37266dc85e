"""Makes the pictures of README and docs from the bundled sample, with headless Chromium.

Run in the repository, with gridcell installed: ``python docs/make_pictures.py``.
"""

import subprocess
import tempfile
from pathlib import Path

import gridcell

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "samples" / "hecheng"
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1500,950", "--virtual-time-budget=8000",
)  # fmt: skip


def main() -> None:
    layers = gridcell.read_layers(
        SAMPLE / "communities.shp",
        SAMPLE / "buildings.shp",
        households=SAMPLE / "households.csv",
        sites=SAMPLE / "sites.shp",
        barriers=[SAMPLE / "roads.shp", SAMPLE / "rivers.shp"],
        staff=SAMPLE / "staff.csv",
    )
    plan = gridcell.make_plan(layers)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "map.html"
        gridcell.write_map(plan, page)
        picture = ROOT / "docs" / "images" / "hecheng.png"
        subprocess.run(
            [*CHROMIUM, f"--user-data-dir={folder}/profile", f"--screenshot={picture}",
             page.as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip
        print(picture)


if __name__ == "__main__":
    main()
