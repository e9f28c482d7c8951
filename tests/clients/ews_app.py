"""exchangelib as an app that acts for a user: a token from Entra, impersonation, and a mailbox that is read and written.

Without --https it talks to Microsoft's own host names, which only HTTPS_PROXY leads to the server."""

from exchangelib import (
    IMPERSONATION, OAUTH2, Account, Build, Configuration, FaultTolerance, Identity, Message, OAuth2Credentials, Version,
)

from common import CLIENT, SECRET, TENANT, Steps, holds, options, same


def credentials(place):
    kind = OAuth2Credentials
    if place.https:

        class Local(OAuth2Credentials):
            """A token endpoint that is not Microsoft's; overriding the property is the library's own hook."""

            @property
            def token_url(self):
                return f"{place.https}/{self.tenant_id}/oauth2/v2.0/token"

        kind = Local
    identity = Identity(primary_smtp_address=place.mailbox)
    return kind(client_id=CLIENT, client_secret=SECRET, tenant_id=TENANT, identity=identity)


def connect(place):
    where = {"service_endpoint": place.https + "/EWS/Exchange.asmx"} if place.https else {"server": "outlook.office365.com"}
    configuration = Configuration(
        credentials=credentials(place), auth_type=OAUTH2, version=Version(build=Build(15, 20, 7409, 24)),
        retry_policy=FaultTolerance(max_wait=60), **where,
    )
    return Account(place.mailbox, config=configuration, autodiscover=False, access_type=IMPERSONATION)


def use(account):
    before = account.drafts.all().count()
    item = Message(folder=account.drafts, subject="by an app", body="text").save()
    same("one more", account.drafts.all().count(), before + 1)
    read = account.drafts.get(id=item.id)
    same("what was written", (read.subject, read.text_body), ("by an app", "text"))
    item.delete()
    same("as before", account.drafts.all().count(), before)


def stranger(place):
    """A mailbox that nobody has is no success."""
    try:
        nobody = options_for(place, "nobody@contoso.test")
        holds("an error", not connect(nobody).inbox.total_count >= 0)
    except Exception as error:  # noqa: BLE001 - which error it is depends on the library
        holds("an error of the server", "Error" in type(error).__name__, error)


def options_for(place, mailbox):
    other = type(place)(**vars(place))
    other.mailbox = mailbox
    return other


def main():
    place = options(__doc__)
    steps = Steps()
    account = steps.run("token and connection", connect, place)
    if account is not None:
        steps.run("write and read", use, account)
    steps.run("a mailbox that nobody has", stranger, place)
    steps.end()


if __name__ == "__main__":
    main()
