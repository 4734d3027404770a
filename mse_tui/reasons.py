"""Reason codes: every failure and every skip has one, with a sentence of what happened and one of what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Stable reason codes. The value is shown, logged, stored and documented; never rename one."""

    # reaching Exchange
    SERVER_UNREACHABLE = "server-unreachable"
    SERVER_NAME_UNKNOWN = "server-name-unknown"
    CERTIFICATE_REFUSED = "certificate-refused"
    PASSWORD_REFUSED = "password-refused"  # noqa: S105 (a reason code)
    ACCOUNT_HALTED = "account-halted"
    ACCESS_DENIED = "access-denied"
    IMPERSONATION_DENIED = "impersonation-denied"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    NO_ANSWER = "no-answer"
    RESPONSE_BROKEN = "response-broken"
    TIMEOUT = "timeout"
    # one mailbox
    MAILBOX_NOT_FOUND = "mailbox-not-found"
    MAILBOX_DISABLED = "mailbox-disabled"
    MAILBOX_MOVING = "mailbox-moving"
    MAILBOX_LOCKED = "mailbox-locked"
    FOLDER_NOT_FOUND = "folder-not-found"
    SYNC_STATE_INVALID = "sync-state-invalid"
    # one item
    ITEM_CORRUPT = "item-corrupt"
    ITEM_NOT_FOUND = "item-not-found"
    ITEM_CHANGED = "item-changed"
    ITEM_CONVERSION_FAILED = "item-conversion-failed"
    ITEM_TOO_LARGE = "item-too-large"
    PRIVATE = "private"
    VAULT_SHORTCUT = "vault-shortcut"
    PURGED = "purged"
    NOT_AN_APPOINTMENT = "not-an-appointment"
    OUTSIDE_PERIOD = "outside-period"
    ON_HOLD = "on-hold"
    # taking something out of a mailbox
    NOT_ARCHIVED = "not-archived"
    NOT_READABLE = "not-readable"
    ATTACHMENT_UNCONFIRMED = "attachment-unconfirmed"
    PROTECTED = "protected"
    IS_STUB = "is-stub"
    UNREAD = "unread"
    FLAGGED = "flagged"
    CATEGORISED = "categorised"
    DRY_RUN = "dry-run"
    TOO_MANY_CHANGES = "too-many-changes"
    CLOCK_WRONG = "clock-wrong"
    NO_QUOTA = "no-quota"
    STUB_INCOMPLETE = "stub-incomplete"
    STUB_LOST = "stub-lost"
    STUB_UNKNOWN = "stub-unknown"
    STUBS_NOT_SOUGHT = "stubs-not-sought"
    ALREADY_THERE = "already-there"
    # retention
    RETENTION_LIMITS = "retention-limits"
    APPROVAL_MISSING = "approval-missing"
    FOLDER_LEFT_DELETED = "folder-left-deleted"
    # groups
    GROUP_EMPTY = "group-empty"
    GROUP_SHRUNK = "group-shrunk"
    GROUP_STALE = "group-stale"
    GROUP_NOT_FOUND = "group-not-found"
    GROUP_AMBIGUOUS = "group-ambiguous"
    GROUP_REFUSED = "group-refused"
    ADDRESS_INVALID = "address-invalid"
    DIRECTORY_MISSING = "directory-missing"
    DIRECTORY_UNREACHABLE = "directory-unreachable"
    DIRECTORY_INCOMPLETE = "directory-incomplete"
    ENCRYPTION_MISSING = "encryption-missing"
    NO_MAILBOX = "no-mailbox"
    CONTACT = "contact"
    NOT_LICENSED = "not-licensed"
    MAILBOX_ELSEWHERE = "mailbox-elsewhere"
    FOREIGN_MEMBER = "foreign-member"
    MEMBER_UNREADABLE = "member-unreadable"
    LEFT_GROUP = "left-group"
    # who may open which archive
    TRUSTEE_UNKNOWN = "trustee-unknown"
    TRUSTEE_UNRESOLVED = "trustee-unresolved"
    TRUSTEE_SYSTEM = "trustee-system"
    TRUSTEE_EVERYBODY = "trustee-everybody"
    TRUSTEE_GROUP = "trustee-group"
    LINK_WITHOUT_ACCESS = "link-without-access"
    LEVEL_CUSTOM = "level-custom"
    FULL_ACCESS_UNKNOWN = "full-access-unknown"
    TOO_MANY_REVOCATIONS = "too-many-revocations"
    # the archive and the store
    ARCHIVE_UNREADABLE = "archive-unreadable"
    CONTENT_MISSING = "content-missing"
    CONTENT_DAMAGED = "content-damaged"
    DISK_FULL = "disk-full"
    DATABASE_DAMAGED = "database-damaged"
    DATABASE_NEWER = "database-newer"
    SEARCH_INDEX_DAMAGED = "search-index-damaged"
    SEARCH_INDEX_OFF = "search-index-off"
    LEASE_LOST = "lease-lost"
    CONSERVATION_BROKEN = "conservation-broken"
    AUDIT_BROKEN = "audit-broken"
    # the site and its configuration
    CONFIGURATION_INVALID = "configuration-invalid"
    CONFIGURATION_CHANGED = "configuration-changed"
    SECRET_UNREADABLE = "secret-unreadable"  # noqa: S105 (a reason code)
    HOME_UNSAFE = "home-unsafe"
    ENGINE_RUNNING_ELSEWHERE = "engine-running-elsewhere"
    ENGINE_MISSING = "engine-missing"
    ENGINE_SILENT = "engine-silent"
    TASK_RUNNING = "task-running"
    SITE_DISABLED = "site-disabled"
    SITE_IN_MAINTENANCE = "site-in-maintenance"
    ROLE_MISSING = "role-missing"
    READ_ONLY = "read-only"
    IN_USE = "in-use"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    # executions
    STOPPED = "stopped"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    OUTSIDE_WINDOW = "outside-window"
    OVERDUE = "overdue"
    NEVER_DUE = "never-due"
    TASK_PAUSED = "task-paused"
    MAILBOX_STALE = "mailbox-stale"
    INTERNAL = "internal-error"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a reason means in general, for the help, the docs and the troubleshooting page."""

    happened: str
    remedy: str
    expected: bool = False
    """An expected skip is listed and counted, but does not colour the result."""


class Problem(Exception):
    """Something went wrong that a person can be told about.

    Carries a stable reason, one sentence of what happened here, and one of what to do (by default the
    reason's general remedy).
    """

    def __init__(self, reason: Reason, happened: str, remedy: str | None = None) -> None:
        super().__init__(happened)
        self.reason = reason
        self.happened = happened
        self.remedy = remedy if remedy is not None else explain(reason).remedy

    def __str__(self) -> str:
        return f"{self.happened} [{self.reason}] {self.remedy}"


def explain(reason: Reason) -> Explanation:
    """The general explanation of a reason code."""
    return _EXPLANATIONS[reason]


_EXPLANATIONS: dict[Reason, Explanation] = {
    Reason.SERVER_UNREACHABLE: Explanation(
        "The Exchange server could not be reached.",
        "Check that the server is up and that [exchange] endpoint names it rightly; then run mse-tui doctor.",
    ),
    Reason.SERVER_NAME_UNKNOWN: Explanation(
        "The server's name could not be resolved.",
        "Check the host name in [exchange] endpoint and this machine's name servers.",
    ),
    Reason.CERTIFICATE_REFUSED: Explanation(
        "The server's certificate could not be verified.",
        "Set [exchange] ca_file to the authority that signed it, or renew the server's certificate.",
    ),
    Reason.PASSWORD_REFUSED: Explanation(
        "The server refused the user name or the password.",
        "Put the right password in place, or say that it is right with mse-tui site retry; nothing is tried before.",
    ),
    Reason.ACCOUNT_HALTED: Explanation(
        "The account was refused before and is not tried again, so that it does not get locked.",
        "Correct the user name or password in the configuration, or say that it is right with mse-tui site retry.",
    ),
    Reason.ACCESS_DENIED: Explanation(
        "The account may not open this mailbox.",
        "Give the service account the ApplicationImpersonation role, or full access to the mailbox.",
    ),
    Reason.IMPERSONATION_DENIED: Explanation(
        "The service account may not impersonate this mailbox's owner.",
        "Give it the ApplicationImpersonation role with a scope that includes this mailbox.",
    ),
    Reason.THROTTLED: Explanation(
        "The server asked to slow down for longer than the mailbox's time limit allows.",
        "Run the task at a quieter time, or raise the service account's throttling policy on the server.",
    ),
    Reason.NO_ANSWER: Explanation(
        "A running task has had no answer from a server for minutes.",
        "It goes on by itself once the server answers. See whether the server, the network and its name are up:"
        " mse-tui doctor. x stops the task.",
    ),
    Reason.SERVER_ERROR: Explanation(
        "The server answered with an error of its own.",
        "Look at the server's event log at this time; the next execution goes on from the last committed batch.",
    ),
    Reason.RESPONSE_BROKEN: Explanation(
        "The server's answer was cut off or not well-formed; it was not used.",
        "Check proxies and load balancers between this machine and the server; the next execution tries again.",
    ),
    Reason.TIMEOUT: Explanation(
        "The server did not answer in time.",
        "Check the server's load, or raise [exchange] timeout_seconds.",
    ),
    Reason.MAILBOX_NOT_FOUND: Explanation(
        "No mailbox has this address.",
        "Correct the address: in the directory, or in a new task.",
    ),
    Reason.MAILBOX_DISABLED: Explanation(
        "The mailbox's account is disabled; the mailbox was skipped.",
        "Nothing to do if the person has left; what was archived stays readable.",
        expected=True,
    ),
    Reason.MAILBOX_MOVING: Explanation(
        "The mailbox is being moved between databases.",
        "Nothing to do: the next execution processes it once the move has ended.",
    ),
    Reason.MAILBOX_LOCKED: Explanation(
        "Another task is processing this mailbox.",
        "Nothing to do: the task waits its turn.",
    ),
    Reason.FOLDER_NOT_FOUND: Explanation(
        "The folder disappeared while it was being read.",
        "Nothing to do: the next execution sees the folder tree as it is then.",
    ),
    Reason.SYNC_STATE_INVALID: Explanation(
        "The server no longer accepts the saved synchronisation state.",
        "Nothing to do: the folder is read in full again and reconciled; history stays.",
    ),
    Reason.ITEM_CORRUPT: Explanation(
        "The server could not read this item.",
        "Open the item in Outlook; if it does not open there either, delete it or repair the mailbox on the server.",
    ),
    Reason.ITEM_NOT_FOUND: Explanation(
        "The item was gone when its content was fetched.",
        "Nothing to do: the next execution sees where it went.",
    ),
    Reason.ITEM_CHANGED: Explanation(
        "Somebody changed the item between two of our calls, so it was left as it is.",
        "Nothing to do: the next execution looks at it as it is then.",
        expected=True,
    ),
    Reason.ITEM_CONVERSION_FAILED: Explanation(
        "The server could not convert this item to a message file.",
        "Open the item in Outlook and save it again, or delete it; it is tried again at each execution.",
    ),
    Reason.ITEM_TOO_LARGE: Explanation(
        "The item is larger than the site allows.",
        "Raise [exchange] max_item_bytes, or leave it unarchived.",
    ),
    Reason.PRIVATE: Explanation(
        "Private and personal items are skipped by this definition.",
        "Switch off 'skip private items' in the definition to replicate them.",
        expected=True,
    ),
    Reason.VAULT_SHORTCUT: Explanation(
        "An Enterprise Vault shortcut: the message is in the vault, so the shortcut is left as it is.",
        "Switch on 'include Enterprise Vault shortcuts' in a folder replication definition to have them archived.",
        expected=True,
    ),
    Reason.PURGED: Explanation(
        "The item is a message that the archive has purged; it is not stored again.",
        "Nothing to do: that is what purging means. mse-tui purge list shows when and why it was purged.",
        expected=True,
    ),
    Reason.NOT_AN_APPOINTMENT: Explanation(
        "Something else than an appointment lies in a calendar.",
        "Nothing to do; move it to a mail folder to have it replicated from there.",
        expected=True,
    ),
    Reason.OUTSIDE_PERIOD: Explanation(
        "Appointments outside the definition's window are left out.",
        "Enlarge the window in the definition to replicate them at the next execution.",
        expected=True,
    ),
    Reason.ON_HOLD: Explanation(
        "A litigation hold covers the item, so it was not touched.",
        "Nothing to do while the hold is in force; mse-tui hold list shows it.",
        expected=True,
    ),
    Reason.NOT_ARCHIVED: Explanation(
        "The archive does not have this item as it is now, so it was not touched.",
        "Replicate the folder first, or switch on 'archive what is missing' in the definition.",
        expected=True,
    ),
    Reason.NOT_READABLE: Explanation(
        "The mailbox's owner could not read the item in the archive, so it was not touched.",
        "Give the owner access to the mailbox's archive, or lengthen the policy that hides the item.",
        expected=True,
    ),
    Reason.ATTACHMENT_UNCONFIRMED: Explanation(
        "The archive's copy does not have every attachment as the server has it, so the item was not touched.",
        "Open the item in Outlook and save it again; then let folder replication take it once more.",
    ),
    Reason.PROTECTED: Explanation(
        "Signed, encrypted and rights-protected items are never changed.",
        "Nothing to do: a change would break the signature or the protection.",
        expected=True,
    ),
    Reason.IS_STUB: Explanation("The item is a stub already.", "Nothing to do.", expected=True),
    Reason.UNREAD: Explanation(
        "Unread items are skipped by this definition.",
        "Switch on 'include unread items' in the definition to take them too.",
        expected=True,
    ),
    Reason.FLAGGED: Explanation(
        "Flagged items are skipped by this definition.",
        "Switch on 'include flagged items' in the definition to take them too.",
        expected=True,
    ),
    Reason.CATEGORISED: Explanation(
        "Items with a category are skipped by this definition.",
        "Switch on 'include categorised items' in the definition to take them too.",
        expected=True,
    ),
    Reason.DRY_RUN: Explanation(
        "The item would be changed, but for the definition's dry run.",
        "Switch the dry run off once it lists what you want; its first 100 items of each mailbox are listed.",
        expected=True,
    ),
    Reason.TOO_MANY_CHANGES: Explanation(
        "The run would change more items than its definition allows, so it changed none.",
        "Look at a dry run; if that is what you want, raise the definition's Most changes (--max-changes,"
        " --max-changes-percent).",
    ),
    Reason.CLOCK_WRONG: Explanation(
        "This machine's clock and the server's differ by more than an hour, so it is not known what is old enough.",
        "Let both machines take their time from the same source (NTP); mse-tui doctor tells how far they are apart.",
    ),
    Reason.NO_QUOTA: Explanation(
        "The mailbox has no quota, so the definition's criterion can't be met.",
        "Give the mailbox a quota, or take 'only above quota' out of the definition.",
    ),
    Reason.STUB_INCOMPLETE: Explanation(
        "A stub could not be finished; nothing of the original is lost.",
        "Nothing to do: the next execution finishes it.",
    ),
    Reason.STUB_LOST: Explanation(
        "The stub is no longer in the mailbox, or no longer marked as one.",
        "Nothing to do if its owner deleted it; mse-tui archive restore puts the original back.",
    ),
    Reason.STUB_UNKNOWN: Explanation(
        "The item is a stub of which this archive knows no original, so it is left as it is.",
        "Was a backup put back? Keep the old data directory: the operator's guide, Restore, says how originals are had"
        " from it. mse-tui stub check names the stubs.",
    ),
    Reason.STUBS_NOT_SOUGHT: Explanation(
        "Stubs were deleted as their policies say, but whether the mailbox has them elsewhere could not be looked at.",
        "Nothing to do: the archive keeps their originals, and the next execution looks again.",
    ),
    Reason.ALREADY_THERE: Explanation(
        "The mailbox has this message already.",
        "Nothing to do; restore it with --collision copy or replace to put it there all the same.",
        expected=True,
    ),
    Reason.RETENTION_LIMITS: Explanation(
        "A policy purges earlier than the archive's minimum retention, or keeps longer than its maximum.",
        "Change the policy's days, or the archive's limits with mse-tui retention set.",
    ),
    Reason.APPROVAL_MISSING: Explanation(
        "The definition lets the archive purge, and nobody has approved it as it is now.",
        "Let a second person look and approve it: mse-tui definition approve. Until then the archive purges nothing.",
    ),
    Reason.FOLDER_LEFT_DELETED: Explanation(
        "The mailbox's owner deleted a managed folder twice; it is not created again.",
        "Nothing to do. To have it back, create a folder of that name where it was; the task takes it over.",
        expected=True,
    ),
    Reason.GROUP_EMPTY: Explanation(
        "The group resolved to no mailbox.",
        "Check the task's group: an empty answer is never taken for 'no members'. If it is right, confirm it with"
        " mse-tui task confirm-group and run the task again.",
    ),
    Reason.GROUP_SHRUNK: Explanation(
        "The group has far fewer mailboxes than at the run before, so nothing was touched.",
        "Look at who left; if that is right, confirm it with mse-tui task confirm-group and run the task again.",
    ),
    Reason.GROUP_STALE: Explanation(
        "The directory could not be asked, so the last good answer was used.",
        "Bring the directory back; the next execution asks it again.",
    ),
    Reason.GROUP_NOT_FOUND: Explanation(
        "The directory has no such group (any more).",
        "Restore the group, or create a task for another one and remove this one.",
    ),
    Reason.GROUP_AMBIGUOUS: Explanation(
        "Several groups are called so.",
        "Choose one of those found by that name, in the group's step of a new task or by mse-tui group find; or give"
        " the group's distinguished name or its address.",
    ),
    Reason.GROUP_REFUSED: Explanation(
        "A site that is bound to Microsoft 365 does not use groups of Active Directory.",
        "Give the e-mail address of a Microsoft 365 group, a distribution list, a mail-enabled security group or a"
        " dynamic distribution list.",
    ),
    Reason.DIRECTORY_MISSING: Explanation(
        "No directory is configured that could know this group.",
        "Fill in [active_directory] or [microsoft365] in the configuration (mse-tui site example shows them), or give"
        " mailbox addresses.",
    ),
    Reason.DIRECTORY_UNREACHABLE: Explanation(
        "The directory could not be reached.",
        "Check that its servers are up and rightly named in the configuration; then run mse-tui doctor.",
    ),
    Reason.DIRECTORY_INCOMPLETE: Explanation(
        "The directory cut its answer short, so none of it was used.",
        "Raise the limits that the directory sets for the account of [active_directory] (size, time).",
    ),
    Reason.ENCRYPTION_MISSING: Explanation(
        "The server does not encrypt the connection, so no password was sent.",
        'Set [active_directory] encryption to what the server offers ("ldaps"), and look who is between.',
    ),
    Reason.NO_MAILBOX: Explanation(
        "This member of the group has no mailbox.",
        "Nothing to do; give it a mailbox to have it processed.",
        expected=True,
    ),
    Reason.CONTACT: Explanation(
        "This member of the group is a contact: its mailbox is in another organisation.",
        "Nothing to do.",
        expected=True,
    ),
    Reason.LEFT_GROUP: Explanation(
        "The mailbox was to be run again, and is not in the task's group any more.",
        "Nothing to do if it was meant to leave; what was archived stays readable. Else put it back into the group.",
        expected=True,
    ),
    Reason.NOT_LICENSED: Explanation(
        "The account has no licence for a mailbox; the mailbox was skipped.",
        "Nothing to do if the person has left; what was archived stays readable. Else assign a licence.",
        expected=True,
    ),
    Reason.MAILBOX_ELSEWHERE: Explanation(
        "The mailbox is not in the organisation that this site is bound to.",
        "Process it with a site that is bound to the organisation where it is.",
        expected=True,
    ),
    Reason.FOREIGN_MEMBER: Explanation(
        "This member comes from another domain or forest, whose directory is not asked.",
        "Give the mailboxes behind it by their addresses, or take it out of the group.",
    ),
    Reason.MEMBER_UNREADABLE: Explanation(
        "The group lists this member, but the directory does not show it to the site's account.",
        "Let the account of [active_directory] read the object, or take it out of the group.",
    ),
    Reason.ADDRESS_INVALID: Explanation(
        "This is not a mail address.",
        "Correct the address.",
    ),
    Reason.TRUSTEE_UNKNOWN: Explanation(
        "A permission names an account that is gone or has no mail address.",
        "Nothing to do; remove the entry in Exchange if it is in the way.",
        expected=True,
    ),
    Reason.TRUSTEE_UNRESOLVED: Explanation(
        "It is not known which people a permission names, so nobody new was let in.",
        "Look at the directory named in the message; the next execution tries again.",
    ),
    Reason.TRUSTEE_SYSTEM: Explanation(
        "A permission is the owner's own, one of Windows's accounts', or inherited from above; it was ignored.",
        "Nothing to do.",
        expected=True,
    ),
    Reason.TRUSTEE_EVERYBODY: Explanation(
        "A permission is for everybody, anonymous users or another organisation; it was ignored.",
        "Nothing to do; grant people by hand with mse-tui access grant.",
        expected=True,
    ),
    Reason.TRUSTEE_GROUP: Explanation(
        "A permission names a group, and this definition does not expand groups.",
        "Switch on 'expand groups' in the definition to let the group's members in.",
        expected=True,
    ),
    Reason.LINK_WITHOUT_ACCESS: Explanation(
        "The mailbox is linked into somebody's Outlook who has no Full Access to it; nobody was let in by that.",
        "Nothing to do; remove the link with Remove-MailboxPermission -ClearAutoMapping.",
        expected=True,
    ),
    Reason.LEVEL_CUSTOM: Explanation(
        "A delegate's level in a folder is a custom one, which only the folder's own permissions tell.",
        "Synchronise folder permissions too; then they decide.",
        expected=True,
    ),
    Reason.FULL_ACCESS_UNKNOWN: Explanation(
        "It is not known who has Full Access to the mailbox, so nothing was changed about that.",
        "Exchange Server: fill in [active_directory] in the configuration. Where no directory can tell it, as on"
        " Microsoft 365, switch off 'Full Access' in the definition: definition set --no-full-access.",
    ),
    Reason.TOO_MANY_REVOCATIONS: Explanation(
        "More people would lose their access to an archive than the definition allows, so nothing was changed.",
        "Look at the permissions in Exchange; if they are right, raise the definition's cap for one execution.",
    ),
    Reason.ARCHIVE_UNREADABLE: Explanation(
        "The archive could not be read or written.",
        "Check the archive's directory, its owner and its mode.",
    ),
    Reason.CONTENT_MISSING: Explanation(
        "Content that the archive lists is not there.",
        "Run mse-tui archive verify --against-exchange --repair, or restore the pack from a backup.",
    ),
    Reason.CONTENT_DAMAGED: Explanation(
        "Content in the archive does not match its checksum.",
        "Check the disk; run mse-tui archive verify --against-exchange --repair, or restore the pack from a backup.",
    ),
    Reason.DISK_FULL: Explanation(
        "The disk is full.",
        "Free space or enlarge the file system: nothing was lost. A task that this ended goes on where it was at its"
        " next start; mse-tui task run begins it at once.",
    ),
    Reason.DATABASE_DAMAGED: Explanation(
        "The database file is damaged or is not a database.",
        "Restore it from a backup; the packs in the archive are untouched.",
    ),
    Reason.DATABASE_NEWER: Explanation(
        "The database was written by a newer version of mse-tui.",
        "Install that version or a newer one.",
    ),
    Reason.SEARCH_INDEX_DAMAGED: Explanation(
        "The file of the search index is damaged; the archive itself is not touched by that.",
        "Make it anew from the archive: mse-tui archive index --rebuild",
    ),
    Reason.SEARCH_INDEX_OFF: Explanation(
        "Searching is switched off for this site: [archive] search_index is false, so nothing is indexed.",
        "Set search_index = true under [archive] in config.toml and restart the engine, which then indexes all.",
    ),
    Reason.LEASE_LOST: Explanation(
        "This engine lost its lease on the mailbox, so it committed nothing more.",
        "Look for a second engine, a suspended machine or a clock jump; the next execution goes on.",
    ),
    Reason.CONSERVATION_BROKEN: Explanation(
        "The items seen do not add up to those stored, known, skipped and failed.",
        "This is a fault in mse-tui: report it with the execution's log. Run a full resync to be safe.",
    ),
    Reason.AUDIT_BROKEN: Explanation(
        "The audit is not as it was written.",
        "Someone has changed the database by other means than mse-tui: compare it with its backups.",
    ),
    Reason.CONFIGURATION_INVALID: Explanation(
        "The configuration is not valid.",
        "Correct the named line; mse-tui doctor checks it.",
    ),
    Reason.CONFIGURATION_CHANGED: Explanation(
        "The configuration, or a file that it names, has changed since the engine started.",
        "Check the new one with mse-tui doctor, then end the engine and start it again.",
    ),
    Reason.SECRET_UNREADABLE: Explanation(
        "The password could not be read.",
        "Check the path, the owner and the mode (0600) of the password file, or the variable's name.",
    ),
    Reason.HOME_UNSAFE: Explanation(
        "The data directory may be read or written by others.",
        "Make it yours alone: chmod 700, and owned by the user that runs mse-tui.",
    ),
    Reason.ENGINE_RUNNING_ELSEWHERE: Explanation(
        "Another engine is running this site.",
        "Stop that engine first, or watch and command it from here.",
    ),
    Reason.ENGINE_MISSING: Explanation(
        "No engine runs this site, so nobody carried the command out. The command is kept.",
        "Start mse-tui, or mse-tui engine: the command is carried out then.",
    ),
    Reason.ENGINE_SILENT: Explanation(
        "The engine's process lives but can't write, so this site's schedules rest.",
        "See whether the disk is full, and free space; else whether the process is suspended. It goes on by itself.",
    ),
    Reason.TASK_RUNNING: Explanation(
        "The task is running already.",
        "Wait for its end, or stop it.",
    ),
    Reason.SITE_DISABLED: Explanation(
        "The site is disabled, so none of its tasks starts.",
        "Enable it with mse-tui site enable.",
    ),
    Reason.SITE_IN_MAINTENANCE: Explanation(
        "The site is in maintenance, so none of its tasks starts.",
        "Wait for its end, or end it now with mse-tui site maintenance end.",
    ),
    Reason.ROLE_MISSING: Explanation(
        "The person lacks the role that this needs.",
        "Ask an administrator: the configuration's [roles] says which groups have which role.",
    ),
    Reason.READ_ONLY: Explanation(
        "The site is open to look at only, so nothing of it can be changed.",
        "Open it as the user that runs it, without --read-only; what may be done there is decided by roles. A backup"
        " put in place is a site again once its file mse-tui.backup is deleted.",
    ),
    Reason.IN_USE: Explanation(
        "A task uses this, so it can't be deleted.",
        "Give the named tasks another definition or schedule first, or remove them.",
    ),
    Reason.NOT_FOUND: Explanation("There is no such thing.", "Check the name; the list command shows what there is."),
    Reason.INVALID: Explanation("What was entered is not valid.", "Correct the named field."),
    Reason.STOPPED: Explanation(
        "The execution was stopped by a person.",
        "Nothing to do: the next execution goes on from the last committed batch.",
    ),
    Reason.PAUSED: Explanation(
        "The execution was paused by a person or by the site's maintenance; this mailbox goes on in a later row.",
        "Nothing to do: from the last committed batch it goes on when the task is resumed, or the maintenance ends.",
        expected=True,
    ),
    Reason.INTERRUPTED: Explanation(
        "The engine ended without finishing this execution.",
        "Run the task now, or leave it to its schedule: the next execution goes on from the last committed batch.",
    ),
    Reason.OUTSIDE_WINDOW: Explanation(
        "A full sync may not run at this time.",
        "Nothing to do: it goes on when the exclusion window ends.",
        expected=True,
    ),
    Reason.OVERDUE: Explanation(
        "The task should have started by its schedule, and did not.",
        "See whether the site's engine runs and whether its workers are all busy; start the task by hand if it is due.",
    ),
    Reason.NEVER_DUE: Explanation(
        "The task has never run, and its schedule has no execution to come.",
        "Give the task another schedule, or the schedule another time; or start the task by hand.",
    ),
    Reason.TASK_PAUSED: Explanation(
        "The task is paused, and starts of its schedule pass by.",
        "Resume it when it is to go on; remove it if it is needed no more.",
        expected=True,
    ),
    Reason.MAILBOX_STALE: Explanation(
        "The mailbox has not been processed successfully for several executions in a row.",
        "Open its row in the task summary log for the reason, and do what that says.",
    ),
    Reason.INTERNAL: Explanation(
        "Something unexpected happened inside mse-tui.",
        "Report it with the engine's log; the next execution goes on from the last committed batch.",
    ),
}


def remedy(reason: str) -> str:
    """What to do about a reason code; '' for none or for one that this version does not know."""
    try:
        return explain(Reason(reason)).remedy
    except ValueError:
        return ""
