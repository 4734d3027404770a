"""Retention: settings, stamps, holds, approvals, quarantine, purge records, tombstones, managed folders."""

from typing import Any

STATEMENTS = """
CREATE TABLE "retention_setting" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER,
    "minimum_days" INTEGER,
    "maximum_days" INTEGER,
    "default_days" INTEGER,
    "quarantine_days" INTEGER,
    "revision" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "modified" INTEGER NOT NULL,
    "modified_by" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE UNIQUE INDEX "retention_setting_mailbox_id" ON "retention_setting" ("mailbox_id");

CREATE TABLE "retention_stamp" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "message_id" INTEGER NOT NULL,
    "task" INTEGER NOT NULL,
    "definition" INTEGER NOT NULL,
    "definition_name" TEXT NOT NULL,
    "content" VARCHAR(255) NOT NULL,
    "policy" TEXT NOT NULL,
    "stamped" INTEGER NOT NULL,
    "expire_view" INTEGER,
    "purge" INTEGER,
    "original_purge" INTEGER,
    "ended" INTEGER,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE RESTRICT
);

CREATE INDEX "retention_stamp_mailbox_id" ON "retention_stamp" ("mailbox_id");

CREATE UNIQUE INDEX "retention_stamp_current" ON "retention_stamp" ("message_id", "mailbox_id", "task") WHERE
    ("ended" IS NULL);

CREATE INDEX "retention_stamp_history" ON "retention_stamp" ("message_id", "mailbox_id");

CREATE INDEX "retention_stamp_due" ON "retention_stamp" ("purge", "id") WHERE ("ended" IS NULL);

CREATE INDEX "retention_stamp_task" ON "retention_stamp" ("mailbox_id", "task") WHERE ("ended" IS NULL);

CREATE TABLE "hold" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "scope" VARCHAR(255) NOT NULL,
    "mailbox_id" INTEGER,
    "message_id" INTEGER,
    "search" TEXT NOT NULL,
    "placed" INTEGER NOT NULL,
    "placed_by" VARCHAR(255) NOT NULL,
    "lifted" INTEGER,
    "lifted_by" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE SET NULL
);

CREATE INDEX "hold_mailbox_id" ON "hold" ("mailbox_id");

CREATE INDEX "hold_message_id" ON "hold" ("message_id");

CREATE INDEX "hold_lifted" ON "hold" ("lifted");

CREATE TABLE "purge_approval" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "subject" VARCHAR(255) NOT NULL,
    "content" VARCHAR(255) NOT NULL,
    "shown" TEXT NOT NULL,
    "approved" INTEGER NOT NULL,
    "approved_by" VARCHAR(255) NOT NULL,
    "voided" INTEGER,
    "voided_because" TEXT NOT NULL
);

CREATE INDEX "purge_approval_subject" ON "purge_approval" ("subject");

CREATE TABLE "quarantine" (
    "message_id" INTEGER NOT NULL PRIMARY KEY,
    "since" INTEGER NOT NULL,
    "until" INTEGER NOT NULL,
    "because" TEXT NOT NULL,
    "canonical" BLOB,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE RESTRICT
);

CREATE INDEX "quarantine_until" ON "quarantine" ("until");

CREATE TABLE "purge_record" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "sha256" BLOB,
    "size" INTEGER NOT NULL,
    "received" INTEGER,
    "mailboxes" TEXT NOT NULL,
    "because" TEXT NOT NULL,
    "quarantined" INTEGER NOT NULL,
    "purged" INTEGER NOT NULL
);

CREATE INDEX "purge_record_sha256" ON "purge_record" ("sha256");

CREATE INDEX "purge_record_purged" ON "purge_record" ("purged");

CREATE TABLE "tombstone" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "record_id" INTEGER NOT NULL,
    "sha256" BLOB,
    "canonical" BLOB,
    "envelope" BLOB NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("record_id") REFERENCES "purge_record" ("id") ON DELETE RESTRICT
);

CREATE INDEX "tombstone_record_id" ON "tombstone" ("record_id");

CREATE INDEX "tombstone_content" ON "tombstone" ("mailbox_id", "sha256");

CREATE INDEX "tombstone_envelope" ON "tombstone" ("mailbox_id", "envelope");

CREATE TABLE "tombstone_item" (
    "mailbox_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "change_key" TEXT NOT NULL,
    "tombstone_id" INTEGER NOT NULL,
    PRIMARY KEY ("mailbox_id", "remote_id"),
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("tombstone_id") REFERENCES "tombstone" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE TABLE "managed_folder" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "definition" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "created" INTEGER NOT NULL,
    "recreated" INTEGER NOT NULL,
    "abandoned" INTEGER NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE UNIQUE INDEX "managed_folder_mailbox_id_definition_name" ON "managed_folder" ("mailbox_id", "definition",
    "name");

CREATE TABLE "expiry" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task" INTEGER NOT NULL,
    "definition" INTEGER NOT NULL,
    "definition_name" TEXT NOT NULL,
    "mailbox_id" INTEGER NOT NULL,
    "message_id" INTEGER,
    "folder" TEXT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "change_key" TEXT NOT NULL,
    "how" VARCHAR(255) NOT NULL,
    "state" VARCHAR(255) NOT NULL,
    "planned" INTEGER NOT NULL,
    "settled" INTEGER,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE SET NULL
);

CREATE INDEX "expiry_message_id" ON "expiry" ("message_id");

CREATE INDEX "expiry_planned" ON "expiry" ("mailbox_id", "task") WHERE ("state" = 'planned');

CREATE INDEX "expiry_mailbox" ON "expiry" ("mailbox_id", "id");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
