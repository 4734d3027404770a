"""Replicated calendars: appointments with their versions, and how far each task has read."""

from typing import Any

STATEMENTS = """
CREATE TABLE "calendar" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "is_default" INTEGER NOT NULL,
    "opened" INTEGER NOT NULL,
    "closed" INTEGER,
    "read" INTEGER,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE INDEX "calendar_mailbox_id" ON "calendar" ("mailbox_id");

CREATE UNIQUE INDEX "calendar_mailbox_id_remote_id" ON "calendar" ("mailbox_id", "remote_id");

CREATE TABLE "appointment" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "calendar_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "uid" TEXT NOT NULL,
    "entered" INTEGER NOT NULL,
    FOREIGN KEY ("calendar_id") REFERENCES "calendar" ("id") ON DELETE RESTRICT
);

CREATE UNIQUE INDEX "appointment_calendar_id_remote_id" ON "appointment" ("calendar_id", "remote_id");

CREATE TABLE "appointment_version" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "appointment_id" INTEGER NOT NULL,
    "calendar_id" INTEGER NOT NULL,
    "change_key" TEXT NOT NULL,
    "digest" BLOB NOT NULL,
    "subject" TEXT NOT NULL,
    "location" TEXT NOT NULL,
    "organizer" TEXT NOT NULL,
    "starts" INTEGER NOT NULL,
    "ends" INTEGER NOT NULL,
    "over" INTEGER,
    "zone" VARCHAR(255) NOT NULL,
    "is_series" INTEGER NOT NULL,
    "is_all_day" INTEGER NOT NULL,
    "is_meeting" INTEGER NOT NULL,
    "is_cancelled" INTEGER NOT NULL,
    "sensitivity" VARCHAR(255) NOT NULL,
    "show_as" VARCHAR(255) NOT NULL,
    "has_attachments" INTEGER NOT NULL,
    "lacks_attachments" INTEGER NOT NULL,
    "opened" INTEGER NOT NULL,
    "closed" INTEGER,
    FOREIGN KEY ("appointment_id") REFERENCES "appointment" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("calendar_id") REFERENCES "calendar" ("id") ON DELETE RESTRICT,
    CHECK (closed IS NULL OR closed >= opened)
);

CREATE INDEX "appointment_version_appointment_id" ON "appointment_version" ("appointment_id");

CREATE UNIQUE INDEX "appointment_version_open" ON "appointment_version" ("appointment_id") WHERE ("closed" IS NULL);

CREATE INDEX "appointment_version_calendar_starts" ON "appointment_version" ("calendar_id", "starts");

CREATE TABLE "appointment_content" (
    "version_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "sha256" BLOB NOT NULL,
    "size" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "content_type" VARCHAR(255) NOT NULL,
    "content_id" TEXT NOT NULL,
    PRIMARY KEY ("version_id", "position"),
    FOREIGN KEY ("version_id") REFERENCES "appointment_version" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE INDEX "appointment_content_sha256" ON "appointment_content" ("sha256");

CREATE TABLE "calendar_checkpoint" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "calendar_id" INTEGER NOT NULL,
    "state" TEXT,
    "batch" INTEGER NOT NULL,
    "enumerating" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("calendar_id") REFERENCES "calendar" ("id") ON DELETE RESTRICT
);

CREATE INDEX "calendar_checkpoint_calendar_id" ON "calendar_checkpoint" ("calendar_id");

CREATE UNIQUE INDEX "calendar_checkpoint_task_id_calendar_id" ON "calendar_checkpoint" ("task_id", "calendar_id");

CREATE TABLE "calendar_removal" (
    "task_id" INTEGER NOT NULL,
    "appointment_id" INTEGER NOT NULL,
    PRIMARY KEY ("task_id", "appointment_id"),
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("appointment_id") REFERENCES "appointment" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE INDEX "calendar_removal_appointment_id" ON "calendar_removal" ("appointment_id");

CREATE TABLE "calendar_unfinished" (
    "task_id" INTEGER NOT NULL,
    "calendar_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "reason" VARCHAR(255) NOT NULL,
    "message" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "starts" INTEGER,
    "over" INTEGER,
    "attempts" INTEGER NOT NULL,
    "first_seen" INTEGER NOT NULL,
    PRIMARY KEY ("task_id", "calendar_id", "remote_id"),
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("calendar_id") REFERENCES "calendar" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE INDEX "calendar_unfinished_calendar_id" ON "calendar_unfinished" ("calendar_id");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
