"""What log lines are about: site, task, execution, mailbox. Said once around the work, put on each record of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SUBJECTS = ("site", "task", "execution", "mailbox", "reason")
"""The fields of a record, in the order in which they are shown."""

_about: ContextVar[dict[str, object]] = ContextVar("what log lines are about")


@contextmanager
def about(**subjects: object) -> Iterator[None]:
    """Within the block, records of this thread (and of those that run in a copy of its context) have these fields."""
    token = _about.set({**_about.get({}), **subjects})
    try:
        yield
    finally:
        _about.reset(token)


class SubjectFilter(logging.Filter):
    """Lets every record pass, with the fields that it does not have itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields of the block that the record comes from."""
        for name, value in _about.get({}).items():
            if not record.__dict__.get(name):
                record.__dict__[name] = value
        return True
