"""Which service refused an account, and that another was accepted since."""

from typing import Any

STATEMENTS = """
ALTER TABLE "halted_account" RENAME TO "halted_account_before";

CREATE TABLE "halted_account" (
    "key" VARCHAR(255) NOT NULL PRIMARY KEY,
    "account" TEXT NOT NULL,
    "service" VARCHAR(255) NOT NULL,
    "since" INTEGER NOT NULL,
    "ended" INTEGER,
    "message" TEXT NOT NULL
);

INSERT INTO "halted_account" ("key", "account", "service", "since", "message")
SELECT "key", "account", 'exchange', "since", "message" FROM "halted_account_before";

DROP TABLE "halted_account_before";
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
