"""The whole of an execution from its parts: the one light, reason and message that the task summary log gives."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mse_tui.engine.journal import Outcome
from mse_tui.features.feature import WOULD
from mse_tui.reasons import Reason, explain
from mse_tui.terms import Light
from mse_tui.text import size_text

_DONE = {
    "items_added": ("", "added"),
    "items_changed": ("", "changed"),
    "items_moved": ("", "moved"),
    "items_removed": ("", "removed"),
    "archived_first": ("", "archived first"),
    "completed": ("", "completed"),
    "stubbed": ("", "stubbed"),
    "deleted": ("", "deleted"),
    "items_deleted": ("", "deleted"),
    "folders_created": ("folders", "created"),
    "folders_recreated": ("folders", "created again"),
    "stamped": ("", "stamped"),
    "restamped": ("stamps", "changed"),
    "stamps_ended": ("stamps", "withdrawn"),
    "granted": ("", "granted"),
    "changed": ("grants", "changed"),
    "revoked": ("", "revoked"),
    "bytes": ("", "taken in"),
    "bytes_freed": ("", "freed"),
}
"""Counter, of any type -> of what, and what was done with it, in the order in which it is said."""


def done_said(counters: Mapping[str, int], *, looking: bool = False) -> str:
    """What an execution did by its counters, such as '59 stubbed, 4.2 MiB freed.'; '' where that is nothing.

    Of a dry run, which says so, and with `looking` what would be done.
    """
    dry, would = "Dry run: " if counters.get("dry_run") else "", looking or bool(counters.get("dry_run"))
    said: list[str] = []
    for name, (things, done) in _DONE.items():
        if amount := counters.get(WOULD.get(name, name) if would else name, 0):
            shown = size_text(amount) if name.startswith("bytes") else f"{amount:,}"
            verb = "would be" if would and not said else ""
            said.append(" ".join(word for word in (shown, things, verb, done) if word))
    if not said:
        return "Dry run: nothing would be done." if dry else ""
    return f"{dry}{', '.join(said)}."


def summed_up(mailboxes: Sequence[Outcome], own: Outcome, entries: Sequence[Outcome] = (), done: str = "") -> Outcome:
    """Of what its mailboxes came to, in their order, and what befell the execution itself.

    `entries`: of its group, that are no mailboxes to process. `done`: what it did, as `done_said`: first where nothing
    needs attention, else last.
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
    said = (done, own.message, counted, left_out) if light is Light.GREEN else (own.message, counted, left_out, done)
    return Outcome(light, reason, " ".join(text for text in said if text))


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
