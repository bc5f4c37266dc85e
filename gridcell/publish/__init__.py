"""What of a plan may leave the house: counts that give no small one away."""

from gridcell.publish.division import Division, Pieces
from gridcell.publish.make import MIN_THRESHOLD, THRESHOLD, Publication, publish_plan
from gridcell.publish.note import publication_note
from gridcell.publish.prove import prove_published

__all__ = [
    "MIN_THRESHOLD", "THRESHOLD", "Division", "Pieces", "Publication", "prove_published",
    "publication_note", "publish_plan",
]  # fmt: skip
