"""exchangelib with a password: finds its server by autodiscover, then writes, reads, changes, moves and removes items of
every kind, and holds what comes back against what was written."""

import datetime
import email
import email.policy
import tempfile
from decimal import Decimal

tempfile.tempdir = tempfile.mkdtemp()  # the library keeps what it discovered in a file there

from exchangelib import (  # noqa: E402
    BASIC, DELEGATE, UTC, Account, CalendarItem, Configuration, Contact, Credentials, EWSDate, EWSDateTime, EWSTimeZone,
    ExtendedProperty, FailFast, FaultTolerance, FileAttachment, HTMLBody, ItemAttachment, Mailbox, Message, Task,
)
from exchangelib.autodiscover import AutodiscoverProtocol, Autodiscovery, autodiscover_cache  # noqa: E402
from exchangelib.errors import ErrorFolderExists, ErrorItemNotFound  # noqa: E402
from exchangelib.folders import Calendar, Contacts, Messages, Tasks  # noqa: E402
from exchangelib.indexed_properties import EmailAddress, PhoneNumber  # noqa: E402
from exchangelib.protocol import close_connections  # noqa: E402
from exchangelib.recurrence import Recurrence, WeeklyPattern  # noqa: E402

from common import Steps, holds, options, same  # noqa: E402

BULK = 130  # more than one page and one chunk of a hundred


class Project(ExtendedProperty):
    """A named property, as migrators use them to mark what they have copied."""

    property_set_id = "5f1a7c1e-62b4-4a55-8b38-0c8d2a1f7e90"
    property_name = "WavetankProject"
    property_type = "String"


class Marks(ExtendedProperty):
    """A tagged property of a number: the follow-up flag."""

    property_tag = 0x1090
    property_type = "Integer"


def discover(place):
    """Autodiscover by SOAP names an endpoint that works."""
    credentials = Credentials(place.mailbox, "any password")
    domain = place.mailbox.split("@")[1]
    # The library looks up the host's address with its port in it, which no name server knows; a known server skips that.
    endpoint = place.https + "/autodiscover/autodiscover.svc"
    known = Configuration(service_endpoint=endpoint, credentials=credentials, auth_type=BASIC, retry_policy=FailFast())
    autodiscover_cache[(domain, credentials)] = AutodiscoverProtocol(config=known)
    found, _ = Autodiscovery(place.mailbox, credentials).discover()
    holds("the endpoint is on the host that was asked", found.ews_url.lower().startswith(place.https), found.ews_url)
    same("the address", found.autodiscover_smtp_address.lower(), place.mailbox)
    close_connections()


def connect(place, base):
    """The library guesses how to authenticate and which version it talks to."""
    configuration = Configuration(
        service_endpoint=base + "/EWS/Exchange.asmx",
        credentials=Credentials(place.mailbox, "any password"),
        retry_policy=FaultTolerance(max_wait=120),
        max_connections=3,
    )
    account = Account(
        place.mailbox, config=configuration, autodiscover=False, access_type=DELEGATE, default_timezone=EWSTimeZone("UTC")
    )
    same("the way to authenticate", configuration.auth_type or account.protocol.auth_type, BASIC)
    holds("the version", account.version.build.major_version == 15, account.version)
    return account


def folders(account):
    """The default folders are there, and folders can be made, renamed, moved and removed."""
    tree = account.root.tree()
    for name in ("Inbox", "Sent Items", "Deleted Items", "Drafts", "Calendar", "Contacts", "Tasks"):
        holds("a default folder", name in tree, name, tree)
    top = Messages(parent=account.inbox, name="Tank top").save()
    inner = Messages(parent=top, name="Inner").save()
    try:
        Messages(parent=top, name="inner").save()
        raise AssertionError("two folders of one name")
    except ErrorFolderExists:
        pass
    before = top.changekey
    top.name = "Tank renamed"
    top.save()
    holds("renaming changes the change key", top.changekey != before)
    account.root.clear_cache()
    path = account.inbox / "Tank renamed" / "Inner"
    same("the path leads to the folder", path.id, inner.id)
    same("the class", path.folder_class, "IPF.Note")
    same("nothing is in it", (path.total_count, path.unread_count, path.child_folder_count), (0, 0, 0))
    kinds = [cls(parent=top, name=cls.__name__).save() for cls in (Calendar, Contacts, Tasks)]
    account.root.clear_cache()
    found = {folder.name: folder.folder_class for folder in (account.inbox / "Tank renamed").children}
    expected = {"Inner": "IPF.Note", "Calendar": "IPF.Appointment", "Contacts": "IPF.Contact", "Tasks": "IPF.Task"}
    same("the classes of children", found, expected)
    for folder in kinds:
        folder.delete()
    return path


def write(folder, place):
    """A page and a half of messages, all of them found again, in order."""
    messages = [
        Message(subject=f"bulk {number:03}", body=f"body {number}", to_recipients=[place.other], is_read=number % 2 == 0)
        for number in range(BULK)
    ]
    ids = folder.bulk_create(messages)
    same("ids", len({item.id for item in ids}), BULK)
    same("count", folder.all().count(), BULK)
    found = list(folder.all().order_by("-subject").only("subject", "is_read"))
    same("subjects in order", [item.subject for item in found], [f"bulk {number:03}" for number in reversed(range(BULK))])
    same("read flags", sum(item.is_read for item in found), BULK // 2)
    folder.refresh()
    same("the folder's counts", (folder.total_count, folder.unread_count), (BULK, BULK // 2))
    same("restricted", folder.filter(subject__startswith="bulk 01").count(), 10)
    same("combined", folder.filter(subject__gt="bulk 099", is_read=True).count(), (BULK - 100) // 2)
    same("none", folder.filter(subject="nothing like it").count(), 0)


def fidelity(folder, place):
    """Every field of a message comes back as it was written."""
    written = Message(
        folder=folder,
        subject="Grüße, 你好 & <tags> \"quoted\" 🚀",
        body=HTMLBody("<html><body><p>Zwölf &amp; more</p></body></html>"),
        to_recipients=[Mailbox(name="Bob B.", email_address="bob@contoso.test"), Mailbox(email_address="x@contoso.test")],
        cc_recipients=["carol@contoso.test"],
        bcc_recipients=["dave@contoso.test"],
        reply_to=["answers@contoso.test"],
        importance="High",
        sensitivity="Private",
        categories=["red", "blue & green"],
        project="migration é 7",
        marks=2,
        is_read=True,
    )
    written.attach(FileAttachment(name="ümlaut.bin", content=bytes(range(256)) * 20, content_type="application/x-tank"))
    written.attach(FileAttachment(name="dot.png", content=b"\x89PNG", is_inline=True, content_id="dot@tank"))
    inner = Message(folder=folder, subject="inner", body="inside")
    written.attach(ItemAttachment(name="inner item", item=inner))
    written.save()
    read = folder.get(subject=written.subject)
    for field in ("subject", "importance", "sensitivity", "categories", "project", "marks", "is_read"):
        same(field, getattr(read, field), getattr(written, field))
    holds("the body", "Zwölf &amp; more" in read.body, read.body)
    people = lambda people: [(one.name or one.email_address, one.email_address) for one in people or []]  # noqa: E731
    same("to", people(read.to_recipients), [("Bob B.", "bob@contoso.test"), ("x@contoso.test", "x@contoso.test")])
    for field in ("cc_recipients", "bcc_recipients", "reply_to"):
        same(field, [one.email_address for one in getattr(read, field)], [one.email_address for one in getattr(written, field)])
    holds("size", read.size > 256 * 20, read.size)
    holds("it has attachments", read.has_attachments)
    same("attachments", sorted(one.name for one in read.attachments), ["dot.png", "inner item", "ümlaut.bin"])
    if not place.throttled:
        # The library reads attachments as a stream and cannot repeat that when it is told to come back later.
        by_name = {one.name: one for one in read.attachments}
        same("content", by_name["ümlaut.bin"].content, bytes(range(256)) * 20)
        same("inline", (by_name["dot.png"].is_inline, by_name["dot.png"].content_id), (True, "dot@tank"))
        same("the item inside", by_name["inner item"].item.subject, "inner")
    mime = email.message_from_bytes(read.mime_content, policy=email.policy.default)
    same("the subject in MIME", str(mime["subject"]), written.subject)
    names = {part.get_filename() for part in mime.walk()}
    holds("attachments in MIME", "ümlaut.bin" in names, names)
    detached = next(one for one in read.attachments if one.name == "dot.png")
    read.detach(detached)
    same("detached", len(folder.get(subject=written.subject).attachments), 2)


def mime(folder):
    """A message given as MIME comes back byte for byte, and its fields are those of the MIME."""
    raw = (
        b"Received: from a by b; Tue, 06 Jan 2026 10:00:05 +0100\r\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@contoso.test>\r\n"
        b"To: alice@contoso.test\r\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nDate: Tue, 06 Jan 2026 10:00:00 +0100\r\n"
        b"Message-ID: <mime-1@contoso.test>\r\nX-Own: kept\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4 line\r\n.\r\n"
    )
    folder.bulk_create([Message(mime_content=raw)])
    read = folder.get(subject="Grüße")
    same("bytes", read.mime_content, raw)
    same("from", (read.author.name, read.author.email_address), ("Jürgen", "j@contoso.test"))
    same("message id", read.message_id, "<mime-1@contoso.test>")
    same("sent", read.datetime_sent, EWSDateTime(2026, 1, 6, 9, 0, 0, tzinfo=UTC))
    holds("the body", read.body.startswith("ä line"), read.body)
    same("a header", [one.value for one in read.headers if one.name.lower() == "x-own"], ["kept"])


def change(folder):
    """Updates keep the id, change the change key, and touch only what was named."""
    item = folder.get(subject="bulk 007")
    before = (item.id, item.changekey)
    item.subject, item.importance, item.categories = "changed 007", "Low", ["later"]
    item.save(update_fields=["subject", "importance", "categories"])
    holds("same id, new change key", item.id == before[0] and item.changekey != before[1])
    read = folder.get(subject="changed 007")
    same("fields", (read.importance, read.categories, read.text_body), ("Low", ["later"], "body 7"))
    read.categories = None
    read.save(update_fields=["categories"])
    same("a field removed", folder.get(subject="changed 007").categories, None)
    gone = folder.get(subject="bulk 008")
    old = (gone.id, gone.changekey)
    gone.delete()
    same("gone", list(folder.account.fetch([old]))[0].__class__, ErrorItemNotFound)


def places(folder):
    """Moving gives a new id and leaves nothing behind; copying leaves the original; trash is a folder."""
    other = Messages(parent=folder, name="Elsewhere").save()
    moved = folder.get(subject="bulk 010")
    old = moved.id
    moved.move(other)
    holds("a new id", moved.id != old)
    same("moved", (folder.filter(subject="bulk 010").count(), other.filter(subject="bulk 010").count()), (0, 1))
    folder.get(subject="bulk 011").copy(other)
    same("copied", (folder.filter(subject="bulk 011").count(), other.filter(subject="bulk 011").count()), (1, 1))
    folder.get(subject="bulk 012").move_to_trash()
    same("in the trash", folder.account.trash.filter(subject="bulk 012").count(), 1)
    folder.account.trash.filter(subject="bulk 012").delete()
    other.delete()


def transfer(account, folder):
    """What is exported and uploaded is the same item again, under a new id."""
    items = list(folder.filter(subject__in=["bulk 020", "bulk 021"]).order_by("subject"))
    streams = list(account.export(items))
    holds("streams", all(isinstance(stream, str) for stream in streams), streams)
    fresh = list(account.upload([(folder, stream) for stream in streams]))
    holds("new ids", not {one[0] for one in fresh} & {item.id for item in items}, fresh)
    back = list(account.fetch([(id_, key) for id_, key in fresh]))
    for item, copy in zip(items, back):
        for field in ("subject", "text_body", "is_read", "importance", "to_recipients", "datetime_sent"):
            same(field, getattr(copy, field), getattr(item, field))
    missing = list(account.export([("AAMkAGQ=", "CQAAAA==")] + items[:1]))
    holds("an error in its place", isinstance(missing[0], Exception) and isinstance(missing[1], str), missing)
    account.bulk_delete(fresh)


def sync(folder):
    """A second round tells exactly what changed since the first, and each change once."""
    list(folder.sync_items(only_fields=["subject"]))
    item = folder.get(subject="bulk 030")
    item.subject = "sync changed"
    item.save(update_fields=["subject"])
    item.importance = "High"
    item.save(update_fields=["importance"])
    flag = folder.get(subject="bulk 031")
    flag.is_read = not flag.is_read
    flag.save(update_fields=["is_read"])
    gone = folder.get(subject="bulk 032")
    gone.delete()
    Message(folder=folder, subject="sync created").save()
    kinds = sorted(change[0] for change in folder.sync_items(only_fields=["subject"]))
    same("kinds of changes", kinds, ["create", "delete", "read_flag_change", "update"])
    same("nothing more", list(folder.sync_items(only_fields=["subject"])), [])


def hierarchy(account):
    """Changes of folders are told as they are."""
    list(account.root.sync_hierarchy())
    fresh = Messages(parent=account.inbox, name="Synced").save()
    same("created", [(kind, one.name) for kind, one in account.root.sync_hierarchy()], [("create", "Synced")])
    fresh.name = "Synced twice"
    fresh.save()
    same("updated", [(kind, one.name) for kind, one in account.root.sync_hierarchy()], [("update", "Synced twice")])
    fresh.delete()
    same("deleted", [kind for kind, _ in account.root.sync_hierarchy()], ["delete"])


def calendar(account):
    """A series has its occurrences in a view, and appointments keep their fields."""
    start = EWSDateTime(2026, 3, 2, 9, 0, tzinfo=UTC)
    hour = datetime.timedelta(hours=1)
    CalendarItem(
        folder=account.calendar, subject="tank series", start=start, end=start + hour, location="Room 1",
        legacy_free_busy_status="OOF",
        recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=["Monday"]), start=EWSDate(2026, 3, 2), number=4),
    ).save()
    single = CalendarItem(
        folder=account.calendar, subject="tank day", is_all_day=True, start=EWSDate(2026, 3, 5), end=EWSDate(2026, 3, 5),
        required_attendees=["bob@contoso.test"], reminder_minutes_before_start=30, reminder_is_set=True,
    ).save()
    view = account.calendar.view(start=start, end=start + datetime.timedelta(days=28))
    seen = sorted(str(item.start)[:10] for item in view if item.subject == "tank series")
    same("occurrences", seen, ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"])
    read = account.calendar.get(subject="tank day")
    same("the day", (read.is_all_day, read.start, read.end), (True, EWSDate(2026, 3, 5), EWSDate(2026, 3, 5)))
    same("attendees", [one.mailbox.email_address for one in read.required_attendees], ["bob@contoso.test"])
    same("the reminder", read.reminder_minutes_before_start, 30)
    master = account.calendar.get(subject="tank series")
    same("the series", (master.recurrence.pattern.interval, master.recurrence.boundary.number), (1, 4))
    same("place and state", (master.location, master.legacy_free_busy_status), ("Room 1", "OOF"))
    single.delete()
    master.delete()


def others(account):
    """Contacts and tasks keep their fields."""
    Contact(
        folder=account.contacts, given_name="Zoë", surname="Tank", display_name="Zoë Tank", company_name="Contoso",
        email_addresses=[EmailAddress(label="EmailAddress1", email="zoe@contoso.test")],
        phone_numbers=[PhoneNumber(label="MobilePhone", phone_number="+1 555 0100")],
        birthday=EWSDate(1980, 2, 29),
    ).save()
    read = account.contacts.get(surname="Tank")
    same("the contact", (read.given_name, read.display_name, read.company_name), ("Zoë", "Zoë Tank", "Contoso"))
    same("mail", [one.email for one in read.email_addresses or []], ["zoe@contoso.test"])
    same("telephone", [(one.label, one.phone_number) for one in read.phone_numbers or []], [("MobilePhone", "+1 555 0100")])
    read.delete()
    Task(
        folder=account.tasks, subject="tank task", due_date=EWSDate(2026, 4, 1), percent_complete=Decimal(25), status="InProgress"
    ).save()
    task = account.tasks.get(subject="tank task")
    same("the task", (task.due_date, float(task.percent_complete), task.status), (EWSDate(2026, 4, 1), 25.0, "InProgress"))
    task.delete()


def send(account, place):
    """What is sent is kept in Sent Items, and goes to mailboxes of this server and nowhere else."""
    Message(account=account, folder=account.sent, subject="to myself", body="hello", to_recipients=[place.mailbox]).send_and_save()
    same("kept", account.sent.filter(subject="to myself").count(), 1)
    got = account.inbox.get(subject="to myself")
    same("arrived", (got.is_read, [one.email_address for one in got.to_recipients]), (False, [place.mailbox]))
    got.delete()
    account.sent.filter(subject="to myself").delete()


def directory(account, place):
    """Names are resolved, ids converted, and time zones known."""
    found = account.protocol.resolve_names([place.mailbox.split("@")[0]])
    same("resolved", [one.email_address for one in found], [place.mailbox])
    zones = [zone.id for zone in account.protocol.get_timezones()]
    holds("time zones", {"UTC", "W. Europe Standard Time", "Romance Standard Time"} <= set(zones), len(zones))


def main():
    Message.register("project", Project)
    Message.register("marks", Marks)
    place = options(__doc__)
    steps = Steps()
    if place.https:
        steps.run("autodiscover", discover, place)
    for base in filter(None, (place.https, place.http)):
        print(base)
        account = steps.run("connect", connect, place, base)
        if account is None:
            continue
        folder = steps.run("folders", folders, account)
        if folder is not None:
            for name, step, arguments in [
                ("write and find", write, (folder, place)),
                ("fidelity", fidelity, (folder, place)),
                ("mime", mime, (folder,)),
                ("change", change, (folder,)),
                ("places", places, (folder,)),
                ("transfer", transfer, (account, folder)),
                ("sync", sync, (folder,)),
            ]:
                steps.run(name, step, *arguments)
        steps.run("hierarchy", hierarchy, account)
        steps.run("calendar", calendar, account)
        steps.run("contacts and tasks", others, account)
        steps.run("send", send, account, place)
        steps.run("directory", directory, account, place)
        if folder is not None:
            steps.run("clean up", lambda: (folder.parent.wipe(), folder.parent.delete()))
        close_connections()
    steps.end()


if __name__ == "__main__":
    main()
