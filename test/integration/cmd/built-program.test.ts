import { cp, readdir, utimes } from "node:fs/promises";
import path from "node:path";
import { describe, test, vi } from "vitest";
import { findBuiltProgram } from "../../../src/built-program.js";
import { ChatClient } from "../../support/chat-client.ts";
import { openInstallation } from "../../support/installation.ts";
import { listLoaded, TELLING_WHAT_IS_LOADED } from "../../support/loaded-modules.ts";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

// Each copies and builds a program, and starts it some times.
vi.setConfig({ testTimeout: 120_000 });

const MAIN = path.resolve(import.meta.dirname, "../../../src/nexflow.js");
/** The program says on its help what stands here. */
const HELP = "src/presentation/cmd/program.ts";
const say = (before: string, after: string) => (text: string) =>
  text.replace(`A ${before} AI agent`, `A ${after} AI agent`);

describe("an installation that was not built", () => {
  test("runs its sources, and doctor says so", async ({ expect }) => {
    await using there = await openInstallation();
    expect(await run(there.main, "--version")).toMatchObject({ code: 0, runs: "sources" });
    const { stdout } = await run(there.main, "doctor");
    expect(stdout).toMatch(/^warn +Program: not built/mu);
  });

  test("serves: a turn is answered", async ({ expect }) => {
    await using there = await openInstallation();
    await using server = await startNexflow({ main: there.main, env: TELLING_WHAT_IS_LOADED });
    expect(await ask(server, "hello")).toContain("not a language model");
    const loaded = listOurs(server.output());
    expect(loaded).toContain(path.join(there.root, "src/agent-worker.ts"));
    expect(loaded).toContain(path.join(there.root, "src/infrastructure/store/store-thread.ts"));
  });
});

describe("a built installation", () => {
  test("serves, and none of its threads loads TypeScript", async ({ expect }) => {
    await using server = await startNexflow({ main: MAIN, env: TELLING_WHAT_IS_LOADED });
    expect(await ask(server, "what is 6 * 7")).toContain("42");
    const loaded = listOurs(server.output()).map((file) => path.basename(file));
    expect(loaded).toEqual(
      expect.arrayContaining(["main.js", "agent-worker.js", "store-thread.js"]),
    );
    expect(loaded.filter((name) => name.endsWith(".ts"))).toEqual([]);
  });

  test("runs its sources from when one changes until it is built again", async ({ expect }) => {
    await using there = await openInstallation();
    await there.build();
    expect(await run(there.main, "--version")).toMatchObject({ code: 0, runs: "built" });
    const help = async () => {
      const { stdout: text, runs } = await run(there.main, "--help");
      return [runs, /A (\S+) AI agent/u.exec(text)?.[1]];
    };
    expect(await help()).toEqual(["built", "self-hosted"]);
    await there.change(HELP, say("self-hosted", "SELF-hosted"));
    expect(await help()).toEqual(["sources", "SELF-hosted"]);
    await there.change(HELP, say("SELF-hosted", "self-hosted"));
    expect(await help()).toEqual(["built", "self-hosted"]);
    await there.change(HELP, say("self-hosted", "self-built"));
    await there.build();
    expect(await help()).toEqual(["built", "self-built"]);
  });

  test("is still built where it is copied to", async ({ expect }) => {
    await using there = await openInstallation();
    await there.build();
    await using dir = await openTempDir();
    const copy = path.join(dir.path, "further", "down");
    await cp(there.root, copy, { recursive: true, verbatimSymlinks: true });
    const main = path.join(copy, "src/nexflow.js");
    expect(await run(main, "--version")).toMatchObject({ code: 0, runs: "built" });
    expect(findBuiltProgram(copy)?.startsWith(path.join(copy, "src/dist"))).toBe(true);
  });

  test("keeps the builds that a server may still run: of today, and the one before", async ({
    expect,
  }) => {
    await using there = await openInstallation();
    const builds: string[] = [];
    const grow = async (word: string) => {
      await there.change(HELP, (text) => `${text}// ${word}\n`);
      await there.build();
      builds.push(path.basename(path.dirname(findBuiltProgram(there.root) ?? "")));
    };
    const kept = () => readdir(path.join(there.root, "src/dist"));
    for (const word of ["first", "second", "third"]) await grow(word);
    expect(new Set(await kept())).toEqual(new Set([...builds, "build.json"]));
    for (const build of builds) {
      await utimes(path.join(there.root, "src/dist", build), new Date(0), new Date(0));
    }
    await grow("fourth");
    expect(new Set(await kept())).toEqual(new Set([...builds.slice(2), "build.json"]));
  });
});

/** Runs a command and tells what was run for it. */
async function run(main: string, command: string) {
  await using home = await openTempDir();
  const env = { NEXFLOW_HOME: home.path, ...TELLING_WHAT_IS_LOADED };
  const { code, stdout, stderr } = await runCommand([command], { main, env });
  const names = new Set(listOurs(stderr).map((file) => path.basename(file)));
  const isBuilt = names.has("main.js");
  if (isBuilt === names.has("main.ts")) throw new Error(`It ran both or none: ${stderr}`);
  return { code, stdout, runs: isBuilt ? "built" : "sources" };
}

/** The files that it loaded, packages left out. */
function listOurs(output: string): readonly string[] {
  return listLoaded(output).filter((file) => !file.includes("/node_modules/"));
}

async function ask(server: RunningNexflow, text: string): Promise<string> {
  await using client = await ChatClient.open(server.url, server.token);
  return (await client.ask(text)).text;
}
