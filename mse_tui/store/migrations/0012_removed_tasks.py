"""Executions outlast their tasks, whose name and type they keep."""

from typing import Any

STATEMENTS = """
CREATE TABLE "execution_kept" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER,
    "task_name" TEXT NOT NULL,
    "task_type" VARCHAR(255) NOT NULL,
    "trigger" VARCHAR(255) NOT NULL,
    "asked_by" VARCHAR(255) NOT NULL,
    "started" INTEGER NOT NULL,
    "finished" INTEGER,
    "definition" TEXT NOT NULL,
    "mailboxes" INTEGER NOT NULL,
    "processed" INTEGER NOT NULL,
    "light" VARCHAR(255) NOT NULL,
    "reason" VARCHAR(255) NOT NULL,
    "message" TEXT NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE SET NULL
);

INSERT INTO "execution_kept"
    SELECT e."id", e."task_id", t."description", t."type", e."trigger", e."asked_by", e."started", e."finished",
        e."definition", e."mailboxes", e."processed", e."light", e."reason", e."message"
    FROM "execution" AS e JOIN "task" AS t ON t."id" = e."task_id";

DROP TABLE "execution";

ALTER TABLE "execution_kept" RENAME TO "execution";

CREATE INDEX "execution_task_id" ON "execution" ("task_id");

CREATE INDEX "execution_started" ON "execution" ("started");

CREATE INDEX "execution_task_id_started" ON "execution" ("task_id", "started");
"""


def up(migrator: Any, db: Any) -> None:
    # The runner has switched foreign keys off: else the table's going would take what refers to it along.
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
    for table in ("execution", "execution_group", "mailbox_result"):
        if db.execute_sql(f"PRAGMA foreign_key_check({table})").fetchone() is not None:
            raise RuntimeError(f"rows of {table} refer to others that are not there")
