// Microsoft's Graph client for JavaScript with msal-node: the same laws as graph_mail.py, in another stack's words.
// usage: NODE_EXTRA_CA_CERTS=ca.pem node graph_mail.mjs https://127.0.0.1:PORT alice@contoso.test [throttled]

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages lie below the build directory, not beside this file.
const packages = createRequire(pathToFileURL(`${process.env.WAVETANK_NODE_MODULES ?? "."}/package.json`));
const msal = packages("@azure/msal-node");
const { BatchRequestContent, Client, PageIterator, ResponseType } = packages("@microsoft/microsoft-graph-client");

const [base, mailbox, ...flags] = process.argv.slice(2);
const throttled = flags.includes("throttled");
const tenant = "11111111-2222-3333-4444-555555555555";
const COUNT = 32;

const app = new msal.ConfidentialClientApplication({
  auth: {
    clientId: "22222222-0000-0000-0000-000000000001",
    clientSecret: "any secret",
    authority: `${base}/${tenant}`,
    knownAuthorities: [new URL(base).host],
  },
});

async function token() {
  const result = await app.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
  assert.equal(result.tokenType, "Bearer");
  assert.ok(result.expiresOn > new Date(), "a token that is still good");
  return result.accessToken;
}

const graph = Client.initWithMiddleware({
  baseUrl: base,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(base).hostname]),
  authProvider: { getAccessToken: token },
});
const box = `/users/${mailbox}`;
let folder;

async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail("no error"), (error) => error);
  assert.equal(error.statusCode, status, `${error}`);
  assert.equal(error.code, code);
}

async function folders() {
  const user = await graph.api(box).select("id,displayName,mail,userPrincipalName").get();
  assert.equal(user.userPrincipalName.toLowerCase(), mailbox);
  assert.deepEqual(Object.keys(user).filter((key) => !key.startsWith("@")).sort(), ["displayName", "id", "mail", "userPrincipalName"]);
  folder = await graph.api(`${box}/mailFolders/inbox/childFolders`).post({ displayName: "Tank JS" });
  assert.equal(folder.totalItemCount, 0);
  const found = await graph.api(`${box}/mailFolders/inbox/childFolders`).filter("displayName eq 'Tank JS'").get();
  assert.deepEqual(found.value.map((one) => one.id), [folder.id]);
  await refused(graph.api(`${box}/mailFolders/inbox/childFolders`).post({ displayName: "Tank JS" }), 409, "ErrorFolderExists");
}

async function write() {
  for (let number = 0; number < COUNT; number++) {
    const made = await graph.api(`${box}/mailFolders/${folder.id}/messages`).post({
      subject: `js ${String(number).padStart(2, "0")}`,
      body: { contentType: "text", content: `body ${number}` },
      toRecipients: [{ emailAddress: { address: "bob@contoso.test" } }],
      isRead: number % 4 === 0,
    });
    assert.equal(made.isDraft, true);
    assert.equal(made.parentFolderId, folder.id);
    assert.match(made["@odata.etag"], /^W\/"/);
    assert.match(made.createdDateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
}

async function pages() {
  const seen = [];
  const first = await graph.api(`${box}/mailFolders/${folder.id}/messages`).top(9).select(["subject"]).orderby("subject").get();
  assert.equal(first.value.length, 9);
  assert.deepEqual(Object.keys(first.value[0]).filter((key) => !key.startsWith("@")).sort(), ["id", "subject"]);
  await new PageIterator(graph, first, (one) => seen.push(one.subject) > 0).iterate();
  assert.equal(seen.length, COUNT);
  assert.deepEqual(seen, [...seen].sort());
  const unread = await graph.api(`${box}/mailFolders/${folder.id}/messages`).filter("isRead eq false").count(true).top(5).get();
  assert.equal(unread["@odata.count"], COUNT - COUNT / 4);
}

async function changes() {
  const list = [];
  let page = await graph.api(`${box}/mailFolders/${folder.id}/messages/delta`).header("Prefer", "odata.maxpagesize=10").get();
  list.push(...page.value);
  while (page["@odata.nextLink"]) {
    page = await graph.api(page["@odata.nextLink"]).header("Prefer", "odata.maxpagesize=10").get();
    list.push(...page.value);
  }
  assert.equal(new Set(list.map((one) => one.id)).size, COUNT);
  const [changed, gone] = list;
  const patched = await graph.api(`${box}/messages/${changed.id}`).patch({ isRead: !changed.isRead, categories: ["js"] });
  assert.deepEqual([patched.id, patched.isRead, patched.categories], [changed.id, !changed.isRead, ["js"]]);
  assert.notEqual(patched.changeKey, changed.changeKey);
  await graph.api(`${box}/messages/${gone.id}`).delete();
  page = await graph.api(page["@odata.deltaLink"]).get();
  const said = page.value.map((one) => [one.id, one["@removed"]?.reason ?? "changed"]).sort();
  assert.deepEqual(said, [[changed.id, "changed"], [gone.id, "deleted"]].sort());
  page = await graph.api(page["@odata.deltaLink"]).get();
  assert.deepEqual(page.value, []);
}

async function mime() {
  const raw = "From: Ann <ann@contoso.test>\r\nTo: bob@contoso.test\r\nSubject: =?utf-8?B?w6TDtsO8?=\r\nX-Own: kept\r\n\r\nbody\r\n";
  const made = await graph.api(`${box}/mailFolders/${folder.id}/messages`).header("Content-Type", "text/plain")
    .post(Buffer.from(raw).toString("base64"));
  assert.equal(made.subject, "äöü");
  assert.equal(made.from.emailAddress.name, "Ann");
  const back = await graph.api(`${box}/messages/${made.id}/$value`).responseType(ResponseType.TEXT).get();
  assert.equal(back, raw);
  await graph.api(`${box}/messages/${made.id}`).delete();
}

async function attachments() {
  const made = await graph.api(`${box}/mailFolders/${folder.id}/messages`).post({
    subject: "with files",
    attachments: [{ "@odata.type": "#microsoft.graph.fileAttachment", name: "a.bin", contentType: "application/x-tank", contentBytes: "AAECAw==" }],
  });
  const list = await graph.api(`${box}/messages/${made.id}/attachments`).get();
  assert.deepEqual(list.value.map((one) => [one["@odata.type"], one.name, one.contentType, one.contentBytes]),
    [["#microsoft.graph.fileAttachment", "a.bin", "application/x-tank", "AAECAw=="]]);
  const bytes = await graph.api(`${box}/messages/${made.id}/attachments/${list.value[0].id}/$value`).responseType(ResponseType.ARRAYBUFFER).get();
  assert.deepEqual([...new Uint8Array(bytes)], [0, 1, 2, 3]);
  await graph.api(`${box}/messages/${made.id}/attachments/${list.value[0].id}`).delete();
  assert.equal((await graph.api(`${box}/messages/${made.id}`).select("hasAttachments").get()).hasAttachments, false);
  await graph.api(`${box}/messages/${made.id}`).delete();
}

async function batch() {
  const [one] = (await graph.api(`${box}/mailFolders/${folder.id}/messages`).top(1).get()).value;
  // The client takes scheme and host away and nothing else, so the version is left out.
  const requests = Array.from({ length: 20 }, (_, number) => ({
    id: `${number + 1}`,
    request: new Request(`${base}${box}/messages/${number < 19 ? one.id : "AAMkNothing="}`, { method: "GET" }),
  }));
  const answer = await graph.api("/$batch").post(await new BatchRequestContent(requests).getContent());
  const statuses = new Map(answer.responses.map((one) => [one.id, one.status]));
  assert.equal(statuses.size, 20);
  for (let id = 1; id <= 19; id++) {
    const status = statuses.get(`${id}`);
    assert.ok(status === 200 || (throttled && status === 429), `${id}: ${status}`);
  }
  assert.ok([400, 404, 429].includes(statuses.get("20")), `${statuses.get("20")}`);
}

async function errors() {
  const nobody = await graph.api("/users/nobody@contoso.test/messages").get().catch((error) => error);
  // Exchange and the directory disagree about what to call it.
  assert.equal(nobody.statusCode, 404);
  assert.ok(["ErrorInvalidUser", "Request_ResourceNotFound"].includes(nobody.code), nobody.code);
  const unknown = await graph.api(`${box}/mailFolders/inbox/messages`).filter("nonsense eq 1").get().catch((error) => error);
  assert.equal(unknown.statusCode, 400, `${unknown}`);
  await graph.api(`${box}/mailFolders/${folder.id}`).delete();
  const left = await graph.api(`${box}/mailFolders/inbox/childFolders`).get();
  assert.deepEqual(left.value.filter((one) => one.displayName === "Tank JS"), []);
  await refused(graph.api(`${box}/messages/AAMkNothing=`).get(), 404, "ErrorItemNotFound").catch(async () =>
    refused(graph.api(`${box}/messages/AAMkNothing=`).get(), 400, "ErrorInvalidIdMalformed"));
}

const failed = [];
for (const step of [folders, write, pages, changes, mime, attachments, batch, errors]) {
  try {
    await step();
    console.log(`  ${step.name}`);
  } catch (error) {
    failed.push(step.name);
    console.log(`  ${step.name}: FAILED ${error.stack}`);
    if (!folder) break;
  }
}
console.log(failed.length === 0 ? "OK" : `${failed.length} steps failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
