"""What the executions of a task counted, in its type's own terms."""

from collections.abc import Iterator, Mapping

from mse_tui.features import FEATURES
from mse_tui.terms import TaskType
from mse_tui.widgets.wording import number, size

_OF_EVERY_TYPE = {
    "failed": "Failed",
    "throttled_seconds": "Seconds held back by the server",
    "lock_wait_seconds": "Seconds waited for the mailbox's lock",
}


def counters_said(task_type: TaskType, counters: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """What each counter is called and how much it is, in the order in which the type shows them."""
    feature = FEATURES.get(task_type)
    terms = {**(feature.counters if feature is not None else {}), **_OF_EVERY_TYPE}
    for name in [*(name for name in terms if name in counters), *(name for name in counters if name not in terms)]:
        amount = size(counters[name]) if name.startswith("bytes") else number(counters[name])
        yield terms.get(name, name.replace("_", " ").capitalize()), amount
