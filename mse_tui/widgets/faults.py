"""What fails in the screens' threads: always told, never the end of the program and of the engine inside it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import faults_explained

log = logging.getLogger(__name__)


@contextmanager
def every_fault_explained() -> Iterator[None]:
    """Turn whatever is raised into a Problem; what nobody foresaw is logged too, and becomes internal-error."""
    try:
        with faults_explained():
            yield
    except Problem:
        raise
    except Exception as error:
        log.exception("Something failed on a screen")
        raise Problem(Reason.INTERNAL, f"{type(error).__name__}: {error}.") from error
