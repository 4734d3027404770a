"""A directory's answer as JSON values: for people who asked, and, in fewer words, for the cache and the database."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mse_tui.directory.directory import Group, Member, Membership, SkippedEntry
from mse_tui.reasons import Reason
from mse_tui.terms import GroupKind


def membership_as_json(found: Membership) -> dict[str, Any]:
    """An answer as people are given it.

    included [{address, name, kind, entry}], skipped [{entry, reason, message}], resolved_at, resolved_by, kind,
    group {key, name, address, where, kind} or null.
    """
    return {
        "included": [member._asdict() for member in found.included],
        "skipped": [
            {"entry": skipped.entry, "reason": str(skipped.reason), "message": skipped.message}
            for skipped in found.skipped
        ],
        "resolved_at": found.resolved_at.isoformat(),
        "resolved_by": found.resolved_by,
        "kind": str(found.kind),
        "group": None if found.group is None else group_as_json(found.group),
    }


def membership_to_keep(found: Membership) -> dict[str, Any]:
    """An answer to be read again soon and often: members and skipped entries are lists of their values."""
    return {
        "included": found.included,
        "skipped": [(skipped.entry, str(skipped.reason), skipped.message) for skipped in found.skipped],
        "resolved_at": found.resolved_at.isoformat(),
        "resolved_by": found.resolved_by,
        "kind": str(found.kind),
        "group": None if found.group is None else group_as_json(found.group),
    }


def membership_kept(value: Mapping[str, Any]) -> Membership:
    """What `membership_to_keep` gave. Raises KeyError, TypeError, ValueError for anything else."""
    return Membership(
        tuple(map(Member._make, value["included"])),
        tuple(SkippedEntry(entry, Reason(reason), message) for entry, reason, message in value["skipped"]),
        datetime.fromisoformat(value["resolved_at"]),
        value["resolved_by"],
        GroupKind(value["kind"]),
        None if value["group"] is None else Group(**value["group"]),
    )


def group_as_json(group: Group) -> dict[str, str]:
    """A group as JSON values: key, name, address, where, kind."""
    return asdict(group)


def digest(addresses: Iterable[str]) -> str:
    """Names an answer by the mailboxes that it includes, whatever their order."""
    return hashlib.sha256("\n".join(sorted(addresses)).encode()).hexdigest()
