"""Who paused a task and since when, and the last start that passed by meanwhile."""

from typing import Any

STATEMENTS = """
ALTER TABLE "task" ADD COLUMN "paused_by" VARCHAR(255) NOT NULL DEFAULT '';

ALTER TABLE "task" ADD COLUMN "paused_since" INTEGER;

ALTER TABLE "task" ADD COLUMN "passed_by" INTEGER;
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
