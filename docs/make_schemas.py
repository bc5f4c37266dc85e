"""Write the JSON schemas into gridcell/schemas: ``python docs/make_schemas.py``."""

from pathlib import Path

import gridcell.schemas
from gridcell.schemas.files import MODELS, as_text, make_schema

FOLDER = Path(gridcell.schemas.__file__).parent


if __name__ == "__main__":
    for name in MODELS:
        file = FOLDER / f"{name}.schema.json"
        file.write_text(as_text(make_schema(name)), "utf-8", newline="\n")
        print(file)
