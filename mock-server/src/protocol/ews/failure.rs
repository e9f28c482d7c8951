//! Why one item, or one message of a response, failed.

use crate::mailbox::store::StoreError;

/// A code with its text. The codes are those of `ResponseCodeType`; the texts those of "`ResponseCode`" (Microsoft
/// Learn) in short form.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// The code.
    pub(super) code: &'static str,
    /// The text.
    pub(super) text: &'static str,
}

macro_rules! failures {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl Failure {
            $(#[doc = concat!("`", $code, "`.")]
            pub(super) const $name: Self = Self { code: $code, text: $text };)*
        }
    };
}

failures! {
    ITEM_NOT_FOUND = "ErrorItemNotFound", "The specified object was not found in the store.";
    FOLDER_NOT_FOUND = "ErrorFolderNotFound", "The specified folder could not be found in the store.";
    ITEM_CORRUPT = "ErrorItemCorrupt", "The item is corrupt and cannot be read.";
    MALFORMED_ID = "ErrorInvalidIdMalformed", "Id is malformed.";
    EMPTY_ID = "ErrorInvalidIdEmpty", "Id must be non-empty.";
    CHANGE_KEY = "ErrorInvalidChangeKey", "The change key is invalid.";
    CHANGE_KEY_REQUIRED = "ErrorChangeKeyRequired", "Change key is required for this operation.";
    CHANGE_KEY_REQUIRED_FOR_WRITING = "ErrorChangeKeyRequiredForWriteOperations", "Change key is required for this \
        operation.";
    STALE_CHANGE_KEY = "ErrorStaleObject", "The send or update operation could not be performed because the change key \
        passed in the request does not match the current change key for the item.";
    CONFLICT = "ErrorIrresolvableConflict", "The send or update operation could not be performed because the change key \
        passed in the request does not match the current change key for the item.";
    ATTACHMENT_ID = "ErrorInvalidAttachmentId", "The attachment Id is invalid.";
    PROPERTY_REQUEST = "ErrorInvalidPropertyRequest", "Property is not valid for this object type.";
    PROPERTY_SET = "ErrorInvalidPropertySet", "Set action is invalid for property.";
    PROPERTY_DELETE = "ErrorInvalidPropertyDelete", "Delete action is invalid for property.";
    PROPERTY_APPEND = "ErrorInvalidPropertyAppend", "Append action is invalid for property.";
    PROPERTY_UPDATE = "ErrorPropertyUpdate", "An error occurred while updating the property.";
    PROPERTY_VALUE = "ErrorInvalidValueForProperty", "The specified value is invalid for property.";
    INCORRECT_UPDATE = "ErrorIncorrectUpdatePropertyCount", "An object within a change description must contain one \
        and only one property to modify.";
    UPDATE_MISMATCH = "ErrorUpdatePropertyMismatch", "The property in the update does not match the value given.";
    EXTENDED_PROPERTY = "ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.";
    EXTENDED_VALUE = "ErrorInvalidExtendedPropertyValue", "The extended property value is invalid.";
    INVALID_RESTRICTION = "ErrorUnsupportedQueryFilter", "The query filter is not supported.";
    RESTRICTION_TOO_COMPLEX = "ErrorRestrictionTooComplex", "The restriction is too complex.";
    UNSUPPORTED_PATH = "ErrorUnsupportedPathForQuery", "The property path is not supported in a query.";
    UNSUPPORTED_SORT = "ErrorUnsupportedPathForSortGroup", "The property path is not supported for sorting.";
    CONTAINS_NEEDS_TEXT = "ErrorContainsFilterWrongType", "The Contains filter requires a string property.";
    GROUPING = "ErrorUnsupportedPathForSortGroup", "Grouped views are not supported for this folder.";
    PAGING = "ErrorInvalidIndexedPagingParameters", "The indexed paging parameters are invalid.";
    FRACTION = "ErrorInvalidFractionalPagingParameters", "The fractional paging parameters are invalid.";
    VIEW_RANGE = "ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years.";
    VIEW_ORDER = "ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate.";
    VIEW_FOLDER = "ErrorCalendarFolderIsInvalidForCalendarView", "CalendarView is only valid for calendar folders.";
    VIEW_RESTRICTED = "ErrorInvalidOperation", "Restrictions and sort order may not be specified for a CalendarView.";
    OPERATION = "ErrorInvalidOperation", "The requested operation is invalid.";
    REQUEST = "ErrorInvalidRequest", "The request is invalid.";
    RECIPIENTS = "ErrorInvalidRecipients", "At least one recipient is not valid.";
    NO_RECIPIENTS = "ErrorMissingRecipients", "The message has no recipients.";
    REFERENCE_MISSING = "ErrorMissingInformationReferenceItemId", "The reference item id is missing.";
    REFERENCE_INVALID = "ErrorInvalidReferenceItem", "The reference item does not support this response.";
    NOT_A_MEETING = "ErrorCalendarIsNotOrganizer", "Only the organizer can do this.";
    IS_ORGANIZER = "ErrorCalendarIsOrganizerForAccept", "You cannot respond to a meeting that you organize.";
    END_BEFORE_START = "ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate.";
    RECURRENCE = "ErrorCalendarInvalidRecurrence", "The specified recurrence cannot be created.";
    OCCURRENCE_INDEX = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", "Occurrence index is out of recurrence \
        range.";
    OCCURRENCE_DELETED = "ErrorCalendarOccurrenceIsDeletedFromRecurrence", "The occurrence was deleted from the \
        recurrence.";
    MASTER_ID = "ErrorCalendarCannotUseIdForRecurringMasterId", "The id does not identify a recurring master.";
    MIME = "ErrorMimeContentInvalid", "The MIME content is invalid.";
    MIME_BASE64 = "ErrorMimeContentInvalidBase64String", "The MIME content is not valid base64.";
    CORRUPT_DATA = "ErrorCorruptData", "The data is corrupt.";
    ALREADY_EXISTS = "ErrorFolderExists", "A folder with the specified name already exists.";
    SEND_AS_MEETING = "ErrorSendMeetingInvitationsRequired", "SendMeetingInvitations attribute is required for calendar \
        items.";
    CANCELLATIONS = "ErrorSendMeetingCancellationsRequired", "SendMeetingCancellations attribute is required for \
        calendar items.";
    AFFECTED_TASKS = "ErrorAffectedTaskOccurrencesRequired", "AffectedTaskOccurrences attribute is required for task \
        items.";
    UPDATE_INVITATIONS = "ErrorSendMeetingInvitationsOrCancellationsRequired", "SendMeetingInvitationsOrCancellations \
        attribute is required for calendar items.";
    DISPOSITION = "ErrorMessageDispositionRequired", "Message disposition is required.";
    ITEM_TYPE = "ErrorInvalidItemForOperationCreateItem", "Invalid item for this operation.";
    SEND_TYPE = "ErrorInvalidItemForOperationSendItem", "Invalid item for this operation.";
    ATTACH_TYPE = "ErrorInvalidItemForOperationCreateItemAttachment", "Invalid item for this operation.";
    SEND_NO_SAVE = "ErrorInvalidSendItemSaveSettings", "A saved item folder cannot be named when no copy is saved.";
    MOVE_OCCURRENCE = "ErrorCannotMoveOrCopyOccurrence", "An occurrence can be neither moved nor copied.";
    CROSS_MAILBOX = "ErrorCrossMailboxMoveCopy", "Items cannot be moved or copied between mailboxes.";
    NO_PUBLIC_FOLDERS = "ErrorNoPublicFolderReplicaAvailable", "No public folder server is available.";
    DISTINGUISHED = "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.";
    FOLDER_CYCLE = "ErrorMoveCopyFailed", "A folder cannot be moved or copied into itself.";
    FOLDER_NAME = "ErrorFolderSavePropertyError", "The folder's display name is missing or invalid.";
    SYNC_STATE = "ErrorInvalidSyncStateData", "The synchronization state data is corrupt or otherwise invalid.";
    MANY_NAMES = "ErrorNameResolutionMultipleResults", "Multiple results were found.";
    NO_NAMES = "ErrorNameResolutionNoResults", "No results were found.";
    INVALID_SUBSCRIPTION = "ErrorInvalidSubscription", "Subscription is invalid.";
    SUBSCRIPTION_COUNT = "ErrorExceededSubscriptionCount", "You have exceeded the available subscriptions for your account.";
    SUBSCRIPTION_NOT_FOUND = "ErrorSubscriptionNotFound", "The subscription was not found.";
    SUBSCRIPTION_REQUEST = "ErrorInvalidSubscriptionRequest", "The subscription request is invalid.";
    WATERMARK = "ErrorInvalidWatermark", "The watermark is invalid.";
    PULL_SUBSCRIPTION = "ErrorInvalidPullSubscriptionId", "The subscription is not a pull subscription.";
    ITEM_SAVE = "ErrorItemSave", "Failed to save the item.";
    CONFIGURATION_NAME = "ErrorInvalidValueForProperty", "The name of the user configuration is invalid.";
    RULES = "ErrorInboxRulesValidationError", "A validation error occurred while executing the rule operation.";
    NO_RECIPIENT = "ErrorMailRecipientNotFound", "Unable to resolve e-mail address to an Active Directory object.";
    TIME_INTERVAL = "ErrorInvalidTimeInterval", "The time interval is invalid.";
    TIME_INTERVAL_TOO_BIG = "ErrorTimeIntervalTooBig", "The time interval is too big.";
    MERGED_INTERVAL = "ErrorInvalidMergedFreeBusyInterval", "The merged free/busy interval is invalid.";
    SCHEDULED_OOF = "ErrorInvalidScheduledOofDuration", "The duration of a scheduled absence is missing or invalid.";
    USER_SID = "ErrorInvalidUserSid", "The SID is invalid.";
    NO_DELEGATE_USER = "ErrorDelegateNoUser", "The delegate does not map to a user in the Active Directory.";
    NOT_A_DELEGATE = "ErrorNotDelegate", "The specified user is not a delegate.";
    IS_DELEGATE = "ErrorDelegateAlreadyExists", "The user is already a delegate.";
    DELEGATE_IS_OWNER = "ErrorDelegateCannotAddOwner", "The owner of the mailbox cannot be a delegate.";
    ACCESS_DENIED = "ErrorAccessDenied", "Access is denied. Check credentials and try again.";
    OBJECT_TYPE = "ErrorObjectTypeChanged", "The object type cannot be changed.";
    NO_MAILBOX = "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.";
    PERSON_NOT_FOUND = "ErrorPersonNotFound", "The specified person was not found.";
    TIMEOUT = "ErrorTimeoutExpired", "The operation timed out.";
    INTERNAL = "ErrorInternalServerError", "An internal server error occurred. The operation failed.";
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::ITEM_NOT_FOUND,
            StoreError::Exists => Self::ALREADY_EXISTS,
            StoreError::Corrupt => Self::ITEM_CORRUPT,
            _ => Self::OPERATION,
        }
    }
}
