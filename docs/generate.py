"""Writes the pages that come from the code itself: docs/reasons.md, docs/keys.md."""

from pathlib import Path

from mse_tui.reasons import Reason, explain
from mse_tui.screens.keys import key_groups

DOCS = Path(__file__).parent


def reasons_page() -> str:
    """Every reason code, what it means and what to do, in the order of the code."""
    lines = [
        "# Reason codes",
        "",
        "Every failure and every skip has one. It is shown on the screens, in `mse-tui log`, in the engine's log and",
        "by every command that fails. *Expected* ones are listed and counted but do not colour the result.",
        "",
        "This page is made from the code by `make docs`.",
        "",
    ]
    for reason in Reason:
        explanation = explain(reason)
        title = f"## `{reason}`" + (" (expected)" if explanation.expected else "")
        lines += [title, "", explanation.happened, "", f"What to do: {explanation.remedy}", ""]
    return "\n".join(lines)


def keys_page() -> str:
    """Every key of every screen, from the declared commands."""
    lines = [
        "# Keys",
        "",
        "`?` shows those of the screen one is on. This page is made from the code by `make docs`.",
        "",
    ]
    for title, commands in key_groups():
        lines += [f"## {title}", "", "| key | command | what it does |", "| --- | --- | --- |"]
        lines += [f"| `{one.keys_shown}` | {one.label} | {one.help} |" for one in commands]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write the pages."""
    (DOCS / "reasons.md").write_text(reasons_page(), encoding="utf-8")
    (DOCS / "keys.md").write_text(keys_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
