"""Whether this machine's clock can be believed where age decides what leaves a mailbox."""

from mse_tui.exchange.editing import Editing
from mse_tui.reasons import Problem, Reason

MOST_SECONDS = 3600.0
"""By so much the clocks of two machines may differ."""


def refuse_wrong_clock(editing: Editing) -> None:
    """Raises Problem clock-wrong where this machine's clock and the server's differ; one of them is wrong."""
    ahead = editing.clock_ahead()
    if ahead is None or abs(ahead) <= MOST_SECONDS:
        return
    hours = f"{abs(ahead) / 3600:,.1f} hours {'ahead of' if ahead > 0 else 'behind'}"
    raise Problem(Reason.CLOCK_WRONG, f"This machine's clock is {hours} the server's, so nothing was changed.")
