"""The whole of an execution from its parts: the one light, reason and message that the task summary log gives."""

from collections import Counter
from collections.abc import Sequence

from mse_tui.engine.journal import Outcome
from mse_tui.reasons import Reason, explain
from mse_tui.terms import Light


def summed_up(mailboxes: Sequence[Outcome], own: Outcome, entries: Sequence[Outcome] = ()) -> Outcome:
    """Of what its mailboxes came to, in their order, and what befell the execution itself.

    `entries`: of its group, that are no mailboxes to process.
    """
    results = [*mailboxes, *entries]
    light = Light.worst([*(result.light for result in results if result.light is not Light.NONE), own.light])
    reason = own.reason
    if not reason and light is not Light.GREEN:
        reason = next(result.reason for result in results if result.light is light)
    counted = _counted([result.light for result in mailboxes], "mailbox", "mailboxes")
    if shared := _shared_failure(mailboxes, own):
        counted = f"{counted.removesuffix('.')} {shared}"
    other = "other " if counted else ""
    left_out = _counted([result.light for result in entries], f"{other}entry", f"{other}entries")
    return Outcome(light, reason, " ".join(text for text in (own.message, counted, left_out) if text))


def _shared_failure(results: Sequence[Outcome], own: Outcome) -> str:
    """Such as '(server-unreachable): ...', where that is what all failed mailboxes met; '' else."""
    met = {(result.reason, result.message) for result in results if result.light is Light.RED}
    reasons = {reason for reason, _ in met}
    if len(reasons) != 1 or own.message:
        return ""
    (reason,) = reasons
    return f"({reason}): {next(iter(met))[1] if len(met) == 1 else explain(Reason(reason)).happened}"


def _counted(lights: Sequence[Light], one: str, several: str) -> str:
    """Such as '12 mailboxes: 10 success, 1 warning, 1 skipped.'"""
    if not lights:
        return ""
    numbers = Counter(lights)
    words = {Light.GREEN: "success", Light.ORANGE: "warning", Light.RED: "error", Light.NONE: "skipped"}
    parts = ", ".join(f"{numbers[light]} {word}" for light, word in words.items() if numbers[light])
    return f"{len(lights)} {one if len(lights) == 1 else several}: {parts}."
