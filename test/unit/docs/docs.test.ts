import { glob, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { SCOPES } from "#domain/user/scope.ts";
import { ROLES } from "#domain/user/user.ts";
import { createOfflineLlm } from "#infrastructure/llm/offline-rules.ts";
import { loadSkills, toSkill } from "#infrastructure/skills/open-skills.ts";
import { type Access, scopesOf } from "#presentation/gateway/access.ts";
import { PROBLEM_TYPES } from "#presentation/gateway/problem-types.ts";
import { CLOSE } from "../../../src/presentation/gateway/socket.ts";
import { message } from "../../contract/llm.ts";
import { listRoutes } from "../../support/api-document.ts";
import { createFakeUseCases } from "../../support/fakes/gateway-use-cases.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const GUIDES = [
  "README.md",
  ...(await list("docs/*.md")),
  "runtime/README.md",
  "sandbox-policies/README.md",
];
const VARIABLE_ROW = /^\| (?<it>`[A-Z_<>]+`(?:, `[A-Z_<>]+`)*) \|/gmu;
const silent = () => undefined;
const SILENT = { error: silent, warn: silent, info: silent, debug: silent };
const read = (file: string) => readFile(path.join(ROOT, file), "utf8");

describe.for(GUIDES)("%s", (guide) => {
  test("has no broken link", async ({ expect }) => {
    const text = withoutCode(await read(guide));
    for (const link of capturesOf(text, /\]\((?<it>[^)\s]+)\)/gu)) {
      if (/^https?:/u.test(link)) continue;
      const [file = "", anchor] = link.split("#");
      const target = path.join(path.dirname(guide), file);
      expect(await exists(target), `${link} in ${guide}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(await read(target)), link).toContain(anchor);
    }
  });

  test("names only scripts that package.json has", async ({ expect }) => {
    const { scripts } = JSON.parse(await read("package.json")) as { scripts: object };
    const named = capturesOf(await read(guide), /npm run (?:-s )?(?<it>[a-z][a-z:]*)/gu);
    for (const script of named) expect(scripts).toHaveProperty([script]);
  });

  test("names only commands that there are", async ({ expect }) => {
    const named = capturesOf(await read(guide), /(?:nexflow --|npx nexflow) (?<it>[a-z]+)/gu);
    const program = await read("src/presentation/cmd/program.ts");
    for (const command of named) expect(program).toContain(`from "./${command}.ts"`);
  });

  test("names only environment variables that are read", async ({ expect }) => {
    const ofTests = await read("test/support/test-environment.ts");
    const known = [
      ...(await readVariables()),
      ...capturesOf(ofTests, /\b(?<it>NEXFLOW_TEST_[A-Z_]*[A-Z])\b/gu),
    ];
    const named = capturesOf(await read(guide), /\b(?<it>(?:NEXFLOW|OPENAI)_[A-Z_]*[A-Z])\b/gu);
    const prefixes = known.flatMap((name) => name.split("<").slice(0, -1));
    for (const name of named) {
      if (prefixes.some((prefix) => name.startsWith(prefix))) continue;
      expect(known, name).toContain(name.replace(/_FILE$/u, ""));
    }
  });
});

describe("README.md", () => {
  test("has every environment variable in its table, once", async ({ expect }) => {
    const rows = variablesIn(await read("README.md"));
    const forTests = variablesIn(await read("docs/development.md"));
    const expected = (await readVariables()).filter((name) => !forTests.includes(name));
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });

  test("draws the tree as it is", async ({ expect }) => {
    const [, drawing = ""] = /## The tree\n\n```\n(.*?)```/su.exec(await read("README.md")) ?? [];
    let parent = "";
    for (const line of drawing.trimEnd().split("\n")) {
      const { indent = "", name = "" } = /^(?<indent> *)(?<name>\S+\/) /u.exec(line)?.groups ?? {};
      if (indent === "") parent = name;
      const folder = indent === "" ? name : `${parent}${name}`;
      expect(await exists(folder), `${folder} in the tree`).toBe(true);
    }
  });

  test("proposes messages that the offline rules answer by a skill", async ({ expect }) => {
    const [, section = ""] =
      /Open the link and try:\n\n(.*?)\n\n/su.exec(await read("README.md")) ?? [];
    const messages = capturesOf(section, /^- `(?<it>[^/`][^`]*)`$/gmu);
    expect(messages.length).toBeGreaterThan(2);
    const skills = (await loadSkills({ skillsDir: undefined, log: SILENT })).map(toSkill);
    for (const text of messages) {
      const asked = { system: "", messages: [message("user", { kind: "text", text })], skills };
      const kinds: string[] = [];
      for await (const { kind } of createOfflineLlm().stream(asked, new AbortController().signal)) {
        kinds.push(kind);
      }
      expect(kinds, text).toEqual(["tool-call", "finished"]);
    }
  });

  test("is short", async ({ expect }) => {
    expect((await read("README.md")).split("\n").length).toBeLessThanOrEqual(200);
  });
});

describe("docs/protocol.md", () => {
  test("has every error code of the gateway, and no other", async ({ expect }) => {
    const codes = [...Object.keys(PROBLEM_TYPES), "unsubscribed"];
    const protocol = await read("docs/protocol.md");
    const frames = (sectionOf(protocol, "Error codes").match(/^\| `\D[^|]*\|/gmu) ?? []).flatMap(
      (row) => capturesOf(row, /`(?<it>[^`]+)`/gu),
    );
    const rows = sectionOf(protocol, "Problems").match(/^\| `\d{3}` \|.*$/gmu) ?? [];
    const byStatus = rows.flatMap((row) => capturesOf(row, /`(?<it>[a-z][a-z_-]+)`/gu));
    expect([...new Set([...frames, ...byStatus])].toSorted()).toEqual(codes.toSorted());
  });

  test("has every route of the gateway with what it needs, and no other", async ({ expect }) => {
    const useCases = createFakeUseCases();
    const routes = listRoutes(useCases);
    await useCases[Symbol.asyncDispose]();
    const needed = routes.map(({ method, path: route, access }) => {
      const needs = typeof access === "string" ? access : needsOf(access);
      return `${method.toUpperCase()} ${route} | ${needs}`;
    });
    const section = sectionOf(await read("docs/protocol.md"), "Requests");
    const rows = section.matchAll(/^\| `(?<request>[A-Z]+ [^`]+)`[^|]*\| (?<needs>[^|]+) \|/gmu);
    const listed = Array.from(
      rows,
      ({ groups }) => `${groups?.["request"]} | ${groups?.["needs"]}`,
    );
    expect(listed.toSorted()).toEqual(needed.toSorted());
  });

  test("has every scope and role", async ({ expect }) => {
    const section = sectionOf(await read("docs/protocol.md"), "Who may");
    for (const word of [...SCOPES, ...ROLES]) expect(section).toContain(`\`${word}\``);
  });

  test("has every close code of the gateway", async ({ expect }) => {
    const rows = capturesOf(await read("docs/protocol.md"), /^\| `(?<it>[14]\d{3})` \|/gmu);
    const codes = Object.values(CLOSE).map(String);
    expect(rows.toSorted()).toEqual([...new Set(codes)].toSorted());
  });
});

test("docs/skills.md has every error code of a skill call, and no other", async ({ expect }) => {
  const source = await read("runtime/invoke.ts");
  const [, union = ""] =
    /export type SkillErrorCode =(.*?);/su.exec(source.replaceAll(/\/\*\*.*?\*\//gsu, "")) ?? [];
  const codes = capturesOf(union, /"(?<it>[^"]+)"/gu);
  expect(codes.length).toBeGreaterThan(10);
  const section = sectionOf(await read("docs/skills.md"), "Limits and errors");
  const rows = section.match(/^\| `[^|]*\|/gmu) ?? [];
  const listed = rows.flatMap((row) => capturesOf(row, /`(?<it>[a-z-]+)`/gu));
  expect(listed.toSorted()).toEqual(codes.toSorted());
});

test("docs/operations.md says what to do about every fault", async ({ expect }) => {
  const source = await read("src/domain/shared/fault.ts");
  const faults = capturesOf(source, /^ {2}(?<it>[A-Z_]+): (?:true|false),/gmu);
  const section = sectionOf(await read("docs/operations.md"), "What errors mean for you");
  const codes = capturesOf(
    section,
    /`(?<it>(?:BUDGET|CONFIG|STORE|BACKUP|BUS|LLM|SANDBOX)_[A-Z_]+|STOPPED|TURN_TIMEOUT)`/gu,
  );
  // A fenced run is begun anew by itself, and one that met a joined message looks again.
  const unseen = new Set(["TURN_FENCED", "TURN_JOINED"]);
  const visible = faults.filter((code) => !unseen.has(code));
  expect([...new Set(codes)].toSorted()).toEqual(visible.toSorted());
});

test("docs/layers.md names only files that there are", async ({ expect }) => {
  const named = capturesOf(await read("docs/layers.md"), /`(?<it>[\w/.-]+\.(?:ts|json|md))`/gu);
  const files = await list("{src,runtime,skills-registry,test,docs}/**/*.{ts,json,md}");
  for (const name of named) {
    const isThere = files.some((file) => `/${file}`.endsWith(`/${name}`));
    expect(isThere || (await exists(name)), name).toBe(true);
  }
});

test("no install script of a package runs unreviewed, none needs a compiler", async ({
  expect,
}) => {
  const { allowScripts } = JSON.parse(await read("package.json")) as { allowScripts: object };
  const packages = await list("node_modules/{*,@*/*}/package.json");
  expect(packages.length).toBeGreaterThan(50);
  for (const file of packages) {
    const manifest = JSON.parse(await read(file)) as { name: string; scripts?: object };
    const scripts = Object.keys(manifest.scripts ?? {});
    const hasScript = scripts.some((name) => /^(?:pre|post)?install$/u.test(name));
    const isCompiled = await exists(path.join(path.dirname(file), "binding.gyp"));
    if (hasScript || isCompiled) expect(allowScripts, file).toHaveProperty([manifest.name]);
  }
});

async function list(pattern: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(pattern, { cwd: ROOT })) found.push(file);
  return found.toSorted();
}

function needsOf(access: Exclude<Access, string>): string {
  const scopes = scopesOf(access).map((scope) => `\`${scope}\``);
  return `${scopes.join(" and ")} ${access.role}`;
}

function exists(file: string): Promise<boolean> {
  return stat(path.join(ROOT, file)).then(
    () => true,
    () => false,
  );
}

/** What `(?<it>…)` captures, each time `pattern` matches. */
function capturesOf(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ({ groups }) => groups?.["it"] ?? "");
}

function withoutCode(text: string): string {
  return text.replaceAll(/```.*?```/gsu, "").replaceAll(/`[^`\n]*`/gu, "");
}

function anchorsOf(text: string): readonly string[] {
  const titles = capturesOf(text, /^#+ (?<it>.+)$/gmu);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** From a heading to the next one of its level or above. */
function sectionOf(text: string, title: string): string {
  const [, level = "", rest = ""] = new RegExp(`^(#+) ${title}\n(.*)`, "msu").exec(text) ?? [];
  const [section = ""] = rest.split(new RegExp(`^#{1,${level.length}} `, "mu"), 1);
  return section;
}

/** The environment variables that `src/config.ts` reads, those of a prefix as "PREFIX_<NAME>". */
function variablesIn(text: string): readonly string[] {
  const cells = capturesOf(text, VARIABLE_ROW);
  return cells.flatMap((cell) => cell.split(", ").map((name) => name.replaceAll("`", "")));
}

async function readVariables(): Promise<readonly string[]> {
  const [, schema = ""] = /z\.object\(\{(.*?)\n\}\);/su.exec(await read("src/config.ts")) ?? [];
  const prefixes = capturesOf(await read("src/config.ts"), /_PREFIX = "(?<it>[A-Z_]+_)"/gu);
  const names = capturesOf(schema, /^ {2}(?<it>[A-Z_]+):/gmu);
  const forms = capturesOf(await read("src/config.ts"), /"(?<it>[A-Z_]+_<NAME>_[A-Z_]+)"/gu);
  return [...names, ...forms, ...prefixes.map((prefix) => `${prefix}<NAME>`)];
}
