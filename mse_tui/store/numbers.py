"""Numbers of new tasks and definitions: never one that was had before.

SQLite gives the number of the last row again once that row is gone. What a removed task left (stamps, the record of
what it took away) would then be taken for the new one's, which ends stamps that its own policies do not speak of.
"""

from mse_tui.store.models import database

_OF_DEFINITIONS = "definition "
"""How the subject of a definition's approval begins."""


def next_task_number() -> int:
    """Inside the transaction that enters the task."""
    return 1 + _highest(("task", "id"), ("retention_stamp", "task"), ("expiry", "task"))


def next_definition_number() -> int:
    """Inside the transaction that enters the definition."""
    highest = _highest(
        ("definition", "id"), ("retention_stamp", "definition"), ("expiry", "definition"),
        ("managed_folder", "definition"),
    )  # fmt: skip
    subjects = database.execute_sql(
        "SELECT subject FROM purge_approval WHERE subject LIKE ?", (f"{_OF_DEFINITIONS}%",)
    ).fetchall()
    approved = (int(subject.removeprefix(_OF_DEFINITIONS)) for (subject,) in subjects)
    return 1 + max(highest, *approved, 0)


def _highest(*columns: tuple[str, str]) -> int:
    asked = " UNION ALL ".join(f'SELECT MAX("{column}") AS n FROM "{table}"' for table, column in columns)  # noqa: S608 (names of ours)
    return int(database.execute_sql(f"SELECT COALESCE(MAX(n), 0) FROM ({asked})").fetchone()[0])  # noqa: S608 (as above)
