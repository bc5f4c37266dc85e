"""What is to be known of a street network before its distances are relied on."""

from collections.abc import Iterator

from gridcell.model import Finding
from gridcell.streets.network import WalkingNetwork
from gridcell.words.messages import Message


def street_findings(network: WalkingNetwork) -> Iterator[Finding]:
    """Yield what is true of a network as a whole.

    No streets at all, straight links between parts that do not meet, parts without any way between
    them.
    """
    if network.straight:
        yield Finding(
            kind="streets_none", severity="warning", text=Message("finding.streets_none")
        )  # fmt: skip
    if network.linked:
        yield Finding(
            kind="streets_linked", severity="note", measure=network.linked_m,
            text=Message("finding.streets_linked", n=network.linked, longest=network.linked_m),
        )  # fmt: skip
    if network.parts > 1:
        yield Finding(
            kind="streets_apart", severity="warning", measure=float(network.parts),
            text=Message("finding.streets_apart", parts=network.parts),
        )  # fmt: skip
