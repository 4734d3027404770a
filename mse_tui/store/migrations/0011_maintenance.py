"""When a site rests: by the week, and because a person said so."""

from typing import Any

STATEMENTS = """
ALTER TABLE "site" ADD COLUMN "maintenance_windows" TEXT NOT NULL DEFAULT '[]';

ALTER TABLE "site" ADD COLUMN "maintenance_until" INTEGER;

ALTER TABLE "site" ADD COLUMN "maintenance_by" VARCHAR(255) NOT NULL DEFAULT '';

ALTER TABLE "site" ADD COLUMN "maintenance_windows_from" INTEGER;
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
