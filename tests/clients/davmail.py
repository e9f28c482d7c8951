"""DavMail between us and the server: mail by IMAP and SMTP, every message held against what was written.

The ports are those of a DavMail that runs already."""

import argparse
import email
import email.message
import email.policy
import email.utils
import imaplib
import re
import smtplib

from common import Steps, holds, same

COUNT = 24
STAMP = 1_770_000_000  # 2026-02-02


def made(number):
    """A message of some size; every sixth has an attachment."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Alice <alice@contoso.test>"
    message["To"] = "bob@contoso.test"
    message["Subject"] = f"Nr. {number}: Füße"
    message["Date"] = email.utils.formatdate(STAMP + number)
    message["Message-ID"] = f"<tank-{number}@contoso.test>"
    message.set_content(f"Größe {number}\n" * (number + 1))
    if number % 6 == 0:
        message.add_attachment(bytes([number]) * 700, maintype="application", subtype="x-tank", filename=f"teil-{number}.bin")
    return message


class Client:
    def __init__(self, place):
        self.place = place
        self.imap = imaplib.IMAP4("127.0.0.1", place.imap)

    def ok(self, answer):
        holds("an IMAP answer", answer[0] == "OK", answer)
        return answer[1]

    def login(self):
        self.ok(self.imap.login(self.place.mailbox, "any password"))
        names = b"\n".join(self.ok(self.imap.list()))
        for name in (b"INBOX", b"Drafts", b"Sent", b"Trash"):
            holds("a folder", name in names, name, names)

    def folders(self):
        self.ok(self.imap.create("Tank"))
        self.ok(self.imap.create("Tank/Inner"))
        names = b"\n".join(self.ok(self.imap.list('"Tank"', "*")))
        holds("folders that were made", b"Tank/Inner" in names, names)

    def append(self):
        for number in range(COUNT):
            flags = r"(\Seen)" if number % 3 == 0 else ""
            stamp = imaplib.Time2Internaldate(STAMP + number)
            self.ok(self.imap.append("Tank/Inner", flags, stamp, made(number).as_bytes()))
        same("messages", int(self.ok(self.imap.select("Tank/Inner"))[0]), COUNT)
        unseen = self.ok(self.imap.uid("SEARCH", None, "UNSEEN"))[0].split()
        same("unseen", len(unseen), COUNT - len(range(0, COUNT, 3)))

    def fetch(self):
        uids = self.uids()
        same("ascending and distinct", uids, sorted(set(uids)))
        for number in range(COUNT):
            written = made(number)
            raw = self.ok(self.imap.uid("FETCH", str(uids[number]), "(BODY.PEEK[] INTERNALDATE FLAGS)"))
            parts = [part for part in raw if isinstance(part, tuple)]
            read = email.message_from_bytes(parts[0][1], policy=email.policy.default)
            for header in ("Subject", "Message-ID"):
                same(header, str(read[header]), str(written[header]))
            text = read.get_body(("plain",)).get_content().replace("\r\n", "\n")
            same("the text", text.strip(), written.get_body(("plain",)).get_content().replace("\r\n", "\n").strip())
            same("attachments", [one.get_content() for one in read.iter_attachments()],
                 [one.get_content() for one in written.iter_attachments()])
            said = b" ".join(part if isinstance(part, bytes) else part[0] for part in raw)
            same("seen", b"\\Seen" in said, number % 3 == 0)
            date = re.search(rb'INTERNALDATE "([^"]+)"', said)
            stamp = email.utils.parsedate_to_datetime(date.group(1).decode().strip().replace("-", " ")).timestamp()
            same("the date", stamp, STAMP + number)

    def flags(self):
        uids = self.uids()
        self.ok(self.imap.uid("STORE", str(uids[1]), "+FLAGS", r"(\Seen \Flagged)"))
        said = self.ok(self.imap.uid("FETCH", str(uids[1]), "(FLAGS)"))[0]
        holds("flags that were set", b"\\Seen" in said and b"\\Flagged" in said, said)
        self.ok(self.imap.uid("STORE", str(uids[1]), "-FLAGS", r"(\Flagged)"))
        said = self.ok(self.imap.uid("FETCH", str(uids[1]), "(FLAGS)"))[0]
        holds("a flag that was taken away", b"\\Seen" in said and b"\\Flagged" not in said, said)

    def move(self):
        uids = self.uids()
        self.ok(self.imap.uid("COPY", str(uids[4]), "Tank"))
        self.ok(self.imap.uid("STORE", str(uids[5]), "+FLAGS", r"(\Deleted)"))
        self.ok(self.imap.expunge())
        same("one less", int(self.ok(self.imap.select("Tank/Inner"))[0]), COUNT - 1)
        same("one copied", int(self.ok(self.imap.select("Tank"))[0]), 1)
        raw = self.ok(self.imap.fetch("1", "(BODY.PEEK[HEADER])"))
        holds("the right one", b"tank-4@contoso.test" in raw[0][1], raw)

    def send(self):
        with smtplib.SMTP("127.0.0.1", self.place.smtp) as smtp:
            smtp.login(self.place.mailbox, "any password")
            message = made(99)
            message.replace_header("To", self.place.mailbox)
            smtp.send_message(message)
        self.ok(self.imap.select("INBOX"))
        found = self.ok(self.imap.uid("SEARCH", None, "UNSEEN"))[0].split()
        holds("it arrived", found, found)
        raw = self.ok(self.imap.uid("FETCH", found[-1].decode(), "(BODY.PEEK[])"))
        holds("what was sent", b"Nr. 99" in raw[0][1] or b"Nr=2E_99" in raw[0][1] or b"tank-99" in raw[0][1], raw[0][1][:600])

    def clean(self):
        self.ok(self.imap.select("INBOX"))
        self.ok(self.imap.delete("Tank/Inner"))
        self.ok(self.imap.delete("Tank"))
        names = b"\n".join(one for one in self.ok(self.imap.list('"Tank"', "*")) if one)
        holds("gone", b"Tank" not in names, names)
        self.imap.logout()

    def uids(self):
        self.ok(self.imap.select("Tank/Inner"))
        return [int(uid) for uid in self.ok(self.imap.uid("SEARCH", None, "ALL"))[0].split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--imap", type=int, required=True)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--mailbox", default="alice@contoso.test")
    client = Client(parser.parse_args())
    steps = Steps()
    for step in (client.login, client.folders, client.append, client.fetch, client.flags, client.move, client.send, client.clean):
        steps.run(step.__name__, step)
        if steps.failures and step in (client.login, client.folders):
            break
    steps.end()


if __name__ == "__main__":
    main()
