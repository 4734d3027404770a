"""What storage management has changed in mailboxes, and the links that its stubs hold."""

from typing import Any

STATEMENTS = """
CREATE TABLE "stub" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key" VARCHAR(255) NOT NULL,
    "mailbox_id" INTEGER NOT NULL,
    "message_id" INTEGER NOT NULL,
    "folder_id" INTEGER NOT NULL,
    "task_id" INTEGER,
    "definition" TEXT NOT NULL,
    "action" VARCHAR(255) NOT NULL,
    "state" VARCHAR(255) NOT NULL,
    "remote_id" TEXT NOT NULL,
    "change_key" TEXT NOT NULL,
    "plan" TEXT NOT NULL,
    "restore" VARCHAR(255) NOT NULL,
    "true_size" INTEGER NOT NULL,
    "stub_size" INTEGER NOT NULL,
    "began" INTEGER NOT NULL,
    "ended" INTEGER,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE SET NULL
);

CREATE UNIQUE INDEX "stub_key" ON "stub" ("key");

CREATE INDEX "stub_mailbox_id" ON "stub" ("mailbox_id");

CREATE INDEX "stub_message_id" ON "stub" ("message_id");

CREATE INDEX "stub_folder_id" ON "stub" ("folder_id");

CREATE INDEX "stub_task_id" ON "stub" ("task_id");

CREATE INDEX "stub_state" ON "stub" ("state");

CREATE INDEX "stub_mailbox_id_state" ON "stub" ("mailbox_id", "state");

CREATE INDEX "stub_mailbox_id_remote_id" ON "stub" ("mailbox_id", "remote_id");

CREATE TABLE "stub_link" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "stub_id" INTEGER NOT NULL,
    "digest" BLOB NOT NULL,
    "part" INTEGER NOT NULL,
    "kind" VARCHAR(255) NOT NULL,
    "created" INTEGER NOT NULL,
    "expires" INTEGER,
    "revoked" INTEGER,
    "retrievals" INTEGER NOT NULL,
    "last_retrieved" INTEGER,
    FOREIGN KEY ("stub_id") REFERENCES "stub" ("id") ON DELETE CASCADE
);

CREATE INDEX "stub_link_stub_id" ON "stub_link" ("stub_id");

CREATE UNIQUE INDEX "stub_link_digest" ON "stub_link" ("digest");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
