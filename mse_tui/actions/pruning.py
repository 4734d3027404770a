"""How long the records of what was done are kept; what was archived has rules of its own (`actions.retention`)."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, changes
from mse_tui.actions.checks import valid_settings
from mse_tui.actions.opening import this_site
from mse_tui.config.editing import set_values
from mse_tui.config.one_table import load_engine_settings
from mse_tui.config.site import EngineSettings
from mse_tui.engine.housekeeping import Ages, due
from mse_tui.store import queries
from mse_tui.store.database import now, writing

_EXECUTIONS, _AUDIT = "keep_executions_days", "keep_audit_days"


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is kept for how long, and what there is."""

    executions_days: int
    executions: int
    oldest_execution: datetime | None
    audit_days: int
    audit_entries: int
    oldest_audit_entry: datetime | None


def pruning(config: Path) -> Pruning:
    """As the configuration file has it. Raises Problem configuration-invalid."""
    settings, kept = load_engine_settings(config), queries.kept_records()
    return Pruning(
        settings.keep_executions_days,
        kept.executions,
        kept.oldest_execution,
        settings.keep_audit_days,
        kept.audit_entries,
        kept.oldest_audit_entry,
    )


def would_go(config: Path, *, executions_days: int | None = None, audit_days: int | None = None) -> tuple[int, int]:
    """How many executions and audit entries these ages would let go at the next pruning.

    Raises Problem invalid, configuration-invalid.
    """
    return due(Ages.of(_wanted(load_engine_settings(config), executions_days, audit_days)), now())


@needs(Role.DESTRUCTIVE)
def set_pruning(
    config: Path, *, executions_days: int | None = None, audit_days: int | None = None, write: bool = True
) -> None:
    """Keep executions and audit entries so many days, from the next pruning on: written into the configuration file.

    Without `write` all is checked and nothing written. Raises Problem invalid, configuration-invalid.
    """
    old = load_engine_settings(config)
    before, after = changes(_days(old), _days(_wanted(old, executions_days, audit_days)))
    if not after:
        return
    with writing():
        audit("change pruning", this_site().description, before, after)
        if write:
            set_values(config, "engine", after)


def _wanted(settings: EngineSettings, executions_days: int | None, audit_days: int | None) -> EngineSettings:
    given = {_EXECUTIONS: executions_days, _AUDIT: audit_days}
    return valid_settings(
        EngineSettings, {**settings.model_dump(), **{key: days for key, days in given.items() if days is not None}}
    )


def _days(settings: EngineSettings) -> dict[str, int]:
    return {_EXECUTIONS: settings.keep_executions_days, _AUDIT: settings.keep_audit_days}
