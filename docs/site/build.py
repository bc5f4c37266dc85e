"""Builds the documentation as a folder of HTML that works from disk: nothing is fetched.

Run in the repository, with the group ``docs`` installed: ``python docs/site/build.py -o out/docs``.
Pages that people write are in ``docs/``; the reference is made from the code (``reference.py``).
Warnings are errors.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import pages
import reference

SITE = Path(__file__).resolve().parent
CONTENTS = pages.DOCS / "README.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=pages.ROOT / "out" / "docs")
    parser.add_argument("--keep", type=Path, help="folder for the sources that Sphinx reads")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = asked.keep or Path(scratch) / "source"
        put_together(source)
        if asked.output.exists():
            shutil.rmtree(asked.output)
        command = (
            sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q",
            "-c", SITE, "-d", Path(scratch) / "doctrees", source, asked.output,
        )  # fmt: skip
        done = subprocess.run(list(map(str, command)), check=False)
    if done.returncode == 0:
        print(f"{asked.output / 'index.html'}: {len(list(asked.output.rglob('*.html')))} pages")
    return done.returncode


def put_together(source: Path) -> None:
    """Write all pages into a folder: those of people with their links, and the reference."""
    places = pages.places()
    for page, place in places.items():
        text = relinked(page.read_text("utf-8"), page, place, places)
        target = source / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    shutil.copytree(pages.DOCS / "images", source / "images", dirs_exist_ok=True)
    made = reference.write_reference(source)
    sections = pages.sections(CONTENTS.read_text("utf-8"))
    for section in sections:
        entries = [*section.entries, *made.get(section.title, [])]
        write_section(source, section, entries, places)
    with (source / "index.md").open("a", encoding="utf-8") as index:
        names = "\n".join(section.place for section in sections)
        index.write(f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n")


def write_section(
    source: Path, section: pages.Section, entries: list[pages.Entry], places: dict[Path, str]
) -> None:
    """Write the page of a section: what is in it, and the order of its pages."""
    lines = [f"# {section.title}", "", section.prose, ""]
    names = []
    for entry in entries:
        place = entry.target
        if isinstance(place, Path):
            place = places[place]
        if place != "index.md":
            names.append(f"{entry.title} <{place.removesuffix('.md')}>")
        lines.append(f"- [{entry.title}]({place}){entry.says}")
    text = relinked("\n".join(lines), CONTENTS, f"{section.place}.md", places, kept=True)
    names_of_pages = "\n".join(names)
    tree = f"\n\n```{{toctree}}\n:hidden:\n\n{names_of_pages}\n```\n"
    (source / f"{section.place}.md").write_text(text + tree, "utf-8")


def relinked(
    text: str, page: Path, place: str, places: dict[Path, str], *, kept: bool = False
) -> str:
    """Return a page with links that lead to where the pages are on the site.

    What is no page of the site is named and not linked.
    """
    depth = "../" * place.count("/")

    def link(found: re.Match[str]) -> str:
        mark, words, target = found.group(1, 2, 3)
        address, _, anchor = target.partition("#")
        if "://" in target or not address or (kept and not address.startswith("..")):
            return found.group()
        file = (page.parent / unquote(address)).resolve()
        anchor = anchor and f"#{anchor}"
        if file == CONTENTS:
            return f"[{words}]({depth}index.md)"
        if file in places:
            return f"{mark}[{words}]({depth}{places[file]}{anchor})"
        if file.is_relative_to(pages.DOCS / "images"):
            return f"{mark}[{words}]({depth}images/{file.name})"
        if not file.exists():
            raise SystemExit(f"{page}: {target} is not there")
        return words if words.startswith("`") else f"{words} (`{file.relative_to(pages.ROOT)}`)"

    def outside_code(part: str) -> str:
        return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", link, part)

    parts = re.split(r"(^```.*?^```\s*?$|`[^`\n]+`(?!\]))", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("`") else outside_code(part) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
