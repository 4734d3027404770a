"""What a definition takes out of mailboxes, in few lines, for somebody who is about to use it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mse_tui.widgets.lines import Fact, Tone
from mse_tui.widgets.settings_facts import said, settings_facts

_DRY_RUN = "dry_run"
_CAPS = {"max_changes": "{} changes", "max_changes_percent": "{} % of a mailbox"}
_SAYS_NOTHING = ("none", "off", "0")


def taking_facts(model: type[BaseModel] | None, settings: Mapping[str, Any]) -> list[Fact]:
    """Whether it is a dry run, what it takes and how much at most."""
    stated = [
        f"{fact.label}: {fact.value.replace(chr(10), ', ')}"
        for fact in settings_facts(model, {name: one for name, one in settings.items() if not _is_apart(name)})
        if fact.value not in _SAYS_NOTHING
    ]
    limits = [words.format(settings[name]) for name, words in _CAPS.items() if settings.get(name) is not None]
    return [
        dry_run_fact(settings, "mailboxes are changed"),
        Fact("  takes", "; ".join(stated) or "nothing"),
        Fact("  at most", ", ".join(limits) or "no limit", Tone.PLAIN if limits else Tone.WARN),
    ]


def dry_run_fact(settings: Mapping[str, Any], otherwise: str) -> Fact:
    """Whether anything is changed at all; `otherwise`: what happens where it is no dry run."""
    if settings.get(_DRY_RUN):
        return Fact(
            "  dry run", f"{said(True).upper()}: it reports what it would change and changes nothing", Tone.GOOD
        )
    return Fact("  dry run", f"{said(False).upper()}: {otherwise}", Tone.WARN)


def _is_apart(name: str) -> bool:
    return name == _DRY_RUN or name in _CAPS
