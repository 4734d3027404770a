"""The first tables, as SQL of their own: what the models say later changes nothing here."""

from typing import Any

STATEMENTS = """
CREATE TABLE "archive_mailbox" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "guid" VARCHAR(255) NOT NULL,
    "address" VARCHAR(255) NOT NULL,
    "display_name" TEXT NOT NULL,
    "full_from" INTEGER,
    "last_stamp" INTEGER NOT NULL
);

CREATE UNIQUE INDEX "archive_mailbox_guid" ON "archive_mailbox" ("guid");

CREATE INDEX "archive_mailbox_address" ON "archive_mailbox" ("address");

CREATE TABLE "archive_folder" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "mailbox_id" INTEGER NOT NULL,
    "area" VARCHAR(255) NOT NULL,
    "remote_id" TEXT NOT NULL,
    "distinguished" VARCHAR(255) NOT NULL,
    "folder_class" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE INDEX "archive_folder_mailbox_id" ON "archive_folder" ("mailbox_id");

CREATE UNIQUE INDEX "archive_folder_mailbox_id_area_remote_id" ON "archive_folder" ("mailbox_id", "area",
    "remote_id");

CREATE TABLE "audit" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "moment" INTEGER NOT NULL,
    "who" VARCHAR(255) NOT NULL,
    "action" VARCHAR(255) NOT NULL,
    "subject" TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL
);

CREATE INDEX "audit_moment" ON "audit" ("moment");

CREATE TABLE "pack" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "state" VARCHAR(255) NOT NULL,
    "bytes" INTEGER NOT NULL,
    "live" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "condemned" INTEGER
);

CREATE UNIQUE INDEX "pack_name" ON "pack" ("name");

CREATE TABLE "blob" (
    "sha256" BLOB NOT NULL PRIMARY KEY,
    "pack_id" INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    "length" INTEGER NOT NULL,
    FOREIGN KEY ("pack_id") REFERENCES "pack" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE INDEX "blob_pack_id" ON "blob" ("pack_id");

CREATE TABLE "site" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "code" VARCHAR(255) NOT NULL,
    "description" TEXT NOT NULL,
    "binding" VARCHAR(255) NOT NULL,
    "host_name" VARCHAR(255) NOT NULL,
    "host_os" VARCHAR(255) NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "enabled" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "last_active" INTEGER
);

CREATE UNIQUE INDEX "site_code" ON "site" ("code");

CREATE TABLE "definition" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "type" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "settings" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "modified" INTEGER NOT NULL,
    "modified_by" VARCHAR(255) NOT NULL
);

CREATE UNIQUE INDEX "definition_type_name" ON "definition" ("type", "name");

CREATE TABLE "schedule" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "settings" TEXT NOT NULL,
    "created" INTEGER NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "modified" INTEGER NOT NULL,
    "modified_by" VARCHAR(255) NOT NULL
);

CREATE UNIQUE INDEX "schedule_name" ON "schedule" ("name");

CREATE TABLE "task" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "description" TEXT NOT NULL,
    "site_id" INTEGER NOT NULL,
    "type" VARCHAR(255) NOT NULL,
    "definition_id" INTEGER NOT NULL,
    "schedule_id" INTEGER NOT NULL,
    "group" TEXT NOT NULL,
    "created" INTEGER NOT NULL,
    "created_by" VARCHAR(255) NOT NULL,
    "modified" INTEGER NOT NULL,
    "modified_by" VARCHAR(255) NOT NULL,
    "paused" INTEGER NOT NULL,
    "status" VARCHAR(255) NOT NULL,
    "light" VARCHAR(255) NOT NULL,
    "latest_detail" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "next_execution" INTEGER,
    "last_started" INTEGER,
    "last_finished" INTEGER,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("definition_id") REFERENCES "definition" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("schedule_id") REFERENCES "schedule" ("id") ON DELETE RESTRICT
);

CREATE UNIQUE INDEX "task_description" ON "task" ("description");

CREATE INDEX "task_site_id" ON "task" ("site_id");

CREATE INDEX "task_definition_id" ON "task" ("definition_id");

CREATE INDEX "task_schedule_id" ON "task" ("schedule_id");

CREATE TABLE "checkpoint" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "mailbox_id" INTEGER NOT NULL,
    "area" VARCHAR(255) NOT NULL,
    "folder_id" INTEGER,
    "state" TEXT,
    "batch" INTEGER NOT NULL,
    "enumerating" INTEGER NOT NULL,
    "with_content" INTEGER NOT NULL,
    "tree" TEXT,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT
);

CREATE INDEX "checkpoint_task_id" ON "checkpoint" ("task_id");

CREATE INDEX "checkpoint_mailbox_id" ON "checkpoint" ("mailbox_id");

CREATE INDEX "checkpoint_folder_id" ON "checkpoint" ("folder_id");

CREATE INDEX "checkpoint_task_id_folder_id" ON "checkpoint" ("task_id", "folder_id");

CREATE INDEX "checkpoint_task_id_mailbox_id_area" ON "checkpoint" ("task_id", "mailbox_id", "area");

CREATE UNIQUE INDEX "checkpoint_folder" ON "checkpoint" ("task_id", "folder_id") WHERE ("folder_id" IS NOT NULL);

CREATE UNIQUE INDEX "checkpoint_hierarchy" ON "checkpoint" ("task_id", "mailbox_id", "area") WHERE ("folder_id"
    IS NULL);

CREATE TABLE "command" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "verb" VARCHAR(255) NOT NULL,
    "arguments" TEXT NOT NULL,
    "asked_by" VARCHAR(255) NOT NULL,
    "asked" INTEGER NOT NULL,
    "taken" INTEGER,
    "finished" INTEGER,
    "outcome" TEXT NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE INDEX "command_task_id" ON "command" ("task_id");

CREATE TABLE "engine_request" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "kind" VARCHAR(255) NOT NULL,
    "arguments" TEXT NOT NULL,
    "asked_by" VARCHAR(255) NOT NULL,
    "asked" INTEGER NOT NULL,
    "answered" INTEGER,
    "answer" TEXT NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE CASCADE
);

CREATE INDEX "engine_request_site_id" ON "engine_request" ("site_id");

CREATE TABLE "execution" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
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
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE INDEX "execution_task_id" ON "execution" ("task_id");

CREATE INDEX "execution_started" ON "execution" ("started");

CREATE TABLE "folder_place" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "folder_id" INTEGER NOT NULL,
    "parent_id" INTEGER,
    "name" TEXT NOT NULL,
    "opened" INTEGER NOT NULL,
    "closed" INTEGER,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("parent_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT,
    CHECK (closed IS NULL OR closed >= opened)
);

CREATE INDEX "folder_place_folder_id" ON "folder_place" ("folder_id");

CREATE INDEX "folder_place_parent_id" ON "folder_place" ("parent_id");

CREATE UNIQUE INDEX "folder_place_open" ON "folder_place" ("folder_id") WHERE ("closed" IS NULL);

CREATE TABLE "halted_account" (
    "key" VARCHAR(255) NOT NULL PRIMARY KEY,
    "account" TEXT NOT NULL,
    "since" INTEGER NOT NULL,
    "message" TEXT NOT NULL
);

CREATE TABLE "lease" (
    "key" VARCHAR(255) NOT NULL PRIMARY KEY,
    "owner" VARCHAR(255) NOT NULL,
    "holder" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "until" INTEGER NOT NULL,
    "host" VARCHAR(255) NOT NULL,
    "pid" INTEGER NOT NULL,
    "pid_started" INTEGER NOT NULL
);

CREATE TABLE "lock_wait" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key" VARCHAR(255) NOT NULL,
    "task_id" INTEGER NOT NULL,
    "since" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE INDEX "lock_wait_key" ON "lock_wait" ("key");

CREATE INDEX "lock_wait_task_id" ON "lock_wait" ("task_id");

CREATE UNIQUE INDEX "lock_wait_key_task_id" ON "lock_wait" ("key", "task_id");

CREATE TABLE "mailbox_result" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "execution_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "address" VARCHAR(255) NOT NULL,
    "started" INTEGER NOT NULL,
    "finished" INTEGER,
    "light" VARCHAR(255) NOT NULL,
    "reason" VARCHAR(255) NOT NULL,
    "message" TEXT NOT NULL,
    "mode" VARCHAR(255) NOT NULL,
    "counters" TEXT NOT NULL,
    "skipped" TEXT NOT NULL,
    "failures" TEXT NOT NULL,
    FOREIGN KEY ("execution_id") REFERENCES "execution" ("id") ON DELETE CASCADE
);

CREATE INDEX "mailbox_result_execution_id" ON "mailbox_result" ("execution_id");

CREATE INDEX "mailbox_result_execution_id_position" ON "mailbox_result" ("execution_id", "position");

CREATE TABLE "message" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "sha256" BLOB,
    "size" INTEGER NOT NULL,
    "internet_message_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "sender" TEXT NOT NULL,
    "recipients" TEXT NOT NULL,
    "sent" INTEGER,
    "has_attachments" INTEGER NOT NULL,
    "canonical" BLOB
);

CREATE UNIQUE INDEX "message_sha256" ON "message" ("sha256");

CREATE INDEX "message_internet_message_id" ON "message" ("internet_message_id");

CREATE INDEX "message_without_internet_id" ON "message" ("subject") WHERE ("internet_message_id" = '');

CREATE TABLE "pass" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "mailbox_id" INTEGER NOT NULL,
    "stamp" INTEGER NOT NULL,
    "began" INTEGER NOT NULL,
    "mode" VARCHAR(255) NOT NULL,
    "completed" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("mailbox_id") REFERENCES "archive_mailbox" ("id") ON DELETE RESTRICT
);

CREATE INDEX "pass_task_id" ON "pass" ("task_id");

CREATE INDEX "pass_mailbox_id" ON "pass" ("mailbox_id");

CREATE UNIQUE INDEX "pass_mailbox_id_stamp" ON "pass" ("mailbox_id", "stamp");

CREATE INDEX "pass_task_id_mailbox_id" ON "pass" ("task_id", "mailbox_id");

CREATE TABLE "placement" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "folder_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "message_id" INTEGER NOT NULL,
    "change_key" TEXT NOT NULL,
    "item_class" VARCHAR(255) NOT NULL,
    "sensitivity" VARCHAR(255) NOT NULL,
    "received" INTEGER,
    "is_read" INTEGER NOT NULL,
    "flag" VARCHAR(255) NOT NULL,
    "categories" TEXT NOT NULL,
    "importance" VARCHAR(255) NOT NULL,
    "opened" INTEGER NOT NULL,
    "closed" INTEGER,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("message_id") REFERENCES "message" ("id") ON DELETE RESTRICT,
    CHECK (closed IS NULL OR closed >= opened)
);

CREATE INDEX "placement_message_id" ON "placement" ("message_id");

CREATE UNIQUE INDEX "placement_open" ON "placement" ("folder_id", "remote_id") WHERE ("closed" IS NULL);

CREATE INDEX "placement_folder_received" ON "placement" ("folder_id", "received", "id", "opened", "closed");

CREATE TABLE "progress" (
    "task_id" INTEGER NOT NULL PRIMARY KEY,
    "execution" INTEGER NOT NULL,
    "address" VARCHAR(255) NOT NULL,
    "position" INTEGER NOT NULL,
    "total" INTEGER NOT NULL,
    "phase" VARCHAR(255) NOT NULL,
    "folder" TEXT NOT NULL,
    "items" INTEGER NOT NULL,
    "expected" INTEGER NOT NULL,
    "bytes" INTEGER NOT NULL,
    "mailbox_started" INTEGER,
    "waiting" TEXT NOT NULL,
    "updated" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE
);

CREATE TABLE "removal" (
    "task_id" INTEGER NOT NULL,
    "folder_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    PRIMARY KEY ("task_id", "folder_id", "remote_id"),
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT
) WITHOUT ROWID;

CREATE TABLE "unfinished" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "folder_id" INTEGER NOT NULL,
    "remote_id" TEXT NOT NULL,
    "reason" VARCHAR(255) NOT NULL,
    "message" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "first_seen" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("folder_id") REFERENCES "archive_folder" ("id") ON DELETE RESTRICT
);

CREATE INDEX "unfinished_task_id" ON "unfinished" ("task_id");

CREATE INDEX "unfinished_folder_id" ON "unfinished" ("folder_id");

CREATE UNIQUE INDEX "unfinished_task_id_folder_id_remote_id" ON "unfinished" ("task_id", "folder_id",
    "remote_id");
"""


def up(migrator: Any, db: Any) -> None:
    for statement in filter(str.strip, STATEMENTS.split(";")):
        db.execute_sql(statement)
