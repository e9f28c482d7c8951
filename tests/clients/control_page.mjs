// The control page in a browser: every act, every word that an act takes, every condition and every preset is chosen on
// the page, switched on, felt by a client, and ended on the page.
// usage: node control_page.mjs HTTP_URL CHROMIUM [DIRECTORY FOR PICTURES]

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { Client, feelers } from "./control_client.mjs";

const packages = createRequire(pathToFileURL(`${process.env.WAVETANK_NODE_MODULES ?? "."}/package.json`));
const { chromium } = packages("playwright-core");

const [base, executablePath, pictures] = process.argv.slice(2);
const client = new Client(base);
const desk = (method, path, body) => client.desk(method, path, body);
const offered = await desk("GET", "faults/acts");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(20_000);

const strangers = [];
const errors = [];
page.on("request", (request) => request.url().startsWith(`${base}/_tank`) || strangers.push(request.url()));
page.on("pageerror", (error) => errors.push(error.message));
page.on("console", (said) => {
  // The browser reports every answer that is an error; those are looked at where they are provoked.
  if (said.type() === "error" && !said.text().startsWith("Failed to load resource")) errors.push(said.text());
});

const form = page.locator("form#fault");
const row = (name) => page.locator("#faults tr").filter({ has: page.getByRole("button", { name: `end ${name}`, exact: true }) });
const none = async () => {
  await page.locator("#faults").getByText("none", { exact: true }).waitFor();
  assert.deepEqual(await desk("GET", "faults"), []);
};

/** Writes a value into the field of a parameter, as a person would. */
async function write({ key, kind, choices }, value) {
  const field = page.locator(`#fault-${key}`);
  switch (kind) {
    case "choice":
      return field.selectOption(value);
    case "flag":
      return field.setChecked(value ?? false);
    case "choices":
      for (const choice of choices) {
        await page.locator(`#fault-${key}-${choice}`).setChecked(value?.includes(choice) ?? false);
      }
      return;
    case "range":
      await page.locator(`#fault-${key}-first`).fill(String(value?.[0] ?? ""));
      return page.locator(`#fault-${key}-last`).fill(String(value?.[1] ?? ""));
    default:
      return field.fill(value === undefined ? "" : String(value));
  }
}

/** The conditions that the form holds something for. */
const written = new Set();

/** Chooses a fault in the form and switches it on; what is not said is left empty. */
async function switchOn(fault, says = `switched on: ${fault.name}`) {
  const act = offered.acts.find(({ name }) => name === fault.act);
  await page.locator("#act").selectOption(fault.act);
  await page.locator("#conditions").evaluate((details) => (details.open = true));
  const parameters = [...act.parameters, ...offered.conditions, ...offered.common];
  for (const parameter of parameters) {
    const { key, kind, only } = parameter;
    if (act.ignores.includes(key) || (only && fault[only[0]] !== only[1])) continue;
    const rests = kind === "choice" || (offered.conditions.includes(parameter) && !written.has(key));
    if (fault[key] === undefined && rests) continue;
    await write(parameter, fault[key]);
    if (fault[key] === undefined) written.delete(key);
    else written.add(key);
  }
  await form.getByRole("button", { name: "switch on" }).click();
  await page.locator("#fault-said").getByText(says, { exact: true }).waitFor();
}
async function end(name) {
  await page.getByRole("button", { name: `end ${name}`, exact: true }).click();
  await row(name).waitFor({ state: "detached" });
}

/** That the desk has exactly this fault, and the page shows it. */
async function holds(fault, also = {}) {
  const [{ seconds, ...active }, ...others] = await desk("GET", "faults");
  assert.deepEqual(others, []);
  assert.ok(seconds > fault.seconds - 60 && seconds <= fault.seconds, `${seconds} of ${fault.seconds}`);
  const { seconds: _, ...expected } = { rate: 1, ...fault, ...also };
  // What is usual need not be said.
  if (fault.status === undefined && also.status === undefined) delete active.status;
  if (fault.delay_spread === "constant") delete expected.delay_spread;
  assert.deepEqual(active, expected);
  assert.equal(await row(fault.name).locator("td").nth(1).textContent(), fault.act);
}

/** Values for all parameters of an act that it needs. */
function needed(act, chosen = {}) {
  const values = {};
  for (const { key, kind, usual, absent, only } of act.parameters) {
    if (kind === "choice") values[key] = chosen[key] ?? usual;
    else if (absent === undefined || (only && values[only[0]] === only[1])) values[key] = 3.5;
  }
  return values;
}

const laws = {
  async "the page offers what the desk offers"() {
    const options = (select) => page.locator(`${select} option`).evaluateAll((all) => all.map(({ value }) => value));
    assert.deepEqual((await options("#act")).toSorted(), offered.acts.map(({ name }) => name).toSorted());
    assert.deepEqual(await options("#preset-name"), offered.presets.map(({ name }) => name));
    assert.deepEqual(Object.keys(feelers).toSorted(), offered.acts.map(({ name }) => name).toSorted());
  },

  async "every act is switched on, felt, and ended"() {
    for (const [act, { says, feel }] of Object.entries(feelers)) {
      const before = await client.prepare();
      const fault = { name: `my ${act}`, act, seconds: 600, ...says };
      await switchOn(fault);
      await holds(fault);
      await feel(client, before);
      await end(fault.name);
      await none();
      assert.equal((await client.folders()).status, 200, `${act} is over`);
    }
  },

  async "every word that an act takes can be chosen"() {
    let words = 0;
    for (const act of offered.acts) {
      for (const { key, choices } of act.parameters.filter(({ kind }) => kind === "choice")) {
        for (const choice of choices) {
          const fault = { name: `${act.name} ${choice}`, act: act.name, seconds: 600, ...needed(act, { [key]: choice }) };
          await switchOn(fault);
          await holds(fault);
          await end(fault.name);
          words += 1;
        }
      }
    }
    await none();
    return `${words} words`;
  },

  async "every parameter arrives as it was written"() {
    const wait = { retry_after_seconds: 2.5 };
    const late = { late_seconds: 0.25, late_sigma: 0.3 };
    for (const fault of [
      { act: "refuse", kind: "server_busy", status: 500, ...wait },
      { act: "say", words: "mailbox-moved", status: 530, ...wait, ...late },
      { act: "fail-item", error: "too_large", ...wait },
      { act: "skew", skew_seconds: -420.5 },
    ]) {
      await switchOn({ name: "all", seconds: 600, ...fault });
      await holds({ name: "all", seconds: 600, ...fault });
    }
    const said = { name: "all", act: "say", status: 418, body: "short\nand <b>stout</b>", content_type: "text/html", seconds: 600 };
    await switchOn({ words: "usual", ...said });
    await holds(said);
    await end("all");
  },

  async "every condition arrives as it was written"() {
    const conditions = {
      rate: 0.5, nth: 3, attempts_below: 2, protocols: ["ews"], cohort: 0.25, apps: [1, 12], burst_seconds: 60,
      burst_share: 0.1, burst_by_mailbox: true, whole_request: true, operations: ["sync_items", "get_folders"],
    };
    const fault = { name: "some", act: "reset", seconds: 600, ...conditions };
    await switchOn({ ...fault, mailboxes: [0, 7] });
    await holds({ ...fault, mailboxes: [0, 7] });
    const shown = await row("some").locator("td").nth(3).textContent();
    for (const part of ["share of calls 50%", "protocols ews", "0 to 7", "apps by number 1, 12", "in bursts of 60 s"]) {
      assert.ok(shown.includes(part), `${part}: ${shown}`);
    }
    await switchOn({ ...fault, mailbox: "bob@contoso.test" });
    const [{ mailboxes }] = await desk("GET", "faults");
    await holds({ ...fault, mailbox: "bob@contoso.test" }, { mailboxes });
    const named = new Set([...Object.keys(conditions), "mailboxes", "mailbox"]);
    assert.deepEqual(new Set(offered.conditions.map(({ key }) => key)), named);
    await end("some");
  },

  async "only the calls that are meant are hit"() {
    await switchOn({
      name: "narrow", act: "refuse", kind: "request_limit", seconds: 600, protocols: ["graph"],
      operations: ["find_folders"], mailbox: "alice@contoso.test",
    });
    assert.equal((await client.folders()).status, 429);
    assert.equal((await client.folders("bob@contoso.test")).status, 200);
    assert.equal((await client.messages()).status, 200);
    assert.equal((await client.ews()).status, 200);
    await end("narrow");
  },

  async "every preset is switched on and ended"() {
    for (const { name: preset, description } of offered.presets) {
      const rules = (faults) => faults.map(({ seconds: _, ...rule }) => rule);
      const expected = rules(await desk("POST", "faults", { preset }));
      await desk("DELETE", "faults");
      await page.locator("#preset-name").selectOption(preset);
      assert.equal(await page.locator("#preset-does").textContent(), description);
      await page.locator("#preset-seconds").fill("300");
      await page.locator("form#preset").getByRole("button", { name: "switch on" }).click();
      await page.locator("#preset-said").getByText(`switched on: ${preset}`, { exact: true }).waitFor();
      const active = await desk("GET", "faults");
      assert.deepEqual(rules(active), expected);
      assert.ok(active.every(({ seconds }) => seconds > 240 && seconds <= 300), preset);
      for (const { name } of active) await end(name);
      await none();
    }
    return `${offered.presets.length} presets`;
  },

  async "all faults end at once"() {
    for (const name of ["one", "two"]) await switchOn({ name, act: "empty", seconds: 600 });
    await page.getByRole("button", { name: "end all" }).click();
    await none();
    await page.getByRole("button", { name: "end all" }).waitFor({ state: "hidden" });
  },

  async "a fault ends by itself"() {
    await switchOn({ name: "short", act: "empty", seconds: 1 });
    await row("short").waitFor({ state: "detached" });
    assert.notEqual((await client.folders()).text, "");
  },

  async "a fault without an end lasts, and a name is made where none is given"() {
    await switchOn({ act: "refuse", kind: "unauthorized" }, "switched on: refuse unauthorized");
    assert.equal(await row("refuse unauthorized").locator("td").nth(4).textContent(), "never");
    await end("refuse unauthorized");
  },

  async "what the desk finds wrong is said at the form"() {
    const wrong = [
      [{ rate: 2 }, "rate", "rate is 2: give a share from 0 to 1"],
      [{ mailbox: "nobody@x.test" }, "mailbox", "there is no mailbox `nobody@x.test`: give the address of a mailbox"],
      [{ nth: 0 }, "nth", "nth is 0: give a number from 1: every n-th call is hit"],
    ];
    for (const [part, key, says] of wrong) {
      await switchOn({ name: "wrong", act: "delay", delay_seconds: 1, seconds: 600, ...part }, says);
      const field = page.locator(`#fault-${key}`);
      assert.equal(await field.getAttribute("aria-invalid"), "true");
      assert.ok(await field.evaluate((input) => input === document.activeElement));
    }
    await switchOn({ name: "wrong", act: "delay", seconds: 600 }, "delay_seconds is missing: say how much later the answer comes: \"delay_seconds\": 0.2");
    await none();
  },

  async "names are text and not markup"() {
    const name = "<img src=x onerror=alert(1)>";
    await switchOn({ name, act: "empty", seconds: 600 });
    assert.equal(await row(name).locator("td").first().textContent(), name);
    await end(name);
  },

  async "the keyboard is enough, and keeps its place"() {
    const focused = () => page.evaluate(() => document.activeElement.ariaLabel || document.activeElement.id || document.activeElement.textContent);
    const reach = async (what) => {
      for (let presses = 0; (await focused()) !== what; presses += 1) {
        assert.ok(presses < 200, `${what} is not reached`);
        await page.keyboard.press("Tab");
      }
    };
    await page.reload();
    await page.locator("#act option").first().waitFor({ state: "attached" });
    await reach("act");
    await page.keyboard.type("wrong-l");
    await reach("fault-name");
    await page.keyboard.type("by hand");
    await reach("switch on");
    await page.keyboard.press("Enter");
    await reach("end by hand");
    assert.equal((await desk("GET", "faults"))[0].act, "wrong-length");
    for (let looks = 0; looks < 2; looks += 1) await page.waitForResponse((answer) => answer.url().endsWith("/_tank/faults"));
    assert.equal(await focused(), "end by hand");
    await page.keyboard.press("Space");
    await none();
  },

  async "policies and health are shown"() {
    await desk("PUT", "policies", [{ name: "two at once", meter: "lanes", most: 2, scope: ["app"] }]);
    await page.locator("#policies").getByText("two at once").waitFor();
    await desk("PUT", "resources", { preset: "exchange-online", peak_load: 0.4 });
    await page.locator("#health").getByText("of the service is taken").waitFor();
    await desk("PUT", "policies", []);
    await desk("PUT", "resources", {});
    await page.locator("#health").getByText("always well").waitFor();
  },

  async "nothing is wider than the window, in light and in dark"() {
    await switchOn({ name: "seen", act: "say", words: "mailbox-locked", seconds: 600, operations: ["import_item"] });
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 700, 400]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(over, 0, `${colorScheme}, ${width}`);
        if (pictures) await page.screenshot({ path: `${pictures}/${colorScheme}-${width}.png`, fullPage: true });
      }
    }
    await end("seen");
  },

  async "the page asks nobody else and stumbles over nothing"() {
    assert.deepEqual(strangers, []);
    assert.deepEqual(errors, []);
  },
};

try {
  await page.goto(`${base}/_tank/`);
  await page.locator("#act option").first().waitFor({ state: "attached" });
  for (const [law, holdsTrue] of Object.entries(laws)) {
    const more = await holdsTrue().catch(async (error) => {
      if (pictures) await page.screenshot({ path: `${pictures}/failed.png`, fullPage: true });
      throw new Error(`${law}: ${error.message}; the page says: ${await page.locator("#fault-said").textContent()}`, { cause: error });
    });
    console.log(more ? `${law}: ${more}` : law);
  }
  console.log("OK");
} finally {
  await browser.close();
}
