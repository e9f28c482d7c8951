// The plain migrator of workload.py with Microsoft's Graph client for JavaScript: waiting and repeating are left to the
// library, and what it could not do is reported.
// usage: wavetank run ... -- node workload.mjs [items] [at once]

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = createRequire(pathToFileURL(`${process.env.WAVETANK_NODE_MODULES ?? "."}/package.json`));
const msal = packages("@azure/msal-node");
const { Client } = packages("@microsoft/microsoft-graph-client");

const [items, atOnce] = [Number(process.argv[2] ?? 60), Number(process.argv[3] ?? 6)];
const base = process.env.WAVETANK_HTTPS_URL;
const mailboxes = process.env.WAVETANK_MAILBOXES.split(",");
const app = new msal.ConfidentialClientApplication({
  auth: {
    clientId: "22222222-0000-0000-0000-000000000001",
    clientSecret: "any secret",
    authority: `${base}/11111111-2222-3333-4444-555555555555`,
    knownAuthorities: [new URL(base).host],
  },
});
const graph = Client.initWithMiddleware({
  baseUrl: base,
  defaultVersion: "v1.0",
  customHosts: new Set([new URL(base).hostname]),
  authProvider: {
    async getAccessToken() {
      const scopes = ["https://graph.microsoft.com/.default"];
      return (await app.acquireTokenByClientCredential({ scopes })).accessToken;
    },
  },
});

const work = [];
for (let number = 0; number < items; number++) for (const mailbox of mailboxes) work.push([mailbox, number]);
const began = Date.now();
let failed = 0;

async function lane() {
  for (let next = work.shift(); next; next = work.shift()) {
    const [mailbox, number] = next;
    const message = { subject: `item ${number}`, body: { contentType: "text", content: "x".repeat(3_000) } };
    try {
      await graph.api(`/users/${mailbox}/messages`).post(message);
    } catch (error) {
      if (failed++ === 0) console.log(`${error.statusCode} ${error.code}`);
    }
  }
}

await Promise.all(Array.from({ length: atOnce * mailboxes.length }, lane));
const all = items * mailboxes.length;
console.log(`${all - failed} of ${all} items in ${((Date.now() - began) / 1000).toFixed(1)} s`);
