"""Who may open which archive."""

from typing import Any

STATEMENTS = """
CREATE TABLE "access_grant" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "person" VARCHAR(255) NOT NULL,
    "area" VARCHAR(255) NOT NULL,
    "remote_id" TEXT NOT NULL,
    "below" INTEGER NOT NULL,
    "folder" TEXT NOT NULL,
    "right" VARCHAR(255) NOT NULL,
    "denies" INTEGER NOT NULL,
    "origin" VARCHAR(255) NOT NULL,
    "source" VARCHAR(255) NOT NULL,
    "via" TEXT NOT NULL,
    "since" INTEGER NOT NULL,
    "granted_by" TEXT NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE INDEX "access_grant_person" ON "access_grant" ("person");

CREATE UNIQUE INDEX "access_grant_once" ON "access_grant" ("mailbox_id", "person", "area", "remote_id", "denies",
    "origin", "source", "via");

CREATE TABLE "access_change" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "moment" INTEGER NOT NULL,
    "mailbox" VARCHAR(255) NOT NULL,
    "what" VARCHAR(255) NOT NULL,
    "dry_run" INTEGER NOT NULL,
    "person" VARCHAR(255) NOT NULL,
    "folder" TEXT NOT NULL,
    "right" VARCHAR(255) NOT NULL,
    "before" VARCHAR(255) NOT NULL,
    "denies" INTEGER NOT NULL,
    "origin" VARCHAR(255) NOT NULL,
    "source" VARCHAR(255) NOT NULL,
    "via" TEXT NOT NULL,
    "who" TEXT NOT NULL
);

CREATE INDEX "access_change_moment" ON "access_change" ("moment");

CREATE INDEX "access_change_mailbox" ON "access_change" ("mailbox");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
