import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { openTempDir } from "../../support/temp-dir.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** What a violation says, by the file it is planted in. Every layer rule is here. */
const PLANTED: Readonly<Record<string, readonly [source: string, message: string]>> = {
  "src/domain/upward.ts": ['import "#application/x.ts";', "domain imports only domain"],
  "src/domain/package.ts": ['import "zod";', "domain uses no packages"],
  "src/domain/node.ts": ['import "node:fs";', "domain uses no packages"],
  "src/application/x/upward.ts": ['import "#infrastructure/x.ts";', "application sees domain"],
  "src/application/x/sideways.ts": ['import "#presentation/x.ts";', "application sees domain"],
  "src/application/x/neighbour.ts": ['import "../run-turn/x.ts";', "share a port"],
  "src/application/x/package.ts": ['import "pino";', "application uses no package but zod"],
  "src/application/x/node.ts": ['import "node:fs";', "application uses no package but zod"],
  "src/infrastructure/x/upward.ts": ['import "#presentation/x.ts";', "does not know who calls"],
  "src/infrastructure/x/door.ts": ['import "../../../runtime/policy/x.ts";', "enter by the door"],
  "src/infrastructure/x/house.ts": ['import "../../../runtime/runtime.ts";', "enter by the door"],
  "src/presentation/x/adapter.ts": ['import "#infrastructure/x.ts";', "receives use cases"],
  "src/presentation/x/runtime.ts": ['import "../../../runtime/index.ts";', "receives use cases"],
  "runtime/house.ts": ['import "../src/config.ts";', "knows nothing of the rest"],
  "runtime/alias.ts": ['import "#domain/x.ts";', "knows nothing of the rest"],
  "runtime/host/out.ts": [
    'import "../supervisor/x.ts";',
    "only runtime/host and runtime/protocol.ts",
  ],
  "runtime/host/alias.ts": ['import "#domain/x.ts";', "only runtime/host"],
  "skills-registry/inside.ts": ['import "../runtime/policy/x.ts";', "by its doors only"],
  "skills-registry/house.ts": ['import "../src/config.ts";', "by its doors only"],
  "src/infrastructure/x/cycle-a.ts": ['import "./cycle-b.ts";', "Dependency cycle"],
  "src/infrastructure/x/cycle-b.ts": ['import "./cycle-a.ts";', "Dependency cycle"],
  "src/infrastructure/x/barrel.ts": ['export * from "./cycle-a.ts";', "Barrel file"],
  "src/infrastructure/x/environment.ts": ["export const a = process.env;", "process.env"],
  "src/infrastructure/x/talk.ts": ['console.log("a");', "console"],
  "src/infrastructure/x/default.ts": ["export default 1;", "default export"],
  "src/infrastructure/x/BadName.ts": ["export const a = 1;", "kebab-case"],
};

/** What is allowed, so that the rules are no stricter than they should be. */
const ALLOWED: Readonly<Record<string, string>> = {
  "src/domain/fine.ts": 'import "./other.ts";\nimport "#domain/other.ts";',
  "src/application/x/fine.ts": 'import "zod";\nimport "#domain/x.ts";\nimport "../ports/y.ts";',
  "src/infrastructure/x/fine.ts": 'import "../../../runtime/index.ts";\nimport "pino";',
  "src/infrastructure/x/light.ts":
    'import "../../../runtime/describe-issues.ts";\nimport "../../../skills-registry/template.ts";',
  "src/presentation/x/fine.ts": 'import "#application/x/fine.ts";\nimport "commander";',
  "runtime/host/fine.ts": 'import "../protocol.ts";\nimport "node:fs";',
  "skills-registry/fine.ts": 'import "../runtime/index.ts";',
  "skills-registry/light.ts": 'import "../runtime/describe-issues.ts";',
};

test("oxlint finds every planted violation of the layers, and nothing else", async ({ expect }) => {
  await using dir = await openTempDir();
  await cp(path.join(ROOT, ".oxlintrc.json"), path.join(dir.path, ".oxlintrc.json"));
  const sources = Object.entries(PLANTED).map(([file, [source]]) => [file, source] as const);
  for (const [file, source] of [...sources, ...Object.entries(ALLOWED)]) {
    const place = path.join(dir.path, file);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, `${source}\n`);
  }
  const found = await lint(dir.path);
  for (const [file, [, message]] of Object.entries(PLANTED)) {
    expect(found.get(file), file).toContain(message);
  }
  expect([...found.keys()].toSorted()).toEqual(Object.keys(PLANTED).toSorted());
});

/** What oxlint says, by file. */
async function lint(folder: string): Promise<Map<string, string>> {
  const stdout = await new Promise<string>((resolve) => {
    const arguments_ = [path.join(ROOT, "node_modules/oxlint/bin/oxlint"), "-f", "json", "."];
    execFile(process.execPath, arguments_, { cwd: folder }, (_error, output) => resolve(output));
  });
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: readonly { filename: string; message: string; help?: string }[];
  };
  const found = new Map<string, string>();
  for (const { filename, message, help = "" } of diagnostics) {
    found.set(filename, `${found.get(filename) ?? ""}${message} ${help}\n`);
  }
  return found;
}
