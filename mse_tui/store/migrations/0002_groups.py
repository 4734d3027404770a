"""What a task's group was found to be, at each execution; what the site's engine can ask."""

from typing import Any

STATEMENTS = """
ALTER TABLE "task" ADD COLUMN "group_kind" VARCHAR(255) NOT NULL DEFAULT '';

ALTER TABLE "task" ADD COLUMN "group_key" VARCHAR(255) NOT NULL DEFAULT '';

ALTER TABLE "task" ADD COLUMN "group_name" TEXT NOT NULL DEFAULT '';

ALTER TABLE "site" ADD COLUMN "directories" TEXT;

CREATE TABLE "group_answer" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "digest" VARCHAR(255) NOT NULL,
    "mailboxes" INTEGER NOT NULL,
    "answer" TEXT NOT NULL,
    "resolved" INTEGER NOT NULL,
    "accepted" INTEGER,
    "confirmed" INTEGER,
    "confirmed_by" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE INDEX "group_answer_task_id" ON "group_answer" ("task_id");

CREATE UNIQUE INDEX "group_answer_task_id_digest" ON "group_answer" ("task_id", "digest");

CREATE TABLE "execution_group" (
    "execution_id" INTEGER NOT NULL PRIMARY KEY,
    "answer_id" INTEGER,
    "kind" VARCHAR(255) NOT NULL,
    "name" TEXT NOT NULL,
    "resolved_by" TEXT NOT NULL,
    "resolved" INTEGER NOT NULL,
    "mailboxes" INTEGER NOT NULL,
    "before" INTEGER,
    "joined" TEXT NOT NULL,
    "departed" TEXT NOT NULL,
    "stale" INTEGER NOT NULL,
    "confirmed_by" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("execution_id") REFERENCES "execution" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("answer_id") REFERENCES "group_answer" ("id") ON DELETE SET NULL
);

CREATE INDEX "execution_group_answer_id" ON "execution_group" ("answer_id");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
