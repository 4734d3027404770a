"""What there is of the records that age."""

from dataclasses import dataclass
from datetime import datetime

from peewee import fn

from mse_tui.store.database import reading
from mse_tui.store.models import Audit, Execution


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """How many, and since when."""

    executions: int
    oldest_execution: datetime | None
    audit_entries: int
    oldest_audit_entry: datetime | None


def kept_records() -> KeptRecords:
    """Executions and audit entries of this database."""
    with reading():
        oldest_execution = Execution.select(fn.MIN(Execution.started)).scalar()
        oldest_entry = Audit.select(fn.MIN(Audit.moment)).scalar()
        return KeptRecords(Execution.select().count(), oldest_execution, Audit.select().count(), oldest_entry)
