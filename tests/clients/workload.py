"""A plain migrator: writes the same number of messages into several mailboxes, through exchangelib or msgraph-sdk as they
come. It leaves waiting and repeating to the library, and reports what the library could not do.

usage: workload.py ews|graph [--items 60] [--at-once 6] [--one-mailbox]

Run it with `wavetank run ... -- python workload.py ews`, which tells it where the server is."""

import argparse
import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

tempfile.tempdir = tempfile.mkdtemp()  # exchangelib keeps what it discovered in a file there

from common import CLIENT, SECRET, TENANT  # noqa: E402

BODY = "x" * 3_000


def with_exchangelib(mailboxes, items, at_once):
    from exchangelib import BASIC, DELEGATE, Account, Build, Configuration, Credentials, FaultTolerance, Message, Version

    def account(mailbox):
        configuration = Configuration(
            service_endpoint=os.environ["WAVETANK_EWS_URL"],
            credentials=Credentials(mailbox, "any password"),
            auth_type=BASIC,
            version=Version(Build(15, 20, 1, 1)),
            retry_policy=FaultTolerance(max_wait=3_600),
            max_connections=at_once,
        )
        return Account(mailbox, config=configuration, autodiscover=False, access_type=DELEGATE)

    def write(account, number):
        message = Message(account=account, folder=account.inbox, subject=f"item {number}", body=BODY, to_recipients=["a@contoso.test"])
        message.save()

    failed = 0
    for mailbox in mailboxes:
        one = account(mailbox)
        one.inbox  # found before threads ask for it at the same time
        if at_once == 1:
            for number in range(items):
                write(one, number)
            continue
        with ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(write, one, number) for number in range(items)]:
                failed += done.exception() is not None
    return failed


async def with_graph(mailboxes, items, at_once):
    from azure.identity import ClientSecretCredential
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphServiceClient
    from msgraph.generated.models.body_type import BodyType
    from msgraph.generated.models.item_body import ItemBody
    from msgraph.generated.models.message import Message
    from msgraph.graph_request_adapter import GraphRequestAdapter

    base = os.environ["WAVETANK_HTTPS_URL"]
    credential = ClientSecretCredential(TENANT, CLIENT, SECRET, authority=base, disable_instance_discovery=True)
    hosts = [base.removeprefix("https://").split(":")[0]]
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=hosts
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = os.environ["WAVETANK_GRAPH_URL"]
    client = GraphServiceClient(request_adapter=adapter)
    gate = asyncio.Semaphore(at_once * len(mailboxes))

    async def write(mailbox, number):
        async with gate:
            message = Message(subject=f"item {number}", body=ItemBody(content=BODY, content_type=BodyType.Text))
            await client.users.by_user_id(mailbox).messages.post(message)

    work = [write(mailbox, number) for number in range(items) for mailbox in mailboxes]
    done = await asyncio.gather(*work, return_exceptions=True)
    wrong = [one for one in done if isinstance(one, Exception)]
    for one in wrong[:1]:
        print(f"{type(one).__name__}: {str(one)[:300]}")
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=["ews", "graph"])
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--one-mailbox", action="store_true")
    asked = parser.parse_args()
    mailboxes = os.environ["WAVETANK_MAILBOXES"].split(",")
    mailboxes = mailboxes[:1] if asked.one_mailbox else mailboxes
    began = time.monotonic()
    if asked.library == "ews":
        failed = with_exchangelib(mailboxes, asked.items, asked.at_once)
    else:
        failed = asyncio.run(with_graph(mailboxes, asked.items, asked.at_once))
    print(f"{asked.items * len(mailboxes) - failed} of {asked.items * len(mailboxes)} items in {time.monotonic() - began:.1f} s")


main()
