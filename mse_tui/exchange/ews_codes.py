"""Which of Exchange's 530 response codes stand for which reason, and which of them pass by themselves."""

from mse_tui.reasons import Reason

CODES: dict[Reason, frozenset[str]] = {
    Reason.THROTTLED: frozenset(
        [
            "ErrorServerBusy",
            "ErrorExceededConnectionCount",
            "ErrorExceededFindCountLimit",
            "ErrorTooManyObjectsOpened",
            "ErrorBatchProcessingStopped",
            "ErrorExceededSubscriptionCount",
        ]
    ),
    Reason.TIMEOUT: frozenset(
        ["ErrorTimeoutExpired", "ErrorInstantSearchTimeout", "ErrorLocationServicesRequestTimedOut"]
    ),
    Reason.PASSWORD_REFUSED: frozenset(["ErrorPasswordExpired", "ErrorPasswordChangeRequired"]),
    Reason.IMPERSONATION_DENIED: frozenset(
        [
            "ErrorImpersonateUserDenied",
            "ErrorImpersonationDenied",
            "ErrorImpersonationFailed",
            "ErrorInvalidExchangeImpersonationHeaderData",
            "ErrorInvalidManagementRoleHeader",
            "ErrorMoreThanOneAccessModeSpecified",
            "ErrorAccessModeSpecified",
        ]
    ),
    Reason.ACCESS_DENIED: frozenset(
        [
            "ErrorAccessDenied",
            "ErrorAccessDeniedDueToCompliance",
            "ErrorMailboxLogonFailed",
            "ErrorLogonAsNetworkServiceFailed",
            "ErrorInvalidLogonType",
            "ErrorNotDelegate",
            "ErrorNoFreeBusyAccess",
            "ErrorCallerIsInvalidADAccount",
            "ErrorInvalidAuthorizationContext",
            "ErrorInvalidClientSecurityContext",
            "ErrorInvalidProxySecurityContext",
            "ErrorInvalidSerializedAccessToken",
            "ErrorUnauthorizedClientAccessTokenRequest",
            "ErrorUserNotAllowedByPolicy",
            "ErrorOrganizationAccessBlocked",
            "ErrorExtensionsNotAuthorized",
            "ErrorTeamMailboxNotAuthorizedOwner",
        ]
    ),
    Reason.MAILBOX_NOT_FOUND: frozenset(
        [
            "ErrorNonExistentMailbox",
            "ErrorMailRecipientNotFound",
            "ErrorNameResolutionNoResults",
            "ErrorCannotFindUser",
            "ErrorNonPrimarySmtpAddress",
            "ErrorMissingExchangePrincipal",
            "ErrorInvalidSmtpAddress",
            "ErrorInvalidMailbox",
            "ErrorInvalidUserPrincipalName",
            "ErrorInvalidUserSid",
            "ErrorInvalidSid",
            "ErrorRecipientNotFound",
            "ErrorUnifiedGroupMailboxNotFound",
            "ErrorTeamMailboxNotFound",
            "ErrorEmailAddressMismatch",
            "ErrorAddressSpaceNotFound",
            "ErrorArchiveMailboxNotEnabled",
            "ErrorInvalidUserInfo",
        ]
    ),
    Reason.MAILBOX_DISABLED: frozenset(
        ["ErrorAccountDisabled", "ErrorAccountSuspend", "ErrorAccountSuspendShowTierUpgrade"]
    ),
    Reason.MAILBOX_MOVING: frozenset(["ErrorMailboxMoveInProgress", "ErrorMailboxFailover"]),
    Reason.FOLDER_NOT_FOUND: frozenset(
        [
            "ErrorFolderNotFound",
            "ErrorParentFolderNotFound",
            "ErrorSyncFolderNotFound",
            "ErrorSavedItemFolderNotFound",
            "ErrorToFolderNotFound",
            "ErrorManagedFolderNotFound",
            "ErrorCannotAccessDeletedPublicFolder",
            "ErrorInvalidFolderId",
            "ErrorNoCalendar",
        ]
    ),
    Reason.SYNC_STATE_INVALID: frozenset(["ErrorInvalidSyncStateData"]),
    Reason.ITEM_NOT_FOUND: frozenset(
        [
            "ErrorItemNotFound",
            "ErrorObjectTypeChanged",
            "ErrorInvalidIdMalformed",
            "ErrorInvalidId",
            "ErrorInvalidIdEmpty",
            "ErrorInvalidIdXml",
            "ErrorInvalidIdStoreObjectIdTooLong",
            "ErrorInvalidIdMonikerTooLong",
            "ErrorInvalidIdMalformedEwsLegacyIdFormat",
            "ErrorCannotUseFolderIdForItemId",
            "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
            "ErrorEventNotFound",
        ]
    ),
    Reason.ITEM_CHANGED: frozenset(
        ["ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorInvalidChangeKey", "ErrorChangeKeyRequired"]
    ),
    Reason.ITEM_CORRUPT: frozenset(
        [
            "ErrorItemCorrupt",
            "ErrorCorruptData",
            "ErrorFolderCorrupt",
            "ErrorItemPropertyRequestFailed",
            "ErrorFolderPropertRequestFailed",
            "ErrorUnsupportedMapiPropertyType",
            "ErrorCalendarInvalidPropertyState",
            "ErrorCannotOpenFileAttachment",
            "ErrorInvalidAttachmentId",
            "ErrorVirusDetected",
            "ErrorVirusMessageDeleted",
        ]
    ),
    Reason.ITEM_CONVERSION_FAILED: frozenset(
        [
            "ErrorMimeContentConversionFailed",
            "ErrorContentConversionFailed",
            "ErrorUnsupportedMimeConversion",
            "ErrorUnsupportedTypeForConversion",
            "ErrorMimeContentInvalid",
            "ErrorMimeContentInvalidBase64String",
        ]
    ),
    Reason.ITEM_TOO_LARGE: frozenset(
        [
            "ErrorMessageSizeExceeded",
            "ErrorDataSizeLimitExceeded",
            "ErrorAttachmentSizeLimitExceeded",
            "ErrorAttachmentNestLevelLimitExceeded",
            "ErrorRequestStreamTooBig",
        ]
    ),
    Reason.CONFIGURATION_INVALID: frozenset(
        [
            "ErrorInvalidServerVersion",
            "ErrorIncorrectSchemaVersion",
            "ErrorInvalidSchemaVersionForMailboxVersion",
            "ErrorWrongServerVersion",
            "ErrorWrongServerVersionDelegate",
            "ErrorNoDestinationCASDueToVersionMismatch",
            "ErrorCrossSiteRequest",
            "ErrorMultiLegacyMailboxAccess",
        ]
    ),
}
REASON_OF = {code: reason for reason, codes in CODES.items() for code in codes}
"""Codes that are the mailbox's, the folder's, the item's or the site's; all others are the server's own errors."""

PASSING = frozenset(
    [
        "ErrorInternalServerTransientError",
        "ErrorMailboxStoreUnavailable",
        "ErrorADUnavailable",
        "ErrorADOperation",
        "ErrorConnectionFailed",
        "ErrorNotEnoughMemory",
        "ErrorInsufficientResources",
        "ErrorServiceUnavailable",
        "ErrorMessageTrackingTransientError",
        "ErrorNoRespondingCASInDestinationSite",
        "ErrorClientDisconnected",
        "ErrorNoApplicableProxyCASServersAvailable",
        "ErrorProxyRequestProcessingFailed",
        "ErrorProxyCallFailed",
        "ErrorProxyTokenExpired",
        "ErrorUMServerUnavailable",
        "ErrorNoPublicFolderServerAvailable",
        "ErrorNoPublicFolderReplicaAvailable",
        "ErrorRequestAborted",
        "ErrorLocalServerObjectNotFound",
        "ErrorNoOAuthServerAvailableForRequest",
    ]
)
"""Server errors that pass by themselves as long as there is patience."""

RARELY_PASSING = frozenset(
    [
        "ErrorInternalServerError",
        "ErrorDataSourceOperation",
        "ErrorWin32InteropError",
        "ErrorWebRequestInInvalidState",
        "ErrorProxySoapException",
        "ErrorParsingXMLResponse",
    ]
)
"""Server errors that are worth a few attempts, no more."""
