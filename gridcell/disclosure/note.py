"""What every published file says of itself."""

from gridcell.words.catalogue import text


def publication_note(threshold: int, lang: str = "en") -> str:
    """Return the note in an output language."""
    return text("note.publication", lang).format(most=threshold - 1)
