"""Which properties each kind of item has, in the order in which the schema wants them."""

from functools import lru_cache

_ITEM = """MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments DateTimeReceived Size
Categories Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend IsUnmodified InternetMessageHeaders DateTimeSent
DateTimeCreated ResponseObjects ReminderDueBy ReminderIsSet ReminderNextTime ReminderMinutesBeforeStart DisplayCc
DisplayTo DisplayBcc HasAttachments ExtendedProperty Culture EffectiveRights LastModifiedName LastModifiedTime
IsAssociated WebClientReadFormQueryString WebClientEditFormQueryString ConversationId UniqueBody Flag StoreEntryId
InstanceKey NormalizedBody EntityExtractionResult PolicyTag ArchiveTag RetentionDate Preview
RightsManagementLicenseData BlockStatus HasBlockedImages TextBody IconIndex""".split()  # noqa: SIM905

_MESSAGE = """Sender ToRecipients CcRecipients BccRecipients IsReadReceiptRequested IsDeliveryReceiptRequested
ConversationIndex ConversationTopic From InternetMessageId IsRead IsResponseRequested References ReplyTo ReceivedBy
ReceivedRepresenting ApprovalRequestData VotingInformation ReminderMessageData""".split()  # noqa: SIM905

_CALENDAR = """UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus Location When
IsMeeting IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested CalendarItemType MyResponseType Organizer
RequiredAttendees OptionalAttendees Resources ConflictingMeetingCount AdjacentMeetingCount Duration TimeZone
AppointmentReplyTime AppointmentSequenceNumber AppointmentState Recurrence FirstOccurrence LastOccurrence
ModifiedOccurrences DeletedOccurrences MeetingTimeZone StartTimeZone EndTimeZone ConferenceType AllowNewTimeProposal
IsOnlineMeeting MeetingWorkspaceUrl NetShowUrl EnhancedLocation StartWallClock EndWallClock StartTimeZoneId
EndTimeZoneId IntendedFreeBusyStatus JoinOnlineMeetingUrl OnlineMeetingSettings IsOrganizer""".split()  # noqa: SIM905

_CONTACT = """FileAs FileAsMapping DisplayName GivenName Initials MiddleName Nickname CompleteName CompanyName
EmailAddresses PhysicalAddresses PhoneNumbers AssistantName Birthday BusinessHomePage Children Companies ContactSource
Department Generation ImAddresses JobTitle Manager Mileage OfficeLocation PostalAddressIndex Profession SpouseName
Surname WeddingAnniversary HasPicture PhoneticFullName PhoneticFirstName PhoneticLastName Alias Notes Photo
UserSMIMECertificate MSExchangeCertificate DirectoryId ManagerMailbox DirectReports""".split()  # noqa: SIM905

_TASK = """ActualWork AssignedTime BillingInformation ChangeCount Companies CompleteDate Contacts DelegationState
Delegator DueDate IsAssignmentEditable IsComplete IsRecurring IsTeamTask Mileage Owner PercentComplete Recurrence
StartDate Status StatusDescription TotalWork""".split()  # noqa: SIM905

_POST = "ConversationIndex ConversationTopic From InternetMessageId IsRead PostedTime References Sender".split()  # noqa: SIM905
_MEETING = "AssociatedCalendarItemId IsDelegated IsOutOfDate HasBeenProcessed ResponseType".split()  # noqa: SIM905
_MEETING_IDENTITY = ["UID", "RecurrenceId", "DateTimeStamp"]
_NOT_IN_REQUEST = {"UID", "RecurrenceId", "DateTimeStamp", "IsResponseRequested", "IntendedFreeBusyStatus"} | {
    "JoinOnlineMeetingUrl",
    "OnlineMeetingSettings",
    "IsOrganizer",
}
_IN_RESPONSE = ["Start", "End", "Location", "Recurrence", "CalendarItemType"]


def _with(prefix: str, names: list[str]) -> list[tuple[str, str]]:
    return [(f"{prefix}:{name}", name) for name in names]


_BASE = _with("item", _ITEM)
_MAIL = _BASE + _with("message", _MESSAGE)
_MEETING_MAIL = _MAIL + _with("meeting", _MEETING) + _with("calendar", _MEETING_IDENTITY)

KINDS: dict[str, list[tuple[str, str]]] = {
    "Item": _BASE,
    "Message": _MAIL,
    "CalendarItem": _BASE + _with("calendar", _CALENDAR),
    "Contact": _BASE + _with("contacts", _CONTACT),
    "DistributionList": _BASE
    + _with("contacts", ["DisplayName", "FileAs", "ContactSource"])
    + [("distributionlist:Members", "Members")],
    "Task": _BASE + _with("task", _TASK),
    "PostItem": _BASE
    + [("postitem:PostedTime" if name == "PostedTime" else f"message:{name}", name) for name in _POST],
    "MeetingMessage": _MEETING_MAIL,
    "MeetingRequest": _MEETING_MAIL
    + _with("meetingRequest", ["MeetingRequestType", "IntendedFreeBusyStatus"])
    + _with("calendar", [name for name in _CALENDAR if name not in _NOT_IN_REQUEST]),
    "MeetingResponse": _MEETING_MAIL + _with("calendar", _IN_RESPONSE),
    "MeetingCancellation": _MEETING_MAIL + _with("calendar", _IN_RESPONSE),
}
"""Element name of a kind of item -> its (field URI, element name) in schema order."""

_CLASSES = (
    ("ipm.appointment", "CalendarItem"),
    ("ipm.contact", "Contact"),
    ("ipm.distlist", "DistributionList"),
    ("ipm.task", "Task"),
    ("ipm.post", "PostItem"),
    ("ipm.schedule.meeting.request", "MeetingRequest"),
    ("ipm.schedule.meeting.canceled", "MeetingCancellation"),
    ("ipm.schedule.meeting.resp", "MeetingResponse"),
)

DEFAULT_CLASSES = {
    "Item": "IPM.Note",
    "Message": "IPM.Note",
    "CalendarItem": "IPM.Appointment",
    "Contact": "IPM.Contact",
    "DistributionList": "IPM.DistList",
    "Task": "IPM.Task",
    "PostItem": "IPM.Post",
    "MeetingMessage": "IPM.Schedule.Meeting.Request",
    "MeetingRequest": "IPM.Schedule.Meeting.Request",
    "MeetingResponse": "IPM.Schedule.Meeting.Resp.Pos",
    "MeetingCancellation": "IPM.Schedule.Meeting.Canceled",
}
"""The item class that a new item of a kind has."""


@lru_cache(maxsize=1024)
def kind_of(item_class: str) -> str:
    """The element name for an item class: what is not one of the others is a Message."""
    lower = item_class.lower()
    for prefix, kind in _CLASSES:
        if lower.startswith(prefix) and (kind.startswith("Meeting") or lower[len(prefix) :][:1] in {"", "."}):
            return kind
    return "Message"


def uri_of(kind: str, element_name: str) -> str | None:
    """The field URI of a kind's element, None where the kind has no such element."""
    return _URIS[kind].get(element_name)


_URIS = {kind: {name: uri for uri, name in fields} for kind, fields in KINDS.items()}

CONTENT_FIELDS = frozenset(
    f"item:{name}"
    for name in (
        "MimeContent Body UniqueBody NormalizedBody TextBody Preview Attachments InternetMessageHeaders".split()  # noqa: SIM905
    )
)
"""Made by reading the item's MIME."""

NOT_IN_ALL = frozenset({"item:MimeContent", "item:DisplayBcc"})
"""What the base shape AllProperties leaves out: older clients don't know DisplayBcc."""

NOT_IN_LISTS = CONTENT_FIELDS - {"item:Preview"} | {"item:ResponseObjects"}
"""What FindItem and SyncFolderItems leave out."""

NOT_FOUND_BY_FIND = frozenset({"message:ToRecipients", "message:CcRecipients", "message:BccRecipients"})
"""What FindItem leaves out besides."""

DEFAULT_SHAPES: dict[str, frozenset[str]] = {
    "Message": frozenset(
        """item:ItemId item:Subject item:Sensitivity item:Body item:Attachments item:Size item:DateTimeSent
        item:DateTimeCreated item:HasAttachments item:ResponseObjects message:From message:ToRecipients
        message:CcRecipients message:BccRecipients message:IsRead message:IsReadReceiptRequested
        message:IsDeliveryReceiptRequested""".split()  # noqa: SIM905
    ),
    "CalendarItem": frozenset(
        """item:ItemId item:Subject item:Body item:Attachments item:HasAttachments item:ResponseObjects calendar:Start
        calendar:End calendar:LegacyFreeBusyStatus calendar:Location calendar:Organizer calendar:CalendarItemType
        calendar:RequiredAttendees calendar:OptionalAttendees calendar:Resources calendar:Recurrence
        calendar:FirstOccurrence calendar:LastOccurrence calendar:ModifiedOccurrences
        calendar:DeletedOccurrences""".split()  # noqa: SIM905
    ),
    "Contact": frozenset(
        """item:ItemId item:Attachments item:HasAttachments item:Culture contacts:FileAs contacts:DisplayName
        contacts:CompanyName contacts:EmailAddresses contacts:PhysicalAddresses contacts:PhoneNumbers contacts:JobTitle
        contacts:ImAddresses contacts:CompleteName""".split()  # noqa: SIM905
    ),
    "Task": frozenset(
        """item:ItemId item:Subject item:Body item:Attachments item:HasAttachments task:DueDate task:PercentComplete
        task:StartDate task:Status""".split()  # noqa: SIM905
    ),
}
"""The base shape Default, by kind; the other kinds' is that of Message."""
