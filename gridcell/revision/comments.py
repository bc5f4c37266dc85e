"""Comments on cells: said in the history of a plan, changing nothing else."""

import json

from gridcell.model import Plan

_COMMENT = "comment "


def comment_command(cell: str, text: str) -> str:
    """Return the comment as a command, on one line whatever its text."""
    return f"{_COMMENT}{cell} {json.dumps(text, ensure_ascii=False)}"


def comments_of(plan: Plan) -> list[tuple[str, str]]:
    """Return code and text of every comment in the history of a plan, the earliest first."""
    edits = plan.history.loc[plan.history["operation"] == "edit", "command"]
    told = [command.split(" ", 2) for command in edits if command.startswith(_COMMENT)]
    return [(cell, json.loads(text)) for _, cell, text in told]
