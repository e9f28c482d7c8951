"""Microsoft's SDK for Python with azure-identity: users, folders, messages, changes, attachments, batches and errors.

Without --https it talks to Microsoft's own host names, which only HTTPS_PROXY leads to the server."""

import asyncio
import base64
import email
import email.policy

from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.importance import Importance
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.users.item.messages.item.move.move_post_request_body import MovePostRequestBody
from msgraph.generated.users.item.mail_folders.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.generated.users.item.messages.item.message_item_request_builder import MessageItemRequestBuilder
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.tasks.page_iterator import PageIterator

from common import CLIENT, SECRET, TENANT, Steps, holds, options, same

COUNT = 33
PROPERTY = "String {5f1a7c1e-62b4-4a55-8b38-0c8d2a1f7e90} Name WavetankProject"


def asked(headers=None, **query):
    """A request configuration with query parameters of messages."""
    parameters = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(**query) if query else None
    collection = HeadersCollection()
    for name, value in headers or []:
        collection.add(name, value)
    return RequestConfiguration(query_parameters=parameters, headers=collection)


def recipient(address, name=None):
    return Recipient(email_address=EmailAddress(address=address, name=name))


class Client:
    def __init__(self, place):
        self.place = place
        authority = {"authority": place.https, "disable_instance_discovery": True} if place.https else {}
        credential = ClientSecretCredential(TENANT, CLIENT, SECRET, **authority)
        scopes = ["https://graph.microsoft.com/.default"]
        adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(credential, scopes=scopes))
        if place.https:
            adapter.base_url = place.https + "/v1.0"
        self.graph = GraphServiceClient(request_adapter=adapter)
        self.box = self.graph.users.by_user_id(place.mailbox)
        self.folder = None

    def messages(self):
        return self.box.mail_folders.by_mail_folder_id(self.folder.id).messages

    async def user(self):
        user = await self.box.get()
        same("the user", user.user_principal_name.lower(), self.place.mailbox)
        holds("an id", user.id and user.display_name, user)
        again = await self.graph.users.by_user_id(user.id).get()
        same("by id", again.id, user.id)

    async def folders(self):
        page = await self.box.mail_folders.get()
        names = []
        await PageIterator(page, self.graph.request_adapter).iterate(lambda one: names.append(one.display_name) or True)
        for name in ("Inbox", "Drafts", "Sent Items", "Deleted Items", "Junk Email", "Archive"):
            holds("a default folder", name in names, name, names)
        inbox = await self.box.mail_folders.by_mail_folder_id("inbox").get()
        self.folder = await self.box.mail_folders.by_mail_folder_id("inbox").child_folders.post(MailFolder(display_name="Tank SDK"))
        same("the parent", self.folder.parent_folder_id, inbox.id)
        same("counts", (self.folder.total_item_count, self.folder.unread_item_count, self.folder.child_folder_count), (0, 0, 0))
        try:
            await self.box.mail_folders.by_mail_folder_id("inbox").child_folders.post(MailFolder(display_name="tank sdk"))
            raise AssertionError("two folders of one name")
        except ODataError as error:
            same("the error", (error.response_status_code, error.error.code), (409, "ErrorFolderExists"))
        renamed = await self.box.mail_folders.by_mail_folder_id(self.folder.id).patch(MailFolder(display_name="Tank renamed"))
        same("renamed", renamed.display_name, "Tank renamed")

    async def write(self):
        for number in range(COUNT):
            message = Message(
                subject=f"sdk {number:02}", is_read=number % 2 == 0, importance=Importance.High if number % 3 == 0 else None,
                body=ItemBody(content=f"body {number}", content_type=BodyType.Text), to_recipients=[recipient("bob@contoso.test", "Bob")],
            )
            made = await self.messages().post(message)
            holds("what was made", made.id and made.change_key and made.subject == message.subject, made)
        folder = await self.box.mail_folders.by_mail_folder_id(self.folder.id).get()
        same("counts", (folder.total_item_count, folder.unread_item_count), (COUNT, COUNT // 2))

    async def page(self):
        page = await self.messages().get(request_configuration=asked(top=7, select=["subject", "isRead"], orderby=["subject desc"], count=True))
        same("the count", page.odata_count, COUNT)
        same("only what was selected", (page.value[0].body, page.value[0].importance, page.value[0].to_recipients), (None, None, None))
        seen = []
        await PageIterator(page, self.graph.request_adapter).iterate(lambda one: seen.append(one.subject) or True)
        same("subjects", seen, [f"sdk {number:02}" for number in reversed(range(COUNT))])
        found = await self.messages().get(request_configuration=asked(filter="isRead eq false and startswith(subject,'sdk 1')", top=50))
        same("filtered", sorted(one.subject for one in found.value), [f"sdk {number}" for number in range(11, 20, 2)])
        found = await self.messages().get(request_configuration=asked(skip=30, orderby=["subject"]))
        same("skipped", [one.subject for one in found.value], ["sdk 30", "sdk 31", "sdk 32"])

    async def fidelity(self):
        written = Message(
            subject="Grüße, 你好 & <tags> 🚀", importance=Importance.Low, categories=["red", "blue & green"],
            body=ItemBody(content="<html><body><p>Zwölf</p></body></html>", content_type=BodyType.Html),
            to_recipients=[recipient("bob@contoso.test", "Bob B.")], cc_recipients=[recipient("carol@contoso.test")],
            bcc_recipients=[recipient("dave@contoso.test")], reply_to=[recipient("answers@contoso.test")], is_read=True,
            single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=PROPERTY, value="é 7")],
        )
        made = await self.messages().post(written)
        content = bytes(range(256)) * 10
        attachment = FileAttachment(odata_type="#microsoft.graph.fileAttachment", name="ümlaut.bin", content_bytes=content)
        await self.box.messages.by_message_id(made.id).attachments.post(attachment)
        expand = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"
        parameters = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(expand=[expand])
        read = await self.box.messages.by_message_id(made.id).get(request_configuration=RequestConfiguration(query_parameters=parameters))
        for field in ("subject", "importance", "categories", "is_read"):
            same(field, getattr(read, field), getattr(written, field))
        holds("the body", "Zwölf" in read.body.content and read.body.content_type == BodyType.Html, read.body)
        for field in ("to_recipients", "cc_recipients", "bcc_recipients", "reply_to"):
            got = [one.email_address.address for one in getattr(read, field)]
            same(field, got, [one.email_address.address for one in getattr(written, field)])
        same("a name", read.to_recipients[0].email_address.name, "Bob B.")
        same("the property", [one.value for one in read.single_value_extended_properties or []], ["é 7"])
        same("it has attachments", (read.has_attachments, read.is_draft), (True, True))
        attachments = (await self.box.messages.by_message_id(made.id).attachments.get()).value
        same("attachments", [(one.name, one.content_bytes) for one in attachments], [("ümlaut.bin", base64.b64encode(content))] if isinstance(attachments[0].content_bytes, bytes) and attachments[0].content_bytes != content else [("ümlaut.bin", content)])
        raw = email.message_from_bytes(await self.box.messages.by_message_id(made.id).content.get(), policy=email.policy.default)
        same("the subject in MIME", str(raw["subject"]), written.subject)
        same("the attachment in MIME", [one.get_content() for one in raw.iter_attachments()], [content])
        await self.box.messages.by_message_id(made.id).delete()

    async def mime(self):
        written = (
            b"From: =?utf-8?q?J=C3=BCrgen?= <j@contoso.test>\r\nTo: alice@contoso.test\r\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n"
            b"Date: Tue, 06 Jan 2026 10:00:00 +0100\r\nMessage-ID: <sdk-1@contoso.test>\r\nX-Own: kept\r\n\r\nline\r\n.\r\n"
        )
        request = RequestInformation(Method.POST, self.messages().url_template, self.messages().path_parameters)
        request.set_stream_content(base64.b64encode(written), "text/plain")
        request.headers.try_add("Accept", "application/json")
        made = await self.graph.request_adapter.send_async(request, Message, {"XXX": ODataError})
        same("fields", (made.subject, made.from_.email_address.name, made.internet_message_id), ("Grüße", "Jürgen", "<sdk-1@contoso.test>"))
        same("sent", made.sent_date_time.isoformat(), "2026-01-06T09:00:00+00:00")
        same("bytes", await self.box.messages.by_message_id(made.id).content.get(), written)
        await self.box.messages.by_message_id(made.id).delete()

    async def changes(self):
        wish = asked(headers=[("Prefer", "odata.maxpagesize=10")])
        page = await self.messages().delta.get(request_configuration=wish)
        first, pages = list(page.value), 1
        while page.odata_next_link:
            page = await self.messages().delta.with_url(page.odata_next_link).get()
            first, pages = first + page.value, pages + 1
        same("all at first", len({one.id for one in first}), COUNT)
        holds("in pages", pages > 1, pages)
        by_subject = {one.subject: one.id for one in first}
        await self.box.messages.by_message_id(by_subject["sdk 01"]).delete()
        await self.box.messages.by_message_id(by_subject["sdk 02"]).patch(Message(subject="sdk 02 changed"))
        await self.box.messages.by_message_id(by_subject["sdk 02"]).patch(Message(is_read=False))
        fresh = await self.messages().post(Message(subject="sdk fresh"))
        page = await self.messages().delta.with_url(page.odata_delta_link).get()
        said = {one.id: "removed" if "@removed" in one.additional_data else one.subject for one in page.value}
        expected = {by_subject["sdk 01"]: "removed", by_subject["sdk 02"]: "sdk 02 changed", fresh.id: "sdk fresh"}
        same("changes", said, expected)
        page = await self.messages().delta.with_url(page.odata_delta_link).get()
        same("nothing more", page.value, [])

    async def places(self):
        found = await self.messages().get(request_configuration=asked(filter="subject eq 'sdk 04'"))
        old = found.value[0].id
        moved = await self.box.messages.by_message_id(old).move.post(MovePostRequestBody(destination_id="archive"))
        holds("a new id", moved.id != old, moved.id)
        try:
            await self.box.messages.by_message_id(old).get()
            raise AssertionError("the old id still leads somewhere")
        except ODataError as error:
            same("the error", (error.response_status_code, error.error.code), (404, "ErrorItemNotFound"))
        back = await self.box.messages.by_message_id(moved.id).move.post(MovePostRequestBody(destination_id=self.folder.id))
        same("the same message", back.subject, "sdk 04")

    async def batch(self):
        found = (await self.messages().get(request_configuration=asked(top=3, select=["id"]))).value
        batch = BatchRequestContent()
        for number in range(20):
            one = found[number % len(found)].id if number < 18 else "AAMkNothing="
            batch.add_request_information(self.box.messages.by_message_id(one).to_get_request_information())
        answer = (await self.graph.batch.post(batch)).get_response_status_codes()
        # The library numbers requests with GUIDs of its own.
        codes = [answer.get(id_) for id_ in batch.requests]
        same("answers", len(answer), 20)
        allowed = {200, 429} if self.place.throttled else {200}
        holds("good ones", set(codes[:18]) <= allowed, codes)
        holds("bad ones", set(codes[18:]) <= {400, 404, 429}, codes)

    async def send(self):
        body = SendMailPostRequestBody(message=Message(
            subject="sdk to myself", body=ItemBody(content="hello", content_type=BodyType.Text), to_recipients=[recipient(self.place.mailbox)],
        ), save_to_sent_items=True)
        await self.box.send_mail.post(body)
        for place in ("inbox", "sentitems"):
            messages = self.box.mail_folders.by_mail_folder_id(place).messages
            found = (await messages.get(request_configuration=asked(filter="subject eq 'sdk to myself'"))).value
            same(place, len(found), 1)
            await self.box.messages.by_message_id(found[0].id).delete()

    async def clean(self):
        await self.box.mail_folders.by_mail_folder_id(self.folder.id).delete()
        children = (await self.box.mail_folders.by_mail_folder_id("inbox").child_folders.get()).value
        same("gone", [one.display_name for one in children if one.display_name.startswith("Tank")], [])


async def run():
    place = options(__doc__)
    client, steps = Client(place), Steps()
    await steps.arun("user", client.user)
    await steps.arun("folders", client.folders)
    if client.folder is not None:
        for step in (client.write, client.page, client.fidelity, client.mime, client.changes, client.places, client.batch, client.send, client.clean):
            await steps.arun(step.__name__, step)
    steps.end()


if __name__ == "__main__":
    asyncio.run(run())
