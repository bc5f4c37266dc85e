"""Every message of every test is said in every language; no test asks for that of the computer."""

import os

import pytest
from hypothesis import HealthCheck, settings

from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message, say

# How fast a machine makes examples is no promise of ours.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def english_unless_told_otherwise() -> None:
    for name in ("GRIDCELL_LANG", "LANGUAGE", "LC_MESSAGES", "LANG"):
        os.environ.pop(name, None)
    os.environ["LC_ALL"] = "C.UTF-8"


@pytest.fixture(autouse=True, scope="session")
def nobody_cuts_the_power() -> None:
    """Waiting for the disk takes longer than writing these small files."""
    os.fsync = lambda _file: None


@pytest.fixture(autouse=True, scope="session")
def every_message_has_words() -> None:
    make = Message.__init__

    def checked(self: Message, msgid: str, /, **params: object) -> None:
        make(self, msgid, **params)
        for lang in LANGUAGES:
            say(self, lang)

    Message.__init__ = checked  # type: ignore[method-assign]
