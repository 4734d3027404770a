"""The pace of what runs, since when and until when it waits; what logs and estimates look for, found by an index."""

from typing import Any

STATEMENTS = """
ALTER TABLE "progress" ADD COLUMN "paces" TEXT NOT NULL DEFAULT '[]';

ALTER TABLE "progress" ADD COLUMN "waiting_since" INTEGER;

ALTER TABLE "progress" ADD COLUMN "waiting_until" INTEGER;

CREATE INDEX "execution_task_id_started" ON "execution" ("task_id", "started");

CREATE INDEX "mailbox_result_address" ON "mailbox_result" ("address");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
