"""Who did what: one entry for every create, change, removal, command and look into a person's archive."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.access.people import who
from mse_tui.access.roles import Role, needs
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import Site

__all__ = ["audit", "changes", "may_see", "record_beside", "verify", "who"]


class _Beside:
    """Where entries go instead of into the database."""

    file: Path | None = None


def audit(action: str, subject: str, before: object = "", after: object = "", *, by: str = "") -> None:
    """Write one entry, in the transaction of the change it tells of. Mappings are kept as JSON.

    `by` names who did it where that is not the user that this process runs as.
    """
    if _Beside.file is not None:
        _record(_Beside.file, Entry(now(), by or who(), action, subject, _written(before), _written(after)))
        return
    with writing():
        entry = Entry(now(), by or who(), action, subject, _written(before), _written(after))
        audit_chain.append(_site_code(), entry)


def record_beside(path: Path | None) -> None:
    """From now on entries go into this file, a line of JSON each: the database is a backup's, which stays as it is.

    None: they go into the database.
    """
    _Beside.file = path


def _record(path: Path, entry: Entry) -> None:
    """Raises Problem read-only where it can't be recorded: then nothing is looked at."""
    line = json.dumps({**asdict(entry), "moment": entry.moment.isoformat()}, ensure_ascii=False)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Problem(
            Reason.READ_ONLY,
            f"Looks into archived mail are recorded in {path}, which can't be written: {error.strerror}.",
            "Copy the backup to a directory of yours on a disk that takes writes, and look there.",
        ) from error


@needs(Role.AUDITOR)
def may_see() -> None:
    """Raises Problem role-missing for those whose business the audit is not."""


@needs(Role.AUDITOR)
def verify(kept_head: str = "") -> audit_chain.Verification:
    """Check this site's audit; `kept_head` is the digest of a head that was kept elsewhere ('' for none)."""
    return audit_chain.verify(_site_code(), kept_head)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, before and after: what an entry of a change keeps."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before[key] for key in keys if key in before}, {key: after[key] for key in keys if key in after}


def _site_code() -> str:
    """Whose chain it is: this database's own site."""
    row = Site.select(Site.code).order_by(Site.id).first()
    return row.code if row else ""


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
