"""How groups and their members read, shared by the screens that show some."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mse_tui.store.queries import ExecutionGroupRow, GroupMembers
from mse_tui.terms import GroupKind
from mse_tui.widgets.lines import Cell, Column, Fact, Line, Tone, line
from mse_tui.widgets.wording import count, number, relative, when

MEMBER_COLUMNS = (Column("Mailbox", 30, grows=True), Column("", 22, 2), Column("", 18, 3, grows=True))
FOUND_COLUMNS = (Column("Group", 30, grows=True), Column("Kind", 22, 2), Column("Address or place", 24, 3, grows=True))

_NAMED = 5
"""Who joined or left, as far as a line holds them; mse-tui log and the list of members name all."""


def group_facts(group: ExecutionGroupRow, now: datetime) -> list[Fact]:
    """What an execution found its group to be, and what changed."""
    name = group.name or group.kind.label
    parts = [name, count(group.mailboxes, "mailbox", "mailboxes"), group.resolved_by]
    facts = [Fact("Group", ", ".join(filter(None, parts)))]
    if group.stale:
        asked = f"{when(group.resolved, now)}; the directory could not be asked since"
        facts.append(Fact("  last good answer", asked, Tone.WARN))
    if (changed := change_shown(group)) and group.before is not None:
        facts.append(Fact("  run before", changed, Tone.WARN if group.departed else Tone.PLAIN))
    if group.confirmed_by:
        facts.append(Fact("  confirmed by", group.confirmed_by))
    return facts


def change_shown(group: ExecutionGroupRow) -> str:
    """'12 mailboxes; joined 1: gerd@...; left 2: ...'; '' at the first run."""
    if group.before is None:
        return ""
    parts = [count(group.before, "mailbox", "mailboxes")]
    parts += [
        f"{word} {number(len(addresses))}: {_some(addresses)}"
        for word, addresses in (("joined", group.joined), ("left", group.departed))
        if addresses
    ]
    return "; ".join(parts)


def _some(addresses: Sequence[str]) -> str:
    more = f" and {number(len(addresses) - _NAMED)} more" if len(addresses) > _NAMED else ""
    return ", ".join(addresses[:_NAMED]) + more


def kept_lines(members: GroupMembers) -> Iterator[Line]:
    """Who left since the run before, who is in the group now, who in it is not processed and why."""
    for address in members.group.departed:
        left = Cell("left", Tone.BAD)
        yield line(f"left {address}", Cell(address, Tone.BAD), left, "was there at the run before", copies=address)
    joined = set(members.group.joined)
    for member in members.included:
        state = Cell("joined", Tone.GOOD) if member.address in joined else Cell(member.kind, Tone.DIM)
        name = _named(member.name, member.entry)
        yield line(f"in {member.address}", member.address, state, name, copies=member.address)
    for number_, skipped in enumerate(members.skipped):
        yield _skipped_line(number_, skipped.entry, skipped.reason, skipped.message)


def answer_lines(answer: Mapping[str, Any]) -> Iterator[Line]:
    """Who is in an answer of the engine; then who is not processed, and why."""
    for number_, one in enumerate(answer.get("included", [])):
        kind = Cell(one.get("kind", ""), Tone.DIM)
        address, name = one.get("address", ""), _named(one.get("name", ""), one.get("entry", ""))
        yield line(f"in {number_}", address, kind, name, copies=address)
    for number_, one in enumerate(answer.get("skipped", [])):
        yield _skipped_line(number_, one.get("entry", ""), one.get("reason", ""), one.get("message", ""))


def answer_shown(answer: Mapping[str, Any], now: datetime) -> str:
    """'12 mailboxes; skipped: 2. Security group, resolved by ... (asked 3 min ago; took 0.4 s).'"""
    text = count(len(answer.get("included", [])), "mailbox", "mailboxes")
    if skipped := len(answer.get("skipped", [])):
        text += f"; skipped: {skipped}"
    asked = _asked(answer, now)
    took = f"; took {answer['seconds']:.1f} s" if "seconds" in answer else ""
    text += f" (asked {asked}{took})."
    group = answer.get("group") or {}
    name = f"{group['name']}: " if group.get("name") else ""
    how = answer.get("resolved_by") or ("" if not group else GroupKind(answer["kind"]).label)
    return f"{text} {name}{how}." if how else text


def found_line(number_: int, group: Mapping[str, str]) -> Line:
    """A group to choose, for FOUND_COLUMNS."""
    place = group["address"] or group["where"]
    return line(f"group {number_}", Cell(group["name"], Tone.STRONG), Cell(group["kind"], Tone.DIM), place)


def _asked(answer: Mapping[str, Any], now: datetime) -> str:
    try:
        return relative(datetime.fromisoformat(str(answer.get("resolved_at", ""))), now)
    except ValueError:
        return "just now"


def _named(name: str, entry: str) -> str:
    return f"{name} (given as {entry})" if entry else name


def _skipped_line(number_: int, entry: str, reason: str, message: str) -> Line:
    return line(f"out {number_}", Cell(entry, Tone.WARN), Cell(reason, Tone.WARN), message, copies=entry)
