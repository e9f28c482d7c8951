//! What operations and values are called on the wire.

use crate::wire::ews::envelope::Names;

macro_rules! names {
    ($($constant:ident = $operation:literal;)*) => {
        $(#[doc = concat!("`", $operation, "`.")]
        pub(super) static $constant: Names = Names {
            operation: $operation,
            request: concat!("m:", $operation),
            response: concat!("m:", $operation, "Response"),
            message: concat!("m:", $operation, "ResponseMessage"),
        };)*
    };
}

names! {
    GET_ITEM = "GetItem";
    FIND_ITEM = "FindItem";
    CREATE_ITEM = "CreateItem";
    UPDATE_ITEM = "UpdateItem";
    DELETE_ITEM = "DeleteItem";
    MOVE_ITEM = "MoveItem";
    COPY_ITEM = "CopyItem";
    SEND_ITEM = "SendItem";
    CREATE_ATTACHMENT = "CreateAttachment";
    GET_ATTACHMENT = "GetAttachment";
    DELETE_ATTACHMENT = "DeleteAttachment";
    EXPORT_ITEMS = "ExportItems";
    UPLOAD_ITEMS = "UploadItems";
    MARK_AS_JUNK = "MarkAsJunk";
    MARK_ALL_AS_READ = "MarkAllItemsAsRead";
    ARCHIVE_ITEM = "ArchiveItem";
    SYNC_FOLDER_ITEMS = "SyncFolderItems";
    SYNC_FOLDER_HIERARCHY = "SyncFolderHierarchy";
    GET_FOLDER = "GetFolder";
    FIND_FOLDER = "FindFolder";
    CREATE_FOLDER = "CreateFolder";
    UPDATE_FOLDER = "UpdateFolder";
    MOVE_FOLDER = "MoveFolder";
    COPY_FOLDER = "CopyFolder";
    DELETE_FOLDER = "DeleteFolder";
    EMPTY_FOLDER = "EmptyFolder";
    CONVERT_ID = "ConvertId";
    RESOLVE_NAMES = "ResolveNames";
    SUBSCRIBE = "Subscribe";
    UNSUBSCRIBE = "Unsubscribe";
    GET_EVENTS = "GetEvents";
    GET_STREAMING_EVENTS = "GetStreamingEvents";
    EXPAND_DL = "ExpandDL";
    GET_USER_CONFIGURATION = "GetUserConfiguration";
    CREATE_USER_CONFIGURATION = "CreateUserConfiguration";
    UPDATE_USER_CONFIGURATION = "UpdateUserConfiguration";
    DELETE_USER_CONFIGURATION = "DeleteUserConfiguration";
    GET_SERVER_TIME_ZONES = "GetServerTimeZones";
}

/// The word for a value.
pub(super) fn name_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

/// The value of a word, if there is such a word.
pub(super) fn named<T: Copy>(words: &[(&'static str, T)], text: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}
