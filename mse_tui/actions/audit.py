"""Who did what: one entry for every create, change, removal, command and look into a person's archive."""

import json
import os
import pwd
from collections.abc import Mapping
from typing import Any

from mse_tui.store.database import now, writing
from mse_tui.store.models import Audit


def who() -> str:
    """The system user behind this process; 'root (ann)' where ann became root by sudo."""
    uid = os.geteuid()
    name = _name_of(uid)
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} ({behind})" if uid == 0 and behind and behind != name else name


def audit(action: str, subject: str, before: object = "", after: object = "") -> None:
    """Write one entry, in the transaction of the change it tells of. Mappings are kept as JSON."""
    with writing():
        Audit.create(
            moment=now(), who=who(), action=action, subject=subject, before=_written(before), after=_written(after)
        )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, before and after: what an entry of a change keeps."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before[key] for key in keys if key in before}, {key: after[key] for key in keys if key in after}


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
