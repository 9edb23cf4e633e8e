"""What axe-core finds wrong with a page as it stands in the browser."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

__all__ = ["serious_faults"]

SCRIPT = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async (rules) => {
  const options = { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) };
  const { violations } = await axe.run(document, options);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical");
}"""


def serious_faults(page: Page, *rules: str) -> list[str]:
    """Each element with a fault of impact serious or critical, as one line; nothing is excepted, Streamlit's own
    elements neither.

    Args:
        page: as it stands, its components in their shadow roots included.
        rules: of axe; all of them where none is named.
    """
    if not page.evaluate("Boolean(globalThis.axe)"):
        page.add_script_tag(path=SCRIPT)
    return [
        f"{fault['id']}: {_place(node)}: {' '.join(node['failureSummary'].split())}"
        for fault in page.evaluate(_RUN, list(rules) or None)
        for node in fault["nodes"]
    ]


def _place(node: dict[str, Any]) -> str:
    """Selector of an element, that of each shadow root's host before it."""
    return " ".join(part if isinstance(part, str) else " ".join(part) for part in node["target"])
