"""What values of a plan are called: types, bands, roles, reasons of vacancies."""

from gridcell.words.catalogue import section


def term(key: str, lang: str) -> str:
    """Return a value of a plan in a language; one that is no term, as a role of your own, stays.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    return section("term", lang).get(key, key)
