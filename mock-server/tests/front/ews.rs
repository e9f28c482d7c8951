//! EWS as real clients speak it, over real sockets: what is kept beside items, and what is told while it happens.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use mock_server::front::access::{Access, TOKEN_LIFE};
use mock_server::front::listen::Handle;
use mock_server::service::config::Holding;

use crate::alice::{self, ALICE};
use crate::client::{block_on, connect, exchange};
use crate::server;

fn serve() -> Handle {
    alice::serve(server::free(Holding::Live), Access::new(3, TOKEN_LIFE))
}

/// A request for an operation. `m` and `t` are bound as usual, and the default namespace is that of types.
fn request(address: SocketAddr, operation: &str) -> Request<Full<Bytes>> {
    request_headed(address, "", operation)
}

/// A request for an operation, with headers of SOAP.
fn request_headed(address: SocketAddr, headers: &str, operation: &str) -> Request<Full<Bytes>> {
    const BASE: &str = "http://schemas.microsoft.com/exchange/services/2006/";
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"{BASE}messages\" \
         xmlns=\"{BASE}types\" xmlns:t=\"{BASE}types\"><s:Header>{headers}</s:Header><s:Body>{operation}</s:Body>\
         </s:Envelope>"
    );
    let credentials = format!("Basic {}", STANDARD.encode(format!("{ALICE}:any")));
    let request = Request::post("/EWS/Exchange.asmx").header("host", address.to_string());
    let request = request.header("authorization", credentials).header("content-type", "text/xml; charset=utf-8");
    request.body(Full::new(Bytes::from(body))).expect("a request")
}

async fn ask(address: SocketAddr, operation: &str) -> String {
    let heard = exchange(address, request(address, operation)).await.expect("an answer");
    heard.text().to_owned()
}

/// Asks, and finds every expected piece of text in the answer.
async fn check(address: SocketAddr, operation: &str, expected: &[&str]) -> String {
    let answer = ask(address, operation).await;
    for piece in expected {
        assert!(answer.contains(piece), "{piece} is not in {answer}");
    }
    answer
}

/// What stands between two pieces of text.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("{after} is not in {text}")).0
}

fn message(folder: &str, subject: &str) -> String {
    format!(
        "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:SavedItemFolderId><DistinguishedFolderId Id=\"{folder}\"/>\
         </m:SavedItemFolderId><m:Items><Message><Subject>{subject}</Subject></Message></m:Items></m:CreateItem>"
    )
}

fn subscribe(kind: &str, rest: &str) -> String {
    format!(
        "<m:Subscribe><m:{kind}SubscriptionRequest><FolderIds><DistinguishedFolderId Id=\"drafts\"/></FolderIds>\
         <EventTypes><EventType>CreatedEvent</EventType><EventType>DeletedEvent</EventType>\
         <EventType>MovedEvent</EventType></EventTypes>{rest}</m:{kind}SubscriptionRequest></m:Subscribe>"
    )
}

#[test]
fn versions_and_pages_that_the_schema_does_not_know_are_refused() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let find = |page: &str| {
            format!(
                "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><BaseShape>IdOnly</BaseShape></m:ItemShape>\
                 <m:IndexedPageItemView MaxEntriesReturned=\"10\" Offset=\"0\"{page}/>\
                 <m:ParentFolderIds><DistinguishedFolderId Id=\"inbox\"/></m:ParentFolderIds></m:FindItem>"
            )
        };
        for page in ["Beginning", "End"] {
            check(address, &find(&format!(" BasePoint=\"{page}\"")), &["NoError"]).await;
        }
        for page in ["", " BasePoint=\"Middle\""] {
            check(address, &find(page), &["ErrorInvalidIndexedPagingParameters"]).await;
        }
        for (version, known) in [
            ("Exchange2007_SP1", true),
            ("Exchange2016", true),
            ("V2018_01_08", true),
            ("Exchange2007_SP2", false),
            ("exchange2016", false),
            ("V2018-01-08", false),
            ("V2018_01_080", false),
            ("", false),
        ] {
            let header = format!("<RequestServerVersion Version=\"{version}\"/>");
            let asked = request_headed(address, &header, &find(" BasePoint=\"Beginning\""));
            let heard = exchange(address, asked).await.expect("an answer");
            let expected = if known { (200, "NoError") } else { (500, "ErrorInvalidServerVersion") };
            assert_eq!(heard.status.as_u16(), expected.0, "{version}: {}", heard.text());
            assert!(heard.text().contains(expected.1), "{version}: {}", heard.text());
        }
    });
}

#[test]
fn a_first_sync_tells_of_what_is_there_and_later_ones_of_what_is_gone() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let sync = |state: &str| {
            format!(
                "<m:SyncFolderItems><m:ItemShape><BaseShape>IdOnly</BaseShape></m:ItemShape><m:SyncFolderId>\
                 <DistinguishedFolderId Id=\"drafts\"/></m:SyncFolderId><m:SyncState>{state}</m:SyncState>\
                 <m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>"
            )
        };
        let delete = |made: &str| {
            let id = between(made, "<t:ItemId Id=\"", "\"");
            format!(
                "<m:DeleteItem DeleteType=\"HardDelete\"><m:ItemIds><ItemId Id=\"{id}\"/></m:ItemIds></m:DeleteItem>"
            )
        };
        let gone = check(address, &message("drafts", "gone"), &["NoError"]).await;
        let kept = check(address, &message("drafts", "kept"), &["NoError"]).await;
        check(address, &delete(&gone), &["NoError"]).await;
        let told = |answer: &str| ["Create", "Delete"].map(|kind| answer.matches(&format!("<t:{kind}>")).count());
        let first = check(address, &sync(""), &["NoError"]).await;
        assert_eq!(told(&first), [1, 0], "{first}");
        check(address, &delete(&kept), &["NoError"]).await;
        let later = check(address, &sync(between(&first, "<m:SyncState>", "<")), &["NoError"]).await;
        assert_eq!(told(&later), [0, 1], "{later}");
    });
}

#[test]
fn whoever_changes_a_message_says_what_becomes_of_it() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let made = check(address, &message("drafts", "old"), &["NoError"]).await;
        let id = between(&made, "<t:ItemId Id=\"", "\"");
        let rename = |disposition: &str| {
            format!(
                "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\"{disposition}><m:ItemChanges><ItemChange>\
                 <ItemId Id=\"{id}\"/><Updates><SetItemField><FieldURI FieldURI=\"item:Subject\"/><Message>\
                 <Subject>new</Subject></Message></SetItemField></Updates></ItemChange></m:ItemChanges></m:UpdateItem>"
            )
        };
        check(address, &rename(""), &["ErrorMessageDispositionRequired"]).await;
        check(address, &rename(" MessageDisposition=\"Keep\""), &["ErrorSchemaValidation"]).await;
        check(address, &rename(" MessageDisposition=\"SaveOnly\""), &["NoError"]).await;
    });
}

#[test]
fn only_calendars_are_viewed_as_calendars() {
    let server = serve();
    let view = |folder: &str| {
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><BaseShape>IdOnly</BaseShape></m:ItemShape><m:CalendarView \
             StartDate=\"2026-11-01T00:00:00Z\" EndDate=\"2026-12-01T00:00:00Z\"/><m:ParentFolderIds>\
             <DistinguishedFolderId Id=\"{folder}\"/></m:ParentFolderIds></m:FindItem>"
        )
    };
    block_on(async {
        check(server.address(), &view("calendar"), &["NoError"]).await;
        check(server.address(), &view("inbox"), &["ErrorCalendarFolderIsInvalidForCalendarView"]).await;
    });
}

#[test]
fn answers_say_which_request_they_are_to_and_in_the_clients_words_if_it_wishes() {
    let server = serve();
    block_on(async {
        let mut ids = Vec::new();
        for wish in ["true", "false"] {
            let mut request = request(server.address(), "<m:GetServerTimeZones/>");
            // No number of our own pipeline.
            request.headers_mut().insert("client-request-id", "mine".parse().expect("a value"));
            request.headers_mut().insert("return-client-request-id", wish.parse().expect("a value"));
            let heard = exchange(server.address(), request).await.expect("an answer");
            assert_eq!(heard.header("client-request-id"), if wish == "true" { "mine" } else { "" });
            ids.push(heard.header("request-id").to_owned());
        }
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36), "{ids:?}");
    });
}

#[test]
fn events_are_pulled_from_where_a_client_stopped() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let begun = ask(address, &subscribe("Pull", "<Timeout>10</Timeout>")).await;
        let id = between(&begun, "<m:SubscriptionId>", "<");
        let watermark = between(&begun, "<m:Watermark>", "<");
        let get = |watermark: &str| {
            format!(
                "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{watermark}</m:Watermark>\
                 </m:GetEvents>"
            )
        };
        let made = ask(address, &message("drafts", "one")).await;
        ask(address, &message("inbox", "elsewhere")).await;
        let item = between(&made, "<t:ItemId Id=\"", "\"");
        let told = check(address, &get(watermark), &["<t:CreatedEvent>", item, "<t:MoreEvents>false"]).await;
        assert_eq!(told.matches("<t:TimeStamp>").count(), 1);
        let next = between(&told, "<t:Watermark>", "<");
        let gone = format!(
            "<m:DeleteItem DeleteType=\"MoveToDeletedItems\"><m:ItemIds><ItemId Id=\"{item}\"/></m:ItemIds>\
             </m:DeleteItem>"
        );
        ask(address, &gone).await;
        let told = check(address, &get(next), &["<t:MovedEvent>", &format!("<t:OldItemId Id=\"{item}\"")]).await;
        assert!(!told.contains("DeletedEvent"), "a move is no deletion: {told}");
        check(address, &get(between(&told, "<t:Watermark>", "<")), &["<t:StatusEvent>"]).await;
        check(address, &get("nonsense"), &["ErrorInvalidWatermark"]).await;
        let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
        check(address, &end, &["NoError"]).await;
        check(address, &end, &["ErrorSubscriptionNotFound"]).await;
        check(address, &get(watermark), &["ErrorSubscriptionNotFound"]).await;
    });
}

/// The next piece of a body that goes on; nothing at its end.
async fn piece(body: &mut Incoming) -> Option<String> {
    let frame = body.frame().await?.expect("the connection holds");
    Some(String::from_utf8_lossy(&frame.into_data().expect("data")).into_owned())
}

#[test]
fn a_streaming_answer_tells_what_happens_until_its_subscription_ends() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let begun = ask(address, &subscribe("Streaming", "")).await;
        let id = between(&begun, "<m:SubscriptionId>", "<");
        let stream = |id: &str| {
            format!(
                "<m:GetStreamingEvents><m:SubscriptionIds><SubscriptionId>{id}</SubscriptionId></m:SubscriptionIds>\
                 <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
            )
        };
        check(address, &stream("AAA-"), &["ErrorInvalidSubscription", "<m:SubscriptionId>AAA-<", "Closed"]).await;
        let mut sender = connect(address).await;
        let answer = sender.send_request(request(address, &stream(id))).await.expect("an answer");
        let mut body = answer.into_body();
        let first = piece(&mut body).await.expect("a beginning");
        assert!(first.contains("<m:ConnectionStatus>OK<"), "{first}");
        for subject in ["one", "two"] {
            let made = ask(address, &message("drafts", subject)).await;
            let told = piece(&mut body).await.expect("news");
            assert!(told.contains(between(&made, "<t:ItemId Id=\"", "\"")), "{told}");
            assert!(told.starts_with("<?xml") && told.ends_with("</s:Envelope>"), "not a document: {told}");
        }
        let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
        check(address, &end, &["NoError"]).await;
        let last = piece(&mut body).await.expect("an end");
        assert!(last.contains("ErrorSubscriptionNotFound") && last.contains("Closed"), "{last}");
        assert_eq!(piece(&mut body).await, None);
    });
}

#[test]
fn what_is_kept_beside_items_is_read_back() {
    let server = serve();
    let address = server.address();
    let mailbox = format!("<Mailbox><Address>{ALICE}</Address></Mailbox>");
    let folder = "<DistinguishedFolderId Id=\"inbox\"/>";
    block_on(async {
        let set = |state: &str| {
            format!(
                "<m:SetUserOofSettingsRequest>{mailbox}<UserOofSettings><OofState>{state}</OofState>\
                 <ExternalAudience>Known</ExternalAudience><InternalReply><Message>away</Message></InternalReply>\
                 </UserOofSettings></m:SetUserOofSettingsRequest>"
            )
        };
        check(address, &set("Enabled"), &["NoError"]).await;
        check(address, &set("Scheduled"), &["ErrorInvalidScheduledOofDuration"]).await;
        let get = format!("<m:GetUserOofSettingsRequest>{mailbox}</m:GetUserOofSettingsRequest>");
        check(address, &get, &["<t:OofState>Enabled<", "<t:ExternalAudience>Known<", "<t:Message>away<"]).await;
        let configure = |operation: &str, data: &str| {
            format!(
                "<m:{operation}UserConfiguration><m:UserConfiguration><UserConfigurationName Name=\"Our.Data\">{folder}\
                 </UserConfigurationName>{data}</m:UserConfiguration></m:{operation}UserConfiguration>"
            )
        };
        check(address, &configure("Create", "<XmlData>YQ==</XmlData>"), &["NoError"]).await;
        check(address, &configure("Create", ""), &["ErrorItemSave"]).await;
        check(address, &configure("Update", "<BinaryData>Yg==</BinaryData>"), &["NoError"]).await;
        let get = format!(
            "<m:GetUserConfiguration><m:UserConfigurationName Name=\"Our.Data\">{folder}</m:UserConfigurationName>\
             <m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>"
        );
        check(address, &get, &["<t:XmlData>YQ==<", "<t:BinaryData>Yg==<"]).await;
        let delegate = |operation: &str, address: &str| {
            format!(
                "<m:{operation}Delegate><m:Mailbox><EmailAddress>{ALICE}</EmailAddress></m:Mailbox><m:DelegateUsers>\
                 <DelegateUser><UserId><PrimarySmtpAddress>{address}</PrimarySmtpAddress></UserId><DelegatePermissions>\
                 <CalendarFolderPermissionLevel>Editor</CalendarFolderPermissionLevel></DelegatePermissions>\
                 </DelegateUser></m:DelegateUsers></m:{operation}Delegate>"
            )
        };
        check(address, &delegate("Add", "user1@contoso.test"), &["CalendarFolderPermissionLevel>Editor<"]).await;
        check(address, &delegate("Add", "user1@contoso.test"), &["ErrorDelegateAlreadyExists"]).await;
        check(address, &delegate("Update", "user2@contoso.test"), &["ErrorNotDelegate"]).await;
        check(address, &delegate("Add", "x@elsewhere.test"), &["ErrorDelegateNoUser"]).await;
        let permissions = format!(
            "<m:GetFolder><m:FolderShape><BaseShape>AllProperties</BaseShape></m:FolderShape>\
             <m:FolderIds>{folder}<DistinguishedFolderId Id=\"recoverableitemsroot\"/></m:FolderIds></m:GetFolder>"
        );
        check(address, &permissions, &["<t:DisplayName>Recoverable Items<", "<t:ChildFolderCount>7<"]).await;
    });
}

#[test]
fn items_that_were_deleted_softly_lie_among_the_recoverable_ones() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let made = ask(address, &message("drafts", "precious")).await;
        let item = between(&made, "<t:ItemId Id=\"", "\"");
        let delete = format!(
            "<m:DeleteItem DeleteType=\"SoftDelete\"><m:ItemIds><ItemId Id=\"{item}\"/></m:ItemIds></m:DeleteItem>"
        );
        check(address, &delete, &["NoError"]).await;
        let find = |traversal: &str, folder: &str| {
            format!(
                "<m:FindItem Traversal=\"{traversal}\"><m:ItemShape><BaseShape>Default</BaseShape></m:ItemShape>\
                 <m:ParentFolderIds><DistinguishedFolderId Id=\"{folder}\"/></m:ParentFolderIds></m:FindItem>"
            )
        };
        check(address, &find("Shallow", "drafts"), &["TotalItemsInView=\"0\""]).await;
        check(address, &find("SoftDeleted", "drafts"), &["TotalItemsInView=\"1\"", "precious"]).await;
        let found = check(address, &find("Shallow", "recoverableitemsdeletions"), &["precious"]).await;
        let found = between(&found, "<t:ItemId Id=\"", "\"");
        let delete = delete.replace(item, found).replace("SoftDelete", "HardDelete");
        check(address, &delete, &["NoError"]).await;
        check(address, &find("Shallow", "recoverableitemsdeletions"), &["TotalItemsInView=\"0\""]).await;
        check(address, &find("SoftDeleted", "drafts"), &["TotalItemsInView=\"0\""]).await;
    });
}

#[test]
fn free_time_people_and_tips_are_told() {
    let server = serve();
    let address = server.address();
    block_on(async {
        let meeting = "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items><CalendarItem>\
            <Subject>Plans</Subject><Start>2026-03-02T09:00:00Z</Start><End>2026-03-02T09:30:00Z</End>\
            <LegacyFreeBusyStatus>OOF</LegacyFreeBusyStatus></CalendarItem></m:Items></m:CreateItem>";
        check(address, meeting, &["NoError"]).await;
        let availability = |who: &str| {
            format!(
                "<m:GetUserAvailabilityRequest><m:MailboxDataArray><MailboxData><Email><Address>{who}</Address></Email>\
                 <AttendeeType>Required</AttendeeType></MailboxData></m:MailboxDataArray><FreeBusyViewOptions>\
                 <TimeWindow><StartTime>2026-03-02T08:00:00</StartTime><EndTime>2026-03-02T10:00:00</EndTime>\
                 </TimeWindow><MergedFreeBusyIntervalInMinutes>30</MergedFreeBusyIntervalInMinutes>\
                 <RequestedView>DetailedMerged</RequestedView></FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
            )
        };
        let expected = ["<t:MergedFreeBusy>0030<", "<t:StartTime>2026-03-02T09:00:00<", "<t:Subject>Plans<"];
        check(address, &availability(ALICE), &expected).await;
        check(address, &availability("x@elsewhere.test"), &["ErrorMailRecipientNotFound"]).await;
        let contact = "<m:CreateItem><m:Items><Contact><DisplayName>Ada King</DisplayName><EmailAddresses>\
            <Entry Key=\"EmailAddress1\">ada@elsewhere.test</Entry></EmailAddresses></Contact></m:Items></m:CreateItem>";
        check(address, contact, &["NoError"]).await;
        let find = |word: &str| {
            format!(
                "<m:FindPeople><m:IndexedPageItemView MaxEntriesReturned=\"10\" Offset=\"0\" BasePoint=\"Beginning\"/>\
                 <m:ParentFolderId><DistinguishedFolderId Id=\"contacts\"/></m:ParentFolderId>\
                 <m:QueryString>{word}</m:QueryString></m:FindPeople>"
            )
        };
        check(address, &find("nobody"), &["<m:TotalNumberOfPeopleInView>0<"]).await;
        let found = check(address, &find("king"), &["Ada King", "ada@elsewhere.test"]).await;
        let id = between(&found, "<t:PersonaId Id=\"", "\"");
        let resolve = |entry: &str| {
            format!(
                "<m:ResolveNames ReturnFullContactData=\"true\"><m:UnresolvedEntry>{entry}</m:UnresolvedEntry>\
                 </m:ResolveNames>"
            )
        };
        check(address, &resolve("ali"), &["ErrorNameResolutionNoResults"]).await;
        check(address, &resolve("alice"), &["<t:EmailAddress>alice@contoso.test<", "ActiveDirectory<"]).await;
        check(address, &resolve("ADA"), &["<t:MailboxType>Contact<", "ada@elsewhere.test", "Store<"]).await;
        let get = format!("<m:GetPersona><m:PersonaId Id=\"{id}\"/></m:GetPersona>");
        check(address, &get, &["<m:Persona><t:PersonaId", "<t:DisplayName>Ada King<"]).await;
        let tips = "<m:GetMailTips><m:SendingAs/><m:Recipients><Mailbox><EmailAddress>x@elsewhere.test</EmailAddress>\
            </Mailbox></m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>";
        check(address, tips, &["<t:InvalidRecipient>true<"]).await;
        check(address, "<m:GetRoomLists/>", &["<m:RoomLists/>"]).await;
        check(address, "<XXX/>", &["ErrorInvalidRequest"]).await;
    });
}
