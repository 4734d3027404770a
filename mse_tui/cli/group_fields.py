"""A group as 'name  value' lines: what an execution found, and who joined and left."""

from mse_tui.store.queries import ExecutionGroupRow
from mse_tui.widgets.wording import absolute, count, number

_STALE = " (the last good answer: the directory could not be asked)"


def group_fields(found: ExecutionGroupRow) -> list[tuple[str, object]]:
    """What one execution found."""
    parts = [found.name or found.kind.label, count(found.mailboxes, "mailbox", "mailboxes"), found.resolved_by]
    lines: list[tuple[str, object]] = [
        ("Group", ", ".join(filter(None, parts))),
        ("Asked", absolute(found.resolved) + (_STALE if found.stale else "")),
        *change_fields(found),
    ]
    return [*lines, ("Confirmed by", found.confirmed_by)] if found.confirmed_by else lines


def change_fields(found: ExecutionGroupRow) -> list[tuple[str, object]]:
    """How many there were at the run before, and who joined and left since."""
    if found.before is None:
        return [("Run before", "none")]
    lines: list[tuple[str, object]] = [("Run before", number(found.before))]
    for name, addresses in (("Joined", found.joined), ("Left", found.departed)):
        if addresses:
            lines.append((name, f"{number(len(addresses))}: {', '.join(addresses)}"))
    return lines
