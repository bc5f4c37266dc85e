"""The editor in a notebook: edits made in the page come back to Python (`Plan.edit`)."""

from typing import Any, Final

import traitlets
from anywidget import AnyWidget

from gridcell.model import Plan
from gridcell.revision.editor import editor_page
from gridcell.revision.edits import Edit, edit_plan
from gridcell.revision.script import edits_of

_FRAME: Final = """
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 1px solid #cfc9bb`;
  frame.srcdoc = model.get("page");
  const heard = event => {
    if (event.source !== frame.contentWindow || !Array.isArray(event.data?.edits)) return;
    model.set("script", event.data.edits);
    model.save_changes();
  };
  window.addEventListener("message", heard);
  frame.onload = () => frame.contentWindow.postMessage({ load: model.get("script") }, "*");
  el.append(frame);
  return () => window.removeEventListener("message", heard);
}
export default { render };
"""
"""The page runs in a frame of its own, which can reach nothing of the notebook but this script."""


class PlanEditor(AnyWidget):
    """The editor of a plan in a notebook, and the edits made in it.

    Parameters
    ----------
    plan
        A plan that keeps its land.
    community, lang, height
        As for `gridcell.Plan.edit`, by which users get it.
    """

    _esm = _FRAME
    page = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(640).tag(sync=True)
    script: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """What ``edits.json`` would hold."""

    def __init__(
        self, plan: Plan, *, community: str | None = None, lang: str = "en", height: int = 640
    ) -> None:
        self.plan = plan
        super().__init__(page=editor_page(plan, community=community, lang=lang), height=height)

    @property
    def edits(self) -> list[Edit]:
        """What was edited so far, for `gridcell.edit_plan`."""
        script: list[Any] = list(self.script)
        return edits_of(script, self.plan.crs, "script")

    def apply(self) -> Plan:
        """Return the plan after the edits, each proven and in its history.

        Raises
        ------
        InputError
            As `gridcell.edit_plan`.
        """
        return edit_plan(self.plan, self.edits)
