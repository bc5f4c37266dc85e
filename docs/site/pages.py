"""Which pages the documentation has, and in which order: ``docs/README.md`` says so."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_ELSEWHERE = {
    "README.md": "index.md",
    "README.zh.md": "zh/index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "notebooks/README.md": "notebooks.md",
    "benchmarks/README.md": "benchmark-data.md",
}
"""Pages that are read outside of ``docs/`` too, and where they are on the site."""


@dataclass(frozen=True)
class Entry:
    """A page in the contents."""

    title: str
    target: Path | str
    """A file of the repository, or a page of the site that is made from the code."""
    says: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the contents."""

    title: str
    prose: str
    entries: list[Entry]

    @property
    def place(self) -> str:
        """Its page on the site."""
        return f"section-{self.title.lower().replace(' ', '-')}"


def places() -> dict[Path, str]:
    """Return every page that somebody wrote, and its place on the site."""
    found = {ROOT / name: place for name, place in _ELSEWHERE.items()}
    for page in sorted(DOCS.rglob("*.md")):
        if page != DOCS / "README.md":
            found[page] = page.relative_to(DOCS).as_posix()
    return found


def sections(text: str) -> list[Section]:
    """Return the sections of the contents: headings, a paragraph, links with what they say."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        rows = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\)(.*(?:\n  .*)*)", rest, re.MULTILINE)
        prose = re.split(r"^- ", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()
        entries = [Entry(name, (DOCS / link).resolve(), says) for name, link, says in rows]
        found.append(Section(title.strip(), prose, entries))
    return found
