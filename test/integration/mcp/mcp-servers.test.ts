import path from "node:path";
import { describe, test } from "vitest";
import type { ToolOutcome } from "#domain/message/message.ts";
import { parseUserId } from "#domain/shared/id.ts";
import { entryOf, openTestMcp } from "../../support/mcp.ts";
import { createMemoryLog } from "../../support/memory-log.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { medianOf } from "../../support/timings.ts";

const SECRETS = { API_TOKEN: "very-secret-value" };
const ok = (output: unknown) => ({ outcome: { kind: "ok", output } });
const failed = (code: string) => ({ outcome: { kind: "error", code } });
const userId = parseUserId("u1");

function textOf(outcome: ToolOutcome): string {
  return outcome.kind === "ok" && typeof outcome.output === "string" ? outcome.output : "";
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a server that is a program", () => {
  test("shows its tools, and answers by text or by what it promised", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { plain: entryOf("plain") } });
    const add = mcp.toolsOf("mcp-plain").find(({ name }) => name === "add");
    expect(add).toMatchObject({
      description: "Adds two numbers",
      effects: ["external"],
      inputSchema: { type: "object", properties: { a: { type: "number" } } },
    });
    expect(await mcp.call("mcp-plain", "add", { a: 2, b: 3 })).toMatchObject(ok({ sum: 5 }));
    const picture = await mcp.call("mcp-plain", "picture");
    expect(picture).toMatchObject(ok("Look:\n[image of 6 bytes left out]"));
    expect(await mcp.call("mcp-plain", "fail")).toMatchObject({
      outcome: { kind: "error", code: "tool-error", message: "No such file" },
    });
    expect(mcp.audited).toMatchObject([
      { action: "mcp-call.made", subject: "skill:mcp-plain", detail: { tool: "add" } },
      { detail: { tool: "picture" } },
      { detail: { tool: "fail", outcome: "tool-error" } },
    ]);
  });

  test("gets the environment that it is given and nothing of ours", async ({ expect }) => {
    const env = { TOKEN: { secret: "API_TOKEN" }, MODE: { value: "test" } };
    const servers = { plain: entryOf("plain", "", { env }) };
    await using mcp = await openTestMcp({ servers, secrets: SECRETS });
    const { outcome } = await mcp.call("mcp-plain", "environment");
    const seen = JSON.parse(textOf(outcome)) as object;
    expect(seen).toEqual({
      TOKEN: SECRETS.API_TOKEN,
      MODE: "test",
      PATH: expect.stringContaining("/usr/bin"),
    });
  });

  test("without its secret is not begun", async ({ expect }) => {
    const env = { TOKEN: { secret: "API_TOKEN" } };
    await using mcp = await openTestMcp({ servers: { plain: entryOf("plain", "", { env }) } });
    expect(mcp.source().listSkills()).toEqual([]);
  });

  test("is asked for what policy wants asked, and believed only where that is set", async ({
    expect,
  }) => {
    const approvals = { external: "ask", tools: { pid: "deny" }, expiresMinutes: 5 };
    const servers = {
      careful: entryOf("plain", "", { approvals }),
      trusted: entryOf("plain", "", {
        approvals: { ...approvals, results: { private: false } },
        believeHints: true,
        believeDescriptions: true,
        env: { T: { secret: "API_TOKEN" } },
      }),
    };
    await using mcp = await openTestMcp({ servers, secrets: SECRETS });
    const decide = (skill: string, tool: string) => mcp.source().decide({ skill, tool, userId });
    expect(decide("mcp-careful", "add")).toMatchObject({
      kind: "ask",
      expiresInMs: 300_000,
      facts: {
        rule: "mcp.yaml: servers.careful.approvals.external",
        actsOutside: true,
        bringsUntrusted: true,
        holdsPrivate: true,
      },
    });
    expect(decide("mcp-careful", "pid")).toMatchObject({ kind: "deny" });
    expect(decide("mcp-careful", "none")).toMatchObject({ kind: "deny" });
    expect(decide("mcp-trusted", "add")).toMatchObject({
      kind: "allow",
      facts: { actsOutside: true, bringsUntrusted: true, holdsPrivate: false },
    });
    expect(decide("mcp-trusted", "hang")).toMatchObject({ kind: "ask" });
    expect(mcp.source().listSkills()).toMatchObject([
      { name: "mcp-careful", isDescribedByStranger: true },
      { name: "mcp-trusted", isDescribedByStranger: false },
    ]);
  });

  test("that does not answer costs its time limit, and ends at once when cancelled", async ({
    expect,
  }) => {
    const servers = { plain: entryOf("plain", "", { timeoutMs: 300 }), slow: entryOf("plain") };
    await using mcp = await openTestMcp({ servers });
    expect(await mcp.call("mcp-plain", "hang")).toMatchObject(failed("wall-time"));
    const tookMs = await medianOf(5, async () => {
      const controller = new AbortController();
      const called = mcp.call("mcp-slow", "hang", {}, controller.signal);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const abortedAtMs = performance.now();
      controller.abort();
      expect(await called).toMatchObject(failed("cancelled"));
      return performance.now() - abortedAtMs;
    });
    expect(tookMs).toBeLessThan(100);
    expect(await mcp.call("mcp-slow", "add", { a: 1, b: 1 })).toMatchObject(ok({ sum: 2 }));
  });

  test("that dies in a call is begun again", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { plain: entryOf("plain") } });
    expect(await mcp.call("mcp-plain", "die")).toMatchObject(failed("crashed"));
    const again = await mcp.call("mcp-plain", "add", { a: 1, b: 1 });
    expect(again).toMatchObject(ok({ sum: 2 }));
  });

  test("that has to be begun again is not called where the brake came on meanwhile", async ({
    expect,
  }) => {
    const brake = { sinceMs: 1, by: userId, reason: "a drill" };
    let asked = 0;
    let isOn = true;
    await using mcp = await openTestMcp({
      servers: { plain: entryOf("plain") },
      findBrake: async () => {
        asked += 1;
        return isOn ? brake : undefined;
      },
    });
    // Of a call that need not wait the brake was asked just before.
    expect(await mcp.call("mcp-plain", "add", { a: 1, b: 1 })).toMatchObject(ok({ sum: 2 }));
    expect(asked).toBe(0);
    await mcp.call("mcp-plain", "die");
    expect(await mcp.call("mcp-plain", "add", { a: 1, b: 1 })).toMatchObject({
      outcome: {
        kind: "error",
        code: "STOPPED",
        message: "An operator has stopped all agents: a drill",
      },
    });
    expect(asked).toBe(1);
    await mcp.call("mcp-plain", "die");
    isOn = false;
    expect(await mcp.call("mcp-plain", "add", { a: 1, b: 1 })).toMatchObject(ok({ sum: 2 }));
    expect(asked).toBe(2);
  });

  test("has its results cut", async ({ expect }) => {
    const servers = { plain: entryOf("plain", "", { maxResultKiB: 1 }) };
    await using mcp = await openTestMcp({ servers });
    const { outcome } = await mcp.call("mcp-plain", "long");
    const text = textOf(outcome);
    expect(text).toMatch(/^é{512}\n\[cut: 1998976 bytes more\]$/u);
  });

  test("leaves no process behind, whatever it does about it", async ({ expect }) => {
    const servers = { plain: entryOf("plain"), stays: entryOf("hostile", "stays") };
    const mcp = await openTestMcp({ servers });
    const { outcome } = await mcp.call("mcp-plain", "pid");
    const pid = Number(textOf(outcome));
    expect(isAlive(pid)).toBe(true);
    await mcp[Symbol.asyncDispose]();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test("comes and goes with the file", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { plain: entryOf("plain") } });
    await mcp.write({ other: entryOf("hostile") });
    const names = () =>
      mcp
        .source()
        .listSkills()
        .map(({ name }) => name);
    await expect.poll(names, { timeout: 10_000 }).toEqual(["mcp-other"]);
    expect(await mcp.call("mcp-plain", "pid")).toMatchObject(failed("unknown-tool"));
  });
});

describe("a hostile server", () => {
  test.for(["long-line", "endless-junk"])(
    "that answers with %s is ended",
    async (mode, { expect }) => {
      await using mcp = await openTestMcp({ servers: { bad: entryOf("hostile", mode) } });
      const before = process.memoryUsage().rss;
      expect(await mcp.call("mcp-bad", "run")).toMatchObject(failed("crashed"));
      expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    },
  );

  test("that floods with messages or complaints holds up nobody", async ({ expect }) => {
    const servers = {
      talks: entryOf("hostile", "floods-messages", { timeoutMs: 1_500 }),
      complains: entryOf("hostile", "floods-stderr"),
      plain: entryOf("plain"),
    };
    await using mcp = await openTestMcp({ servers });
    const flooded = mcp.call("mcp-talks", "run");
    expect(await mcp.call("mcp-complains", "run")).toMatchObject(ok("ran run"));
    expect(await mcp.call("mcp-plain", "add", { a: 1, b: 2 })).toMatchObject(ok({ sum: 3 }));
    expect(await flooded).toMatchObject(failed("wall-time"));
  });

  test("that wants a model, a person or our files gets none", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { bad: entryOf("hostile", "wants") } });
    const { outcome } = await mcp.call("mcp-bad", "run");
    expect(textOf(outcome)).toBe("Method not found; Method not found; Method not found");
  });

  test("that prints junk before it speaks is understood", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { junk: entryOf("hostile", "junk") } });
    expect(await mcp.call("mcp-junk", "run")).toMatchObject(ok("ran run"));
  });

  test("that comes back with another tool is not called for the one that it had", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const env = { MARK: { value: path.join(dir.path, "mark") } };
    const servers = { bad: entryOf("hostile", "comes-back", { env }) };
    await using mcp = await openTestMcp({ servers });
    expect(await mcp.call("mcp-bad", "other")).toMatchObject(ok("ran other"));
    expect(await mcp.call("mcp-bad", "run")).toMatchObject(failed("crashed"));
    expect(await mcp.call("mcp-bad", "other")).toMatchObject(failed("unknown-tool"));
  });

  test("that shows what it was given shows no part of it", async ({ expect }) => {
    const { log, lines } = createMemoryLog();
    const TOKEN = "q7Zk-0Wm3-Xv9T-b2Rf";
    const entry = entryOf("hostile", "leaks", { env: { TOKEN: { secret: "TOKEN" } } });
    await using mcp = await openTestMcp({ servers: { bad: entry }, secrets: { TOKEN }, log });
    const texts = () => lines.map(({ fields }) => fields["text"]);
    const said = () =>
      texts()
        .filter((text) => typeof text === "string")
        .join("");
    await expect.poll(said).toBe("It was [redacted] all along\n");
    const { outcome } = await mcp.call("mcp-bad", "run");
    expect(outcome).toMatchObject({ code: "tool-error" });
    expect(JSON.stringify(outcome)).toContain("mmmm");
    expect(JSON.stringify(outcome)).not.toContain("q7Zk");
  });

  test("that answers what is no answer is an error of its own", async ({ expect }) => {
    await using mcp = await openTestMcp({ servers: { bad: entryOf("hostile", "wrong-answer") } });
    expect(await mcp.call("mcp-bad", "run")).toMatchObject(failed("tool-error"));
  });

  test("has its names made plain and its excess left out", async ({ expect }) => {
    const servers = { names: entryOf("hostile", "names"), many: entryOf("hostile", "many") };
    await using mcp = await openTestMcp({ servers });
    const tools = mcp.toolsOf("mcp-names");
    expect(tools.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^a_b_[0-9a-f]{8}$/u),
      expect.stringMatching(/^a_b_[0-9a-f]{8}$/u),
      "tool__proto__",
      "tool_etc_passwd",
      expect.stringMatching(/^dup_[0-9a-f]{8}$/u),
      "hidden",
    ]);
    expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length);
    expect(tools.at(-1)?.description).toBe("Fine text");
    expect(mcp.toolsOf("mcp-many")).toHaveLength(128);
  });

  test("that brings a tool under a new name has it left out until somebody accepts it", async ({
    expect,
  }) => {
    const entry = entryOf("hostile", "renames");
    await using mcp = await openTestMcp({ servers: { bad: entry } });
    const names = () => mcp.toolsOf("mcp-bad").map(({ name }) => name);
    await mcp.call("mcp-bad", "run");
    await expect.poll(names, { timeout: 5_000 }).toEqual(["other"]);
    expect(mcp.audited).toContainEqual(
      expect.objectContaining({
        action: "mcp-tool.changed",
        detail: expect.objectContaining({ tool: "run.v2" }),
      }),
    );
    await mcp.write({ bad: { ...entry, accept: 2 } });
    await expect.poll(names, { timeout: 5_000 }).toEqual(["run", "other"]);
  });

  test("is allowed by the names that it uses itself only", async ({ expect }) => {
    const approvals = { external: "ask", tools: { tool_etc_passwd: "allow", hidden: "allow" } };
    const servers = { names: entryOf("hostile", "names", { approvals }) };
    await using mcp = await openTestMcp({ servers });
    const decide = (tool: string) => mcp.source().decide({ skill: "mcp-names", tool, userId });
    expect(decide("tool_etc_passwd")).toMatchObject({ kind: "ask" });
    expect(decide("hidden")).toMatchObject({ kind: "allow" });
  });

  test("is not given a user or password in its address", async ({ expect }) => {
    for (const url of ["https://key@api.example.com/mcp", "https://u:p@api.example.com/mcp"]) {
      const opened = openTestMcp({ servers: { web: { url } } });
      await expect(opened).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("without a user or password"),
      });
    }
  });

  test("that changes a tool has it taken away until somebody accepts it", async ({ expect }) => {
    const entry = entryOf("hostile", "changes");
    await using mcp = await openTestMcp({ servers: { bad: entry } });
    const digest = () => mcp.source().listSkills()[0]?.digest;
    const names = () => mcp.toolsOf("mcp-bad").map(({ name }) => name);
    const before = digest();
    expect(names()).toEqual(["run", "other"]);
    expect(await mcp.call("mcp-bad", "run")).toMatchObject(ok("run"));
    await expect.poll(names, { timeout: 5_000 }).toEqual(["other"]);
    expect(digest()).not.toBe(before);
    expect(mcp.audited.map(({ action }) => action)).toContain("mcp-tool.changed");
    expect(await mcp.call("mcp-bad", "run")).toMatchObject(failed("unknown-tool"));
    await mcp.reopen();
    expect(names()).toEqual(["run", "other"]);
    await mcp.call("mcp-bad", "run");
    await expect.poll(names, { timeout: 5_000 }).toEqual(["other"]);
    await mcp.write({ bad: { ...entry, accept: 2 } });
    await expect.poll(names, { timeout: 5_000 }).toEqual(["run", "other"]);
  });
});
