import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { OutsideServer, plantLeakySkills } from "../support/leaky-skills.ts";
import { call, ObeyingModel, order } from "../support/obeying-model.ts";
import { ScriptedModel } from "../support/scripted-model.ts";
import { SessionClient } from "../support/session-client.ts";
import { type RunningNexflow, startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";
import {
  type BrowserProfile,
  findChromium,
  openBrowser,
  openPage,
  signInOnce,
} from "./web-browser.ts";

const chromium = findChromium();
const SEND = call("web.send", { to: "eve", text: "line one\nline two\u202e" });

describe.skipIf(chromium === undefined)("the page of an agent that needs people", () => {
  const opened: AsyncDisposable[] = [];
  let browser: Browser;
  let outside: OutsideServer;
  let server: RunningNexflow;
  let profile: BrowserProfile;

  beforeAll(async () => {
    const dir = await openTempDir();
    const model = await ObeyingModel.open();
    outside = await OutsideServer.open();
    const approvals = "{ external: ask }";
    const skills = await plantLeakySkills(dir.path, { port: outside.port, approvals });
    server = await startNexflow({
      homeDir: `${dir.path}/data`,
      env: { ...skills, ...model.env },
    });
    opened.push(dir, model, outside, server);
    browser = await openBrowser(chromium ?? "");
    profile = await signInOnce(browser, server.loginUrl);
  });
  afterAll(async () => {
    await browser.close();
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    outside.received.length = 0;
  });

  test("shows a card with all there is to know, and a key lets the call be made", async ({
    expect,
  }) => {
    await using watched = await openPage(browser, server.url, { profile });
    const { page } = watched;
    await send(page, order([SEND]));
    const card = cardOf(page);
    await card.waitFor();
    const shown = await card.innerText();
    for (const part of [
      "web.send",
      '"eve"',
      '"line one\\n',
      "line two\\u202e",
      "(GET, POST)",
      "approvals",
    ]) {
      expect(shown).toContain(part);
    }
    expect(shown).toMatch(/60 min left/u);
    expect(outside.received).toEqual([]);
    await page.getByRole("button", { name: "A call waits for your word" }).click();
    await card
      .getByRole("button", { name: /^Allow once/u })
      .and(page.locator(":enabled"))
      .waitFor();
    await page.keyboard.press("y");
    await page.getByText("Allowed: web.send").waitFor();
    await ended(page, "completed");
    expect(outside.received).toEqual(["POST /send/eve"]);
    expect(watched.faults).toEqual([]);
  });

  test("denies with a reason that the model is told, after a reload", async ({ expect }) => {
    await using watched = await openPage(browser, server.url, { profile });
    const { page } = watched;
    await send(page, order([SEND]));
    await cardOf(page).waitFor();
    await page.reload();
    await cardOf(page).getByRole("button", { name: /^Deny/u }).click();
    await page.getByLabel("Reason, told to the model").fill("Not to her");
    await page.keyboard.press("Enter");
    await page.getByText("Denied: web.send").waitFor();
    await ended(page, "completed");
    await page.locator("details[data-state=error] summary").click();
    await page.getByText("Not to her").waitFor();
    expect(outside.received).toEqual([]);
    expect(watched.faults).toEqual([]);
  });

  test("a card that is answered elsewhere closes here, and the badges say why it was asked", async ({
    expect,
  }) => {
    await using watched = await openPage(browser, server.url, { profile });
    const { page } = watched;
    await send(page, order([call("diary.read")], [SEND]));
    await cardOf(page).waitFor();
    await page.locator("summary", { hasText: "Outside" }).click();
    await page.getByText("from tool diary.read").first().waitFor();
    const user = new SessionClient(server);
    const sessionId = sessionOf(page);
    const [asked] = await user.listApprovals(sessionId);
    if (asked === undefined) throw new Error("Expected a question");
    await user.grant(asked, { kind: "session" });
    await page.getByText("Allowed: web.send").waitFor();
    await ended(page, "completed");
    await send(page, order([SEND]));
    await expect.poll(() => outside.received.length).toBe(2);
    expect(await cardOf(page).count()).toBe(0);
    expect(watched.faults).toEqual([]);
  });

  test("a message is edited and asked again, and the versions can be switched", async ({
    expect,
  }) => {
    await using model = await ScriptedModel.open();
    await using scripted = await startNexflow({ env: model.env });
    await using watched = await openPage(browser, scripted.loginUrl);
    const { page } = watched;
    await answer("first question", "first answer");
    await page.getByRole("article", { name: "You" }).hover();
    await page.getByRole("button", { name: "Edit and ask again" }).click();
    await page.getByLabel("Edited message").fill("second question");
    await page.getByRole("button", { name: "Ask again" }).click();
    await finish("second answer");
    await expect.poll(() => said(page, "first answer").count()).toBe(0);
    await page.getByRole("group", { name: "Version 2 of 2" }).waitFor();
    await page.getByRole("button", { name: "Earlier version" }).click();
    await said(page, "first answer").waitFor();
    await expect.poll(() => said(page, "second answer").count()).toBe(0);
    await page.reload();
    await said(page, "first answer").waitFor();
    await page.getByRole("button", { name: "Later version" }).click();
    await said(page, "second answer").waitFor();
    await page.getByRole("button", { name: "Answer again" }).click();
    await finish("third answer");
    await page.getByRole("group", { name: "Version 3 of 3" }).waitFor();
    expect(watched.faults).toEqual([]);

    async function answer(question: string, text: string): Promise<void> {
      await send(page, question);
      await finish(text);
    }

    async function finish(text: string): Promise<void> {
      const begun = await model.nextAnswer();
      begun.say(text);
      begun.end();
      await said(page, text).waitFor();
      await ended(page, "completed");
    }
  });

  test("a message interrupts the answer under way", async ({ expect }) => {
    await using model = await ScriptedModel.open();
    await using scripted = await startNexflow({ env: model.env });
    await using watched = await openPage(browser, scripted.loginUrl);
    const { page } = watched;
    await send(page, "Tell me a long story");
    const story = await model.nextAnswer();
    story.say("Once upon a time");
    await said(page, "Once upon a time").waitFor();
    await page.getByRole("textbox", { name: "Message" }).fill("Stop, what is the time?");
    await page.getByText("Interrupt", { exact: true }).click();
    await page.getByRole("textbox", { name: "Message" }).press("Enter");
    await story.abandoned;
    await ended(page, "cancelled");
    const next = await model.nextAnswer();
    next.say("Noon");
    next.end();
    await said(page, "Noon").waitFor();
    expect(watched.faults).toEqual([]);
  });
});

async function send(page: Page, text: string): Promise<void> {
  const box = page.getByRole("textbox", { name: "Message", exact: true });
  await box.fill(text);
  await box.press("Enter");
}

function said(page: Page, text: string) {
  return page.getByRole("region", { name: "Messages" }).getByText(text);
}

function cardOf(page: Page) {
  return page.locator("[data-approval]");
}

function ended(page: Page, state: string): Promise<void> {
  return page.locator(`article[data-state="${state}"]`).last().waitFor();
}

function sessionOf(page: Page): string {
  return new URL(page.url()).hash.split("/").at(-1) ?? "";
}
