"""How each mailbox of each task has fared, and what people have been told."""

from typing import Any

STATEMENTS = """
CREATE TABLE "mailbox_health" (
    "task_id" INTEGER NOT NULL,
    "address" VARCHAR(255) NOT NULL,
    "execution" INTEGER NOT NULL,
    "finished" INTEGER NOT NULL,
    "light" VARCHAR(255) NOT NULL,
    "last_success" INTEGER,
    "since_success" INTEGER NOT NULL,
    PRIMARY KEY ("task_id", "address"),
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE INDEX "mailbox_health_task_id" ON "mailbox_health" ("task_id");

CREATE TABLE "notice_sent" (
    "channel" VARCHAR(255) NOT NULL PRIMARY KEY,
    "troubles" TEXT NOT NULL,
    "sent" INTEGER NOT NULL
);
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
