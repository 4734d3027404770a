"""What leases are called: a site's engine, a running task, a mailbox."""

ENGINE_KEYS = "engine:"
"""What the keys of all engines' leases begin with."""
TASK_KEYS = "task:"
"""What the keys of all task leases begin with."""


def engine_key(site_code: str) -> str:
    """The lease of a site's one live engine."""
    return f"{ENGINE_KEYS}{site_code}"


def task_key(task_id: int) -> str:
    """The lease of a running task."""
    return f"{TASK_KEYS}{task_id}"


def task_of(key: str) -> int:
    """The task whose lease has this key."""
    return int(key.removeprefix(TASK_KEYS))


def mailbox_key(guid: str) -> str:
    """The lock of a mailbox, across all tasks and sites."""
    return f"mailbox:{guid}"
