import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { ScriptedModel } from "../support/scripted-model.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import {
  type BrowserProfile,
  findChromium,
  openBrowser,
  openPage,
  signInOnce,
} from "./web-browser.ts";

const chromium = findChromium();

test("Chromium is on this machine", ({ expect, skip }) => {
  skip(chromium === undefined, "no Chromium here: the page is NOT tested; install `chromium`");
  expect(chromium).toMatch(/chrom/u);
});

describe.skipIf(chromium === undefined)("the web page", () => {
  let browser: Browser;
  /** `offline/rules` */
  let plain: RunningNexflow;
  let model: ScriptedModel;
  let scripted: RunningNexflow;
  let plainUser: BrowserProfile;
  let scriptedUser: BrowserProfile;

  beforeAll(async () => {
    model = await ScriptedModel.open();
    [browser, plain, scripted] = await Promise.all([
      openBrowser(chromium ?? ""),
      startNexflow(),
      startNexflow({ env: model.env }),
    ]);
    plainUser = await signInOnce(browser, plain.loginUrl);
    scriptedUser = await signInOnce(browser, scripted.loginUrl);
  });

  afterAll(async () => {
    await browser.close();
    await Promise.all([plain, scripted, model].map((used) => used[Symbol.asyncDispose]()));
  });

  test("signs in by link and takes the token out of the address", async ({ expect }) => {
    await using watched = await openPage(browser, plain.loginUrl);
    const { page } = watched;
    await composer(page).waitFor();
    expect(page.url()).not.toContain(plain.token);
    expect(await page.evaluate("history.length")).toBeLessThanOrEqual(2);
    await page.reload();
    await composer(page).waitFor();
    expect(watched.faults).toEqual([]);
  });

  test("asks for the token where there is none, says when it is wrong", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url);
    const { page } = watched;
    await page.getByLabel("Token").fill("wrong-token-wrong-token-wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This token is not valid").waitFor();
    await page.getByLabel("Token").fill(plain.token);
    await page.keyboard.press("Enter");
    await composer(page).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
    expect(watched.faults).toEqual([]);
  });

  test("answers a skill command and shows the call with its input and output", async ({
    expect,
  }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    await page.getByText("offline/rules is not a language model").waitFor();
    await send(page, "/calculator 2^64 - 1");
    await page.locator('details[data-state="ok"]').waitFor();
    await answers(page).getByText("18446744073709551615").last().waitFor();
    const card = page.locator("details");
    expect(await card.locator("pre").first().isVisible()).toBe(false);
    await card.locator("summary").click();
    expect(await card.locator("pre").first().textContent()).toContain("2^64 - 1");
    expect(await card.locator("pre").last().textContent()).toContain("18446744073709551615");
    await page.getByRole("link", { name: "/calculator 2^64 - 1" }).waitFor();
    expect(watched.faults).toEqual([]);
  });

  test("shows a failing call's code and message, and the chat goes on", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    await send(page, "/calculator 1/0");
    const card = page.locator('details[data-state="error"]');
    await card.locator("summary").click();
    expect((await card.locator("dd").last().textContent())?.trim()).toMatch(/\w+ \w+/u);
    await send(page, "/calculator 2+3");
    await page.locator('details[data-state="ok"]').waitFor();
    expect(watched.faults).toEqual([]);
  });

  test("an example of the empty page is filled in or sent by a click", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    const example = page.getByRole("main").getByRole("listitem").getByRole("button").first();
    const text = (await example.locator(".text").textContent())?.trim() ?? "";
    expect(text).not.toBe("");
    await example.click();
    const isFilled = (await composer(page).inputValue()).trim() === text;
    if (!isFilled) await page.getByRole("article", { name: "You" }).getByText(text).waitFor();
    expect(watched.faults).toEqual([]);
  });

  test("a reload in mid-answer loses and doubles no character", async ({ expect }) => {
    await using watched = await openPage(browser, scripted.url, { profile: scriptedUser });
    const { page } = watched;
    await send(page, "count");
    const answer = await model.nextAnswer();
    const words = Array.from({ length: 200 }, (_, index) => `w${index} `);
    answer.say(...words.slice(0, 80));
    await answers(page).getByText("w79").waitFor();
    await page.reload();
    answer.say(...words.slice(80, 120));
    await answers(page).getByText("w119").waitFor();
    await page.reload();
    answer.say(...words.slice(120));
    answer.end();
    await ended(page, "completed");
    expect(await answers(page).innerText()).toBe(words.join("").trim());
    expect(await storedAnswer(scripted, page)).toBe(words.join(""));
    expect(watched.faults).toEqual([]);
  });

  test("raw HTML and images in an answer are inert", async ({ expect }) => {
    await using watched = await openPage(browser, scripted.url, { profile: scriptedUser });
    const { page } = watched;
    await send(page, "attack");
    const answer = await model.nextAnswer();
    for (const part of [
      "<img src=x onerror=\"document.title='owned'\"> ",
      "![pixel](https://example.invalid/track.png?id=1) ",
      "[click](javascript:document.title='owned') ",
      "<script>document.title='owned'</script>\n\n",
      "<iframe src=https://example.invalid></iframe>\n\n",
      '<a href="https://example.invalid" onclick="alert(1)">x</a>\n\n',
      '```html\n<b onmouseover="alert(1)">bold</b>\n```\n\nthe end',
    ]) {
      answer.say(part);
    }
    answer.end();
    await ended(page, "completed");
    await answers(page).getByText("the end").waitFor();
    const inert = answers(page).locator("img, script, iframe, [onerror], [onclick], [onmouseover]");
    expect(await inert.count()).toBe(0);
    const links = await answers(page)
      .locator("a")
      .evaluateAll((found) => found.map((link) => [link.textContent, link.getAttribute("rel")]));
    expect(links).toEqual([
      ["pixel (https://example.invalid/track.png?id=1)", "noopener noreferrer"],
    ]);
    expect(await page.title()).not.toContain("owned");
    expect(watched.foreignRequests).toEqual([]);
    expect(watched.faults).toEqual([]);
  });

  test("Escape stops the running answer for good", async ({ expect }) => {
    await using watched = await openPage(browser, scripted.url, { profile: scriptedUser });
    const { page } = watched;
    await send(page, "never ends");
    const answer = await model.nextAnswer();
    answer.say("and on ", "and on ");
    await answers(page).getByText("and on and on").waitFor();
    await page.getByRole("button", { name: "Stop the answer" }).waitFor();
    await page.keyboard.press("Escape");
    await answer.abandoned;
    await ended(page, "cancelled");
    await page.getByText("Stopped").waitFor();
    await page.getByRole("button", { name: "Stop the answer" }).waitFor({ state: "detached" });
    expect(watched.faults).toEqual([]);
  });

  test("a message sent while another is answered waits, and is answered next", async ({
    expect,
  }) => {
    await using watched = await openPage(browser, scripted.url, { profile: scriptedUser });
    const { page } = watched;
    await send(page, "first");
    const first = await model.nextAnswer();
    first.say("one");
    await answers(page).getByText("one").waitFor();
    await send(page, "second");
    await page.getByText("Queued").waitFor();
    await page.reload();
    await page.getByText("Queued").waitFor();
    first.end();
    const second = await model.nextAnswer();
    second.say("two");
    second.end();
    await answers(page).last().getByText("two").waitFor();
    expect(await page.getByText("Queued").count()).toBe(0);
    expect(await page.getByRole("article", { name: "You" }).allInnerTexts()).toEqual([
      "first",
      "second",
    ]);
    expect(watched.faults).toEqual([]);
  });

  test("recovers by itself when the server is killed and started again", async ({ expect }) => {
    const port = await findFreePort();
    await using first = await startNexflow({ port, env: model.env });
    await using watched = await openPage(browser, first.loginUrl);
    const { page } = watched;
    await send(page, "survive");
    const lost = await model.nextAnswer();
    lost.say("half of ", "an answer");
    await answers(page).getByText("half of an answer").waitFor();
    await first.kill();
    await page.getByText("Reconnecting").waitFor();
    await send(page, "written while nobody listened");
    const { homeDir } = first;
    await using again = await startNexflow({ homeDir, port, env: model.env });
    const whole = await model.nextAnswer();
    whole.say("a whole ", "answer");
    whole.end();
    const next = await model.nextAnswer();
    next.say("and the next");
    next.end();
    await answers(page).last().getByText("and the next").waitFor();
    expect((await answers(page).allInnerTexts()).map((text) => text.trim())).toEqual([
      "a whole answer",
      "and the next",
    ]);
    expect(await storedAnswer(again, page)).toBe("a whole answerand the next");
    expect(watched.faults).toEqual([]);
  });

  test("works by keyboard alone", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    const { keyboard } = page;
    await composer(page).waitFor();
    await keyboard.type("/calculator 6*7");
    await keyboard.press("Enter");
    await ended(page, "completed");
    await page.getByRole("button", { name: "New conversation" }).focus();
    await keyboard.press("Enter");
    await page.getByRole("heading", { name: "What can I do for you?" }).waitFor();
    await keyboard.type("/text-tools.slug Ten Reasons");
    await keyboard.press("Shift+Enter");
    await keyboard.press("Backspace");
    await keyboard.press("Enter");
    await ended(page, "completed");
    const latest = "/text-tools.slug Ten Reasons";
    await page.getByRole("navigation").getByRole("link", { name: latest }).waitFor();
    await keyboard.press("Alt+ArrowDown");
    await page.locator("h1").getByText(latest, { exact: true }).waitFor({ state: "detached" });
    await keyboard.press("Alt+ArrowUp");
    await page.locator("h1").getByText(latest, { exact: true }).waitFor();
    await page.getByRole("link", { name: latest }).first().focus();
    await keyboard.press("ArrowDown");
    const focused = await page.evaluate<string>("document.activeElement.textContent");
    expect(focused).toBe((await titles(page))[1]);
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await titles(page)).toContain(focused);
    expect(watched.faults).toEqual([]);
  });

  test("deletes a conversation after a question", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    await send(page, "/calculator 40+2");
    await ended(page, "completed");
    await page.getByRole("link", { name: "/calculator 40+2" }).waitFor();
    await page.getByRole("button", { name: 'Delete "/calculator 40+2"' }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "What can I do for you?" }).waitFor();
    expect(await titles(page)).not.toContain("/calculator 40+2");
    await page.reload();
    await composer(page).waitFor();
    await page.getByRole("navigation").getByRole("listitem").first().waitFor();
    expect(await titles(page)).not.toContain("/calculator 40+2");
    expect(watched.faults).toEqual([]);
  });

  test("pins messages, shows what models are told of a person, and forgets it", async ({
    expect,
  }) => {
    const call = async (method: string, at: string, body?: object) => {
      const response = await fetch(`${plain.url}/api/v1${at}`, {
        method,
        headers: {
          authorization: `Bearer ${plain.token}`,
          "idempotency-key": crypto.randomUUID(),
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      expect(response.ok, text).toBe(true);
      return (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
    };
    await call("POST", "/memory", { text: "Likes <b>tea</b>" });
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    await send(page, "/calculator 50+5");
    await ended(page, "completed");
    const sessionId = new URL(page.url()).hash.split("/").at(-1) ?? "";
    const { messages } = await call("GET", `/sessions/${sessionId}/messages`);
    const said = messages as readonly { readonly id: string; readonly role: string }[];
    const pins = async () => (await call("GET", `/sessions/${sessionId}/pins`))["messageIds"];
    const pinOf = (label: string) =>
      page.getByRole("article", { name: label }).locator("..").getByRole("button", { name: "Pin" });
    await pinOf("You").first().click();
    await expect.poll(pins).toEqual([said[0]?.id]);
    await pinOf("Nexflow").last().click();
    await expect.poll(pins).toEqual([said[0]?.id, said.at(-1)?.id]);
    await page.reload();
    await expect.poll(() => page.locator('[aria-pressed="true"]').count()).toBe(2);
    // Taken off elsewhere meanwhile, it is off.
    await call("DELETE", `/sessions/${sessionId}/pins/${said.at(-1)?.id}`);
    await pinOf("Nexflow").last().click();
    await expect.poll(() => page.locator('[aria-pressed="true"]').count()).toBe(1);
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await pins()).toEqual([said[0]?.id]);
    await page.getByRole("button", { name: "What models are told" }).click();
    const dialog = page.getByRole("dialog", { name: "What models are told" });
    await dialog.getByText("Likes <b>tea</b>").waitFor();
    await dialog.getByText("/calculator 50+5").waitFor();
    await dialog.getByRole("button", { name: 'Forget "Likes' }).click();
    await dialog.getByText("Nothing yet").waitFor();
    await dialog.getByRole("button", { name: 'Unpin "/calculator 50+5"' }).click();
    await dialog.getByText("No message is pinned").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect((await call("GET", "/memory"))["notes"]).toEqual([]);
    expect(await pins()).toEqual([]);
    expect(await page.locator('[aria-pressed="true"]').count()).toBe(0);
    expect(watched.faults).toEqual([]);
  });

  test("says that there is no such conversation", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, { profile: plainUser });
    const { page } = watched;
    await composer(page).waitFor();
    const said = page.getByRole("alert").getByText("There is no such conversation");
    // Whoever asks for something of it hears so later, and has nothing to add.
    const pins = "**/sessions/no-such-conversation/pins";
    await page.route(pins, async (route) => {
      await said.waitFor();
      await route.continue();
    });
    const answered = page.waitForResponse(pins);
    await page.goto(`${plain.url}/#/c/no-such-conversation`);
    expect((await answered).status()).toBe(404);
    await page.getByRole("heading", { name: "What can I do for you?" }).waitFor();
    await page.evaluate("new Promise(requestAnimationFrame)");
    expect(await said.isVisible()).toBe(true);
    expect(watched.faults).toEqual([]);
  });

  test("follows the system's colours until a person chooses others", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, {
      profile: plainUser,
      colorScheme: "dark",
    });
    const { page } = watched;
    await composer(page).waitFor();
    const brightness = () =>
      page.evaluate<number>("+/\\d+/.exec(getComputedStyle(document.body).backgroundColor)[0]");
    expect(await brightness()).toBeLessThan(60);
    await page.emulateMedia({ colorScheme: "light" });
    await page.locator('html[data-theme="light"]').waitFor();
    expect(await brightness()).toBeGreaterThan(200);
    await page.getByRole("button", { name: "Use dark colours" }).click();
    expect(await brightness()).toBeLessThan(60);
    await page.reload();
    await composer(page).waitFor();
    expect(await brightness()).toBeLessThan(60);
    expect(watched.faults).toEqual([]);
  });

  test("fits a phone: nothing sticks out, the list opens and closes", async ({ expect }) => {
    await using watched = await openPage(browser, plain.url, {
      profile: plainUser,
      width: 360,
      height: 640,
    });
    const { page } = watched;
    await composer(page).waitFor();
    await send(page, `/text-tools.slug ${"unbroken".repeat(40)}`);
    await page.locator("details summary").first().click();
    await ended(page, "completed");
    const overhang = () =>
      page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    expect(await overhang()).toBeLessThanOrEqual(0);
    expect(await page.getByRole("navigation").isVisible()).toBe(false);
    await page.getByRole("button", { name: "Conversations" }).click();
    await page.getByRole("navigation").waitFor();
    expect(await overhang()).toBeLessThanOrEqual(0);
    await page.keyboard.press("Escape");
    await page.getByRole("navigation").waitFor({ state: "hidden" });
    expect(watched.faults).toEqual([]);
  });
});

function composer(page: Page) {
  return page.getByRole("textbox", { name: "Message" });
}

function answers(page: Page) {
  return page.getByRole("article", { name: "Nexflow" });
}

async function send(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
  await page.getByRole("article", { name: "You" }).getByText(text).last().waitFor();
}

/** Waits until the last turn on the page has come to `state`. */
async function ended(page: Page, state: "completed" | "cancelled" | "failed"): Promise<void> {
  await page.locator(`article[data-state="${state}"]`).last().waitFor();
}

async function titles(page: Page): Promise<string[]> {
  return page.getByRole("navigation").getByRole("link").allInnerTexts();
}

/** uWebSockets.js holds on to a port it chose itself for a while after the process is gone. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}

/** What the server has stored of all answers in the conversation on show. */
async function storedAnswer(server: RunningNexflow, page: Page): Promise<string> {
  const sessionId = new URL(page.url()).hash.replace("#/c/", "");
  const response = await fetch(`${server.url}/api/v1/sessions/${sessionId}/messages`, {
    headers: { authorization: `Bearer ${server.token}` },
  });
  const { messages } = (await response.json()) as {
    messages: readonly { role: string; content?: string }[];
  };
  return messages.map(({ role, content }) => (role === "assistant" ? content : "")).join("");
}
