"""Write the table of column names into docs/first-contact.md: ``python docs/make_aliases.py``."""

from pathlib import Path

from gridcell.schema import ALIASES, LAST_ALIASES

PAGE = Path(__file__).with_name("first-contact.md")
BEGIN, END = "<!-- names: python docs/make_aliases.py -->", "<!-- end of names -->"


def table() -> str:
    """Return the names of every column of every input, in Markdown."""
    lines = []
    for role, names in ALIASES.items():
        lines += [
            f"**{role}**",
            "",
            "| | found as | else, where it tells rows apart |",
            "|---|---|---|",
        ]
        for name, aliases in names.items():
            last = LAST_ALIASES.get(role, {}).get(name, ())
            lines.append(f"| `{name}` | {', '.join(aliases[1:])} | {', '.join(last)} |")
        lines.append("")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """Return the page with the table of now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
