"""Every command of the screens, declared once: key binding, palette entry, help and documentation come from here."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person can do."""

    id: str
    """'task.run' runs the Textual action 'task_run', 'mode.tasks' the action 'mode' with 'tasks'; keys can be remapped
    by it."""
    key: str
    """Textual key names, separated by commas."""
    label: str
    help: str
    changes: bool = False
    """It changes something beyond this screen."""
    footer: bool = True
    """It is shown in the key line (as far as there is room)."""
    shown_key: str = ""
    """How the key reads, where its name is no good."""
    short: str = ""
    """The label where there is little room."""

    @property
    def method(self) -> str:
        """What the screen (or the app) calls it: 'action_task_run'."""
        name = "mode" if self.id.startswith("mode.") else self.id.replace(".", "_").replace("-", "_")
        return f"action_{name}"

    @property
    def action(self) -> str:
        """The Textual action, as bindings name it."""
        name = self.method.removeprefix("action_")
        return f"{name}({self.id.removeprefix('mode.')!r})" if name == "mode" else name

    @property
    def keys_shown(self) -> str:
        """The keys as people read them."""
        return self.shown_key or " ".join(_READ.get(key, key) for key in self.key.split(","))

    @property
    def first_key(self) -> str:
        """The key that the key line shows."""
        return self.shown_key or _READ.get(self.key.split(",", maxsplit=1)[0], self.key.split(",", maxsplit=1)[0])


_READ = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "ctrl+p": "Ctrl+P",
    "ctrl+s": "Ctrl+S",
    "ctrl+o": "Ctrl+O",
    "ctrl+r": "Ctrl+R",
    "backspace": "Backspace",
    "ctrl+d": "Ctrl+D",
    "ctrl+u": "Ctrl+U",
    "ctrl+c": "Ctrl+C",
}


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """The bindings of commands, each with its id, so that its key can be remapped."""
    return [Binding(one.key, one.action, one.label, show=one.footer, tooltip=one.help, id=one.id) for one in commands]


# --- everywhere --------------------------------------------------------------------------------------------------

HELP = Command("help", "question_mark", "Help", "Show the keys of this screen and what they do.")
QUIT = Command("quit", "q,ctrl+c", "Quit", "Leave mse-tui; an engine that runs inside it ends with it.")
PALETTE = Command(
    "palette", "colon,ctrl+p", "Commands", "Find any command of this screen by typing a part of it.", footer=False
)
REFRESH = Command("refresh", "r", "Refresh", "Read everything on this screen again.", footer=False)
THEME = Command(
    "theme", "f2", "Theme", "Next of dark, light, ansi-dark and ansi-light; it is remembered.", footer=False
)
BACK = Command(
    "back",
    "escape",
    "Back",
    "Drop the filter, then the marks, then go back one step; in the end to the dashboard.",
    footer=False,
)
ENGINE = Command(
    "engine-start", "E", "Start engine", "Run the site's engine inside this program, if none runs.", True, False
)
RETRY = Command(
    "account-retry",
    "ctrl+t",
    "Retry account",
    "Say that a refused password is right now, so that the account is tried again.",
    changes=True,
    footer=False,
    shown_key="Ctrl+T",
)

MODE_DASHBOARD = Command(
    "mode.dashboard", "1", "Dashboard", "What needs you, what runs, what comes.", footer=False, short="Dash"
)
MODE_TASKS = Command("mode.tasks", "2", "Tasks", "All tasks.", footer=False)
MODE_ARCHIVE = Command("mode.archive", "3", "Archive", "What has been kept, mailbox by mailbox.", footer=False)
MODE_LOG = Command("mode.log", "4", "Log", "The task summary log: one entry an execution, of all tasks.", footer=False)
MODE_DEFINITIONS = Command(
    "mode.definitions", "5", "Definitions", "Named settings that tasks use.", footer=False, short="Defs"
)
MODE_SCHEDULES = Command(
    "mode.schedules", "6", "Schedules", "Named timing that tasks use.", footer=False, short="Sched"
)
MODE_CALENDAR = Command(
    "mode.calendar", "7", "Calendar", "Replicated calendars, mailbox by mailbox.", footer=False, short="Cal"
)
MODE_STUBS = Command("mode.stubs", "9", "Stubs", "What was taken out of mailboxes, and giving it back.", footer=False)
MODE_AUDIT = Command("mode.audit", "W", "Audit", "Who did what, and whether anybody has been at it.", footer=False)
MODE_LOGS = Command(
    "mode.logs", "L", "Engine log", "What the engine logs, as it comes; filtered.", footer=False, short="Engine"
)
MODE_SITES = Command("mode.sites", "S", "Sites", "The sites, their engines and accounts.", footer=False)
MODE_PLANNING = Command(
    "mode.planning", "0", "Planning", "How long tasks take and whether they keep up.", footer=False, short="Plan"
)
MODE_RETENTION = Command(
    "mode.retention", "8", "Retention", "Retention, litigation holds, approvals and purges.", footer=False
)
MODES = (
    MODE_DASHBOARD, MODE_TASKS, MODE_ARCHIVE, MODE_LOG, MODE_DEFINITIONS, MODE_SCHEDULES, MODE_CALENDAR, MODE_RETENTION,
    MODE_STUBS, MODE_PLANNING, MODE_AUDIT, MODE_SITES, MODE_LOGS,
)  # fmt: skip
"""The places, as the header shows them."""

EVERYWHERE = (
    HELP, QUIT, PALETTE, *MODES, REFRESH, BACK, THEME, ENGINE, RETRY,
)  # fmt: skip

# --- lists -------------------------------------------------------------------------------------------------------

LIST_DOWN = Command("list.down", "j,down", "Down", "Next line.", footer=False)
LIST_UP = Command("list.up", "k,up", "Up", "Line before.", footer=False)
LIST_FIRST = Command("list.first", "g,home", "First", "First line.", footer=False)
LIST_LAST = Command("list.last", "G,end", "Last", "Last line.", footer=False)
LIST_PAGE_DOWN = Command("list.page-down", "pagedown,ctrl+d", "Page down", "One page on.", footer=False)
LIST_PAGE_UP = Command("list.page-up", "pageup,ctrl+u", "Page up", "One page back.", footer=False)
LIST_OPEN = Command("list.open", "enter", "Open", "Open the line under the cursor.", footer=False)
LIST_MARK = Command("list.mark", "space", "Mark", "Mark the line, or take the mark away.", footer=False)
LIST_UNMARK = Command("list.unmark", "u", "Unmark", "Take all marks away (so does Esc).", footer=False)
LIST_COPY = Command(
    "list.copy",
    "y",
    "Copy",
    "Copy the name, address, id or sentence under the cursor, or the marked ones (OSC 52; in tmux: set-clipboard on)."
    " A file has it too, for terminals that take no copies.",
    footer=False,
)
LIST_COPY_LINE = Command("list.copy-line", "Y", "Copy line", "The same with all columns.", footer=False)
LIST_KEYS = (
    LIST_DOWN, LIST_UP, LIST_FIRST, LIST_LAST, LIST_PAGE_DOWN, LIST_PAGE_UP, LIST_OPEN, LIST_MARK, LIST_UNMARK,
    LIST_COPY, LIST_COPY_LINE,
)  # fmt: skip

READING_KEYS = (LIST_DOWN, LIST_UP, LIST_FIRST, LIST_LAST, LIST_PAGE_DOWN, LIST_PAGE_UP, LIST_COPY, LIST_COPY_LINE)
"""Of lists that are text to be read: there is nothing to open or to mark."""

STEP_IN = Command("step-in", "right,l", "Step in", "Open the line under the cursor, as Enter does.", footer=False)
STEP_OUT = Command("step-out", "left,h", "Step out", "Go back one step, as Esc does.", footer=False)
STEPS = (STEP_IN, STEP_OUT)
"""Of lists on screens that have nothing of their own to the left and right, such as tabs."""


def steps_beside(own: Iterable[Command]) -> tuple[Command, ...]:
    """Those of a screen whose own commands these are."""
    taken = {key for command in own for key in command.key.split(",")}
    return tuple(one for one in STEPS if not taken & set(one.key.split(",")))


FILTER = Command("filter", "slash", "Filter", "Show only lines with this text; Esc shows all again.")
FIND = Command("filter", "slash", "Find", "Find the next line with this text.")
NEXT_MATCH = Command("match-next", "n", "Next match", "The next line with the text.", footer=False)
PREVIOUS_MATCH = Command("match-previous", "N", "Match before", "The line before with the text.", footer=False)
FILTERING = (FILTER, NEXT_MATCH, PREVIOUS_MATCH)
FINDING = (FIND, NEXT_MATCH, PREVIOUS_MATCH)

# --- tasks -------------------------------------------------------------------------------------------------------

TASK_NEW = Command("task.new", "c", "New task", "Create a task, step by step.", changes=True)
TASK_RUN = Command("task.run", "R", "Run", "Run the task now, on all its mailboxes or on the first few.", changes=True)
RUN_AGAIN = Command(
    "task.run", "R", "Run again", "Run the task now: on what failed, on all its mailboxes or on the first few.", True
)
TASK_STOP = Command("task.stop", "x", "Stop", "Stop the running execution at the next item boundary.", changes=True)
TASK_PAUSE = Command(
    "task.pause", "p", "Pause/resume", "Pause the task (it isn't started until resumed), or resume it.", changes=True
)
TASK_RESYNC = Command(
    "task.resync", "F", "Full resync", "Read the mailboxes in full at the next execution; history stays.", True, False
)
TASK_REMOVE = Command("task.remove", "D", "Remove", "Remove the task; asks what becomes of the Full view.", True)
TASK_COMMANDS = (TASK_RUN, TASK_STOP, TASK_PAUSE, TASK_REMOVE, TASK_RESYNC)

GROUP_BROWSE = Command("group.browse", "ctrl+o", "Browse", "Look for a group by its place in the directory.")
GROUP_REFRESH = Command(
    "group.refresh",
    "ctrl+r",
    "Ask again",
    "Ask the directory again who is in the group, whatever it said before.",
)
GROUP_MEMBERS = Command("group.members", "m", "Members", "Who is in the group, who joined and left, who is skipped.")
GROUP_CONFIRM = Command(
    "group.confirm", "C", "Confirm", "Say that the group is right though it has shrunk, so that the task goes on.", True
)

TASKS_SORT = Command("tasks.sort", "s", "Sort", "Turn the order round; then sort by light, next execution, status.")
TASKS_TYPE = Command("tasks.type", "t", "Type", "Show one type's tasks, the next type's, or all.", footer=False)

TAB_OPTIONS = Command("tab.options", "o", "Options", "What the task was created with.", footer=False)
TAB_INFORMATION = Command("tab.information", "i", "Information", "What the task is doing and has done.", footer=False)
TAB_LOGS = Command("tab.logs", "s", "Logs", "The task's summary log.", footer=False)
TAB_NEXT = Command("tab.next", "right,l,tab", "Next tab", "The next tab.", footer=False)
TAB_PREVIOUS = Command("tab.previous", "left,h,shift+tab", "Tab before", "The tab before.", footer=False)
TABS = (TAB_OPTIONS, TAB_INFORMATION, TAB_LOGS, TAB_NEXT, TAB_PREVIOUS)
TASK_CHANGE = Command("task.change", "e", "Change", "Give the task another schedule or definition.", changes=True)

LOG_OPEN = Command("log.open", "o", "Log", "What the engine has logged about the line under the cursor.")
LOG_PROBLEMS = Command("log.problems", "t", "Problems", "Only what ended with a warning or an error; again: all.")
LOG_DEFINITION = Command("log.definition", "d", "Definition", "The definition as this execution used it.", footer=False)

# --- definitions and schedules -----------------------------------------------------------------------------------

CREATE = Command("create", "c", "Create", "Create a new one.", changes=True)
EDIT = Command("edit", "e", "Edit", "Change its settings; tasks that run now keep what they began with.", changes=True)
DELETE = Command("delete", "D", "Delete", "Delete it, if no task uses it.", changes=True)

# --- archive -----------------------------------------------------------------------------------------------------

OPEN_MAILBOX = Command("list.open", "enter", "Open", "Open the mailbox under the cursor; it is audited.")
VIEW = Command("view", "v", "View", "Live, Full or as of a date.")
SEARCH = Command("search", "s", "Search", "Find messages and appointments by what they say; in a mailbox, in that one.")
OPEN_HIT = Command("list.open", "enter", "Open", "Open what is under the cursor; it is audited.")
SEARCH_WORDS = Command("filter", "slash", "Words", "Back to the words that are looked for.")
ARCHIVE_EXPORT = Command(
    "archive.export",
    "w",
    "Export",
    "Write the mailbox, or the marked folders (else the one under the cursor) and all below, into files.",
)
SAVE_MESSAGE = Command("message.save", "w", "Write file", "Write the message to an .eml file, byte for byte.")
SAVE_ATTACHMENT = Command("message.attachment", "a", "Attachment", "Write one of its attachments to a file.")
HEADERS = Command("message.headers", "H", "Headers", "All header lines, or only the usual ones.")

# --- who may open which archive ----------------------------------------------------------------------------------

ACCESS = Command("access", "a", "Access", "Who may open the archive of the mailbox under the cursor, and why.")
ACCESS_GRANT = Command("access.grant", "c", "Grant", "Let somebody see this archive, or keep them out.", changes=True)
ACCESS_REVOKE = Command(
    "access.revoke", "D", "Revoke", "Take back what was granted or denied by hand; what is from Exchange is not.", True
)
ACCESS_EXPLAIN = Command("access.explain", "e", "Explain", "What a person may see of this archive, and why.")
ACCESS_CHANGES = Command("access.changes", "H", "History", "Which grants came, went and changed, dry runs among them.")

# --- calendars ---------------------------------------------------------------------------------------------------

CALENDARS = Command("calendars", "C", "Calendars", "The calendars of the mailbox under the cursor.")
CALENDAR_AGENDA = Command("calendar.agenda", "a", "Agenda", "Day by day, from the day or week under the cursor on.")
CALENDAR_MONTH = Command("calendar.month", "m", "Month", "The month in whole weeks.")
CALENDAR_EARLIER = Command("calendar.earlier", "left,h", "Earlier", "The days, or the month, before.")
CALENDAR_LATER = Command("calendar.later", "right,l", "Later", "The days, or the month, after.")
CALENDAR_TODAY = Command("calendar.today", "t", "Today", "Back to today.")
CALENDAR_DAY = Command("calendar.day", "d", "Go to day", "Go to a day or a month of your choice.", footer=False)
CALENDAR_ZONE = Command("calendar.zone", "z", "Zone", "Times in this machine's zone, or in the mailbox owner's.")
CALENDAR_CHOOSE = Command("calendar.choose", "c", "Calendar", "One of the mailbox's calendars, or all of them.")
CALENDAR_VIEW = Command("calendar.view", "v", "View", "As they are, or as they were at a date.")
CALENDAR_EXPORT = Command("calendar.export", "w", "Write file", "Write the calendars shown to .ics files.")
CALENDAR_KEYS = (
    CALENDAR_EARLIER, CALENDAR_LATER, CALENDAR_TODAY, CALENDAR_ZONE, CALENDAR_CHOOSE, CALENDAR_VIEW, CALENDAR_EXPORT,
    CALENDAR_DAY,
)  # fmt: skip
SAVE_APPOINTMENT = Command("appointment.save", "w", "Write file", "Write this version to an .ics file.")
ORIGINAL = Command("appointment.original", "o", "Original", "What the server gave, or what it says.")

RESTORE_MESSAGE = Command(
    "message.restore", "R", "Restore", "Put the message, or the marked ones, back into a mailbox.", changes=True
)

STUB_REHYDRATE = Command(
    "stub.rehydrate", "H", "Rehydrate", "Put the originals back in the places of stubs.", changes=True
)
STUB_REVOKE = Command("stub.revoke", "U", "Revoke links", "Let the links in stubs open nothing any more.", changes=True)
STUBS_STATE = Command("stubs.state", "t", "State", "Show stubs of one state, of the next state, or all.")

# --- audit and sites ---------------------------------------------------------------------------------------------

AUDIT_VERIFY = Command("audit.verify", "V", "Verify", "Check that no entry was changed, taken out or put in.")
AUDIT_WHO = Command("audit.who", "w", "This person", "Only what the person under the cursor did; again: everybody.")
SITE_ENABLE = Command("site.enable", "e", "Enable/disable", "Let the site's tasks start, or none of them.", True)
SITE_MAINTENANCE = Command(
    "site.maintenance", "m", "Maintenance", "Let none of the site's tasks run until a time; or end that now.", True
)
SITE_WINDOWS = Command(
    "site.windows", "w", "Weekly", "The times of each week in which the site is in maintenance.", True
)
SITE_PRUNING = Command("site.pruning", "p", "Pruning", "How long executions and audit entries are kept.", True)

# --- the engine's log --------------------------------------------------------------------------------------------

LOGS_LEVEL = Command("logs.level", "v", "Level", "Lines of every level, or at least as bad as info, warning, error.")
LOGS_TASK = Command("logs.task", "t", "Task", "Only lines about one task.")
LOGS_MAILBOX = Command("logs.mailbox", "m", "Mailbox", "Only lines about mailboxes whose address has a part.")
LOGS_TEXT = Command("filter", "slash", "Text", "Only lines with this text; Esc shows all again.")
LOGS_FOLLOW = Command("logs.follow", "f", "Follow", "Go to the end and stay there as lines come; k stops it.")

# --- planning ----------------------------------------------------------------------------------------------------

PLAN_MORE = Command("plan.more", "m", "More mailboxes", "What it would cost to add so many mailboxes.")
PLAN_EVERY = Command("plan.every", "e", "Wanted interval", "How many tasks must share the group to finish in time.")

# --- retention ---------------------------------------------------------------------------------------------------

CREATE_RETENTION = Command(
    "create-retention", "c", "Create", "Place a hold (on its tab), or give a mailbox settings of its own.", changes=True
)
EDIT_RETENTION = Command("edit-retention", "e", "Settings", "Change the retention settings.", changes=True)
APPROVE = Command(
    "approve", "A", "Approve", "Look at what lets the archive purge, and approve it as a second person.", changes=True
)
LIFT = Command("lift", "D", "Lift", "Lift the hold, or withdraw the approval, under the cursor.", changes=True)

# --- forms and dialogs -------------------------------------------------------------------------------------------

SUBMIT = Command("submit", "ctrl+s", "Save", "Check and save what was entered.")
CANCEL = Command("cancel", "escape", "Cancel", "Leave without saving.")
CLOSE = Command("close", "escape,q,left,h", "Close", "Close.")
CHOICE_NEXT = Command("choice.next", "right,l", "Next choice", "The next choice.", footer=False)
CHOICE_BEFORE = Command("choice.before", "left,h", "Choice before", "The choice before.", footer=False)
