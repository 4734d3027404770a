"""The pace of what runs, since when and until when it waits; a mailbox's earlier turns found by its address."""

from typing import Any

STATEMENTS = """
ALTER TABLE "progress" ADD COLUMN "paces" TEXT NOT NULL DEFAULT '[]';

ALTER TABLE "progress" ADD COLUMN "waiting_since" INTEGER;

ALTER TABLE "progress" ADD COLUMN "waiting_until" INTEGER;

CREATE INDEX "mailbox_result_address" ON "mailbox_result" ("address");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
