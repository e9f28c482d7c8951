// A client that needs no packages and takes answers as they come, and how it feels each act of the control desk.

import assert from "node:assert/strict";
import http from "node:http";

const ALICE = "alice@contoso.test";
const ENVELOPE =
  '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
  'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" ' +
  'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body><m:GetFolder><m:FolderShape>' +
  "<t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>" +
  '<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>';

/** A client of a server; every request has a connection of its own, but for those to the control desk. */
export class Client {
  #base;
  #desk = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(base) {
    this.#base = base;
  }

  /** What is heard of a request; `failed` says why an answer is not whole. */
  send(method, path, { body, headers = {}, agent = false, user = ALICE } = {}) {
    const began = performance.now();
    const credentials = `Basic ${Buffer.from(`${user}:any`).toString("base64")}`;
    const usual = { authorization: credentials, "content-type": "application/json" };
    return new Promise((resolve) => {
      const heard = { status: 0, headers: {}, text: "" };
      const done = (failed) => resolve({ ...heard, failed, seconds: (performance.now() - began) / 1000 });
      const request = http.request(new URL(path, this.#base), { method, agent, headers: { ...usual, ...headers } });
      request.on("error", (error) => done(error.code));
      request.on("response", (answer) => {
        heard.status = answer.statusCode;
        heard.headers = answer.headers;
        answer.setEncoding("utf8");
        answer.on("data", (part) => (heard.text += part));
        answer.on("error", (error) => done(error.code));
        answer.on("end", () => done());
      });
      request.end(body);
    });
  }

  /** What the control desk answers, which must be fine. */
  async desk(method, path, body) {
    const heard = await this.send(method, `/_tank/${path}`, { body: body && JSON.stringify(body), agent: this.#desk });
    assert.ok(heard.status >= 200 && heard.status < 300, `${method} ${path}: ${heard.status} ${heard.text}`);
    return JSON.parse(heard.text);
  }

  folders(user = ALICE, options = {}) {
    return this.send("GET", `/v1.0/users/${user}/mailFolders?$top=10`, { user, ...options });
  }

  messages() {
    return this.send("GET", `/v1.0/users/${ALICE}/messages?$select=id`);
  }

  ews() {
    return this.send("POST", "/EWS/Exchange.asmx", { body: ENVELOPE, headers: { "content-type": "text/xml" } });
  }

  store() {
    return this.send("POST", `/v1.0/users/${ALICE}/messages`, { body: '{"subject":"one"}' });
  }

  async drafts() {
    const heard = await this.send("GET", `/v1.0/users/${ALICE}/mailFolders/drafts`);
    return JSON.parse(heard.text).totalItemCount;
  }

  /** The subjects of a fresh sync of the inbox, and where the next one continues. */
  async sync() {
    const heard = await this.send("GET", `/v1.0/users/${ALICE}/mailFolders/inbox/messages/delta`);
    const { value, ...links } = JSON.parse(heard.text);
    const next = new URL(links["@odata.nextLink"] ?? links["@odata.deltaLink"]);
    return { order: value.map(({ id }) => id), next: next.pathname + next.search };
  }

  async token() {
    const heard = await this.send("POST", "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token", {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body:
        "grant_type=client_credentials&client_id=22222222-0000-0000-0000-000000000001&client_secret=any" +
        "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
    });
    const { access_token: token, expires_in: life } = JSON.parse(heard.text);
    return { authorization: `Bearer ${token}`, life };
  }

  /** What there is before a fault is switched on. */
  async prepare() {
    const inbox = await this.sync();
    if (inbox.order.length < 3) {
      await this.desk("POST", `mailboxes/${ALICE}/items`, { count: 3, bytes: 2000 });
      return this.prepare();
    }
    const folders = await this.folders();
    const { authorization } = await this.token();
    assert.equal((await this.folders(ALICE, { headers: { authorization } })).status, 200);
    return { inbox, authorization, folders: folders.text, drafts: await this.drafts() };
  }
}

/** That a token that was seen before is taken no more, and a new one is once. */
async function losesToken(client, { authorization }) {
  assert.equal((await client.folders(ALICE, { headers: { authorization } })).status, 401);
  const fresh = await client.token();
  const headers = { authorization: fresh.authorization };
  assert.equal((await client.folders(ALICE, { headers })).status, 200);
  assert.equal((await client.folders(ALICE, { headers })).status, 401);
}

/** For each act, what is said about it and how it is felt by a client that knows how things were before. */
export const feelers = {
  refuse: {
    says: { kind: "request_limit", retry_after_seconds: 7 },
    async feel(client) {
      const heard = await client.folders();
      assert.deepEqual([heard.status, heard.headers["retry-after"]], [429, "7"]);
    },
  },
  say: {
    says: { status: 418, body: "short and stout", content_type: "text/plain" },
    async feel(client) {
      const heard = await client.folders();
      assert.deepEqual([heard.status, heard.text], [418, "short and stout"]);
    },
  },
  delay: {
    says: { delay_seconds: 0.5 },
    async feel(client, { folders }) {
      const heard = await client.folders();
      assert.equal(heard.text, folders);
      assert.ok(heard.seconds >= 0.5, `${heard.seconds}`);
    },
  },
  drip: {
    says: { over_seconds: 0.5 },
    async feel(client, { folders }) {
      const heard = await client.folders();
      assert.equal(heard.text, folders);
      assert.ok(heard.seconds >= 0.4, `${heard.seconds}`);
    },
  },
  skew: {
    says: { skew_seconds: -864000 },
    async feel(client) {
      const behind = Date.now() - Date.parse((await client.folders()).headers.date);
      assert.ok(Math.abs(behind / 1000 - 864000) < 60, `${behind} ms behind`);
    },
  },
  reset: {
    says: { operations: ["create_items"] },
    async feel(client, { drafts }) {
      assert.equal((await client.store()).failed, "ECONNRESET");
      assert.equal(await client.drafts(), drafts);
    },
  },
  "lose-answer": {
    says: { operations: ["create_items"] },
    async feel(client, { drafts }) {
      assert.equal((await client.store()).failed, "ECONNRESET");
      assert.equal(await client.drafts(), drafts + 1);
    },
  },
  unreachable: {
    says: { door: "refused" },
    async feel(client) {
      assert.ok((await client.folders()).failed);
    },
  },
  truncate: {
    says: {},
    async feel(client, { folders }) {
      const heard = await client.folders();
      assert.ok(heard.failed && folders.startsWith(heard.text) && heard.text.length < folders.length);
    },
  },
  malformed: {
    says: {},
    async feel(client, { folders }) {
      const heard = await client.folders();
      assert.deepEqual([heard.status, heard.failed], [200, undefined]);
      assert.throws(() => JSON.parse(heard.text));
      assert.equal(Buffer.byteLength(heard.text), Buffer.byteLength(folders));
    },
  },
  empty: {
    says: {},
    async feel(client) {
      const heard = await client.folders();
      assert.deepEqual([heard.status, heard.text, heard.failed], [200, "", undefined]);
    },
  },
  "wrong-length": {
    says: {},
    async feel(client, { folders }) {
      const heard = await client.folders();
      assert.ok(heard.failed && Number(heard.headers["content-length"]) > Buffer.byteLength(heard.text));
      assert.equal(heard.text, folders);
    },
  },
  "corrupt-item": {
    says: {},
    async feel(client, { inbox }) {
      const heard = await client.send("GET", `/v1.0/users/${ALICE}/messages/${inbox.order[0]}`);
      assert.equal(heard.status, 500);
      assert.equal(JSON.parse(heard.text).error.code, "ErrorItemCorrupt");
    },
  },
  "fail-item": {
    says: { error: "quota_exceeded" },
    async feel(client, { drafts }) {
      assert.equal((await client.store()).status, 507);
      assert.equal(await client.drafts(), drafts);
    },
  },
  expired: {
    says: {},
    async feel(client, { inbox }) {
      assert.equal((await client.send("GET", inbox.next)).status, 410);
    },
  },
  shuffled: {
    says: {},
    async feel(client, { inbox }) {
      assert.deepEqual((await client.sync()).order, inbox.order.toReversed());
    },
  },
  twice: {
    says: { operations: ["create_items"] },
    async feel(client, { drafts }) {
      assert.equal((await client.store()).status, 201);
      assert.equal(await client.drafts(), drafts + 2);
    },
  },
  "expire-token": { says: {}, feel: losesToken },
  "revoke-token": { says: {}, feel: losesToken },
  "short-token": {
    says: { life_seconds: 30 },
    async feel(client) {
      assert.ok((await client.token()).life <= 30);
    },
  },
};
