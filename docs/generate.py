"""Writes what comes from the code itself: docs/troubleshooting.md, docs/keys.md, the keys in docs/screens/."""

import re
from collections.abc import Iterable
from pathlib import Path

from mse_tui.reasons import Reason, explain
from mse_tui.screens.keys import SCREENS, key_groups
from mse_tui.widgets.commands import EVERYWHERE, LIST_KEYS, STEPS, Command

DOCS = Path(__file__).parent
SCREEN_PAGES = DOCS / "screens"

_GROUPS = {
    Reason.SERVER_UNREACHABLE: (
        "Exchange can't be reached, or refuses the account",
        "The execution, or the mailbox, is red. `mse-tui doctor` looks at all of it, step by step.",
    ),
    Reason.MAILBOX_NOT_FOUND: (
        "One mailbox is red, skipped or waits",
        "The execution goes on with the next mailbox.",
    ),
    Reason.ITEM_CORRUPT: (
        "Items were skipped or failed",
        "Failed ones colour the mailbox orange, are listed with it and are tried again at each execution.",
    ),
    Reason.NOT_ARCHIVED: (
        "An item was not stubbed or deleted",
        "Counted by reason, and left exactly as it is.",
    ),
    Reason.RETENTION_LIMITS: ("Retention is not as expected", ""),
    Reason.GROUP_EMPTY: (
        "The group of a task is not as expected",
        "What says that the group itself is wrong ends the execution red, and nothing is touched. What says why one"
        " member was left out is listed, and colours the result orange unless it is expected.",
    ),
    Reason.TRUSTEE_UNKNOWN: ("Permissions were not followed", ""),
    Reason.ARCHIVE_UNREADABLE: (
        "The archive or the database complains",
        "Nothing is taken out of a mailbox while it does.",
    ),
    Reason.CONFIGURATION_INVALID: (
        "mse-tui refuses a command, or does not start",
        "The exit code is 2; 64 where something was typed wrongly, 75 where another holds the lock"
        " (`engine-running-elsewhere`, `mailbox-locked`) or the task runs already (`task-running`).",
    ),
    Reason.STOPPED: ("An execution ended early, or none began", ""),
}
"""With which reason each group begins, in the order of the codes: what a person sees, and what that means."""

_TROUBLESHOOTING = """\
# Troubleshooting

Every failure and every skip has a reason code. It stands beside the result on the screens, in the engine's log, in
`mse-tui log --execution` and under every command that fails. Look it up here: what happened, what to do. *Expected*
ones are listed and counted, and colour nothing.

Where to begin: `mse-tui status` says what needs attention, `mse-tui doctor` checks configuration, server, account and
disk, and `mse-tui log --engine --level warning` what the engine met.

This page is made from the code by `make docs`.
"""

_BLOCK = re.compile(r"(<!-- keys: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def troubleshooting_page() -> str:
    """Every reason code by what a person sees: what happened and what to do."""
    lines = [_TROUBLESHOOTING]
    for reason in Reason:
        if reason in _GROUPS:
            title, text = _GROUPS[reason]
            lines += [f"## {title}", "", *([text, ""] if text else [])]
        explanation = explain(reason)
        title = f"### `{reason}`" + (" (expected)" if explanation.expected else "")
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
        lines += [f"## {title}", "", *_table(commands), ""]
    return "\n".join(lines)


def screen_page(text: str) -> str:
    """A page of a screen with its tables of keys as they are now."""
    return _BLOCK.sub(lambda found: found[1] + "\n".join([*_table(_keys_of(found[2])), found[3]]), text)


def documented_screens() -> set[str]:
    """The places that some page of a screen has the keys of."""
    pages = (page.read_text(encoding="utf-8") for page in SCREEN_PAGES.glob("*.md"))
    return {found[2] for page in pages for found in _BLOCK.finditer(page)}


def _keys_of(place: str) -> Iterable[Command]:
    shared = {"Everywhere": EVERYWHERE, "In lists": (*LIST_KEYS, *STEPS)}
    return shared[place] if place in shared else SCREENS[place].KEYS


def _keys(command: Command) -> str:
    """Each key as one, such as '`j`, `Down`'."""
    return ", ".join(f"`{key}`" for key in command.keys_shown.split(" "))


def _table(commands: Iterable[Command]) -> list[str]:
    rows = [f"| {_keys(one)} | {one.label} | {one.help} |" for one in commands]
    return ["| key | command | what it does |", "| --- | --- | --- |", *rows] if rows else []


def main() -> None:
    """Write the pages."""
    (DOCS / "troubleshooting.md").write_text(troubleshooting_page(), encoding="utf-8")
    (DOCS / "keys.md").write_text(keys_page(), encoding="utf-8")
    for page in SCREEN_PAGES.glob("*.md"):
        page.write_text(screen_page(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
