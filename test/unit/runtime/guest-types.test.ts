import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";
import { openTempDir } from "../../support/temp-dir.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const TSC = path.join(ROOT, "node_modules/.bin/tsc");
const run = promisify(execFile);

const SAMPLE = `
import type { Host, Run } from "./guest.d.ts";

interface Input {
  readonly text: string;
}

export const run: Run<Input, { text: string }> = async (tool, input, host) => {
  host.log(\`\${tool} at \${host.now()}, \${host.random()}\`);
  const unit: string | undefined = await host.config.get("UNIT");
  await host.kv.set("seen", input.text);
  await host.kv.set("bytes", new Uint8Array([1, 2]));
  const seen: string | undefined = await host.kv.getText("seen");
  const bytes: Uint8Array | undefined = await host.kv.get("bytes");
  const keys: string[] = await host.kv.list();
  const wasThere: boolean = await host.kv.delete(keys[0] ?? "seen");
  const reply = await host.http.fetch("https://api.example.com/v1/echo", {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: bytes ?? seen ?? "",
    secrets: ["API_TOKEN"],
  });
  if (reply.status !== 200) throw new Error(\`\${reply.url} said \${reply.headers["x-reason"]}\`);
  return { text: \`\${unit} \${wasThere} \${reply.text()} \${reply.bytes().length}\` };
};
`;

/** Each is one line that must not compile. */
const FAULTS = {
  "a value that is not awaited": 'const text: string = host.kv.getText("key");',
  "a number as a value": 'void host.kv.set("key", 1);',
  "the body of an answer without looking at it":
    'void host.http.fetch("https://a.example").then((reply) => reply.json().name);',
  "a secret's value": 'void host.secrets.get("API_TOKEN");',
  "an unknown option": 'void host.http.fetch("https://a.example", { redirect: "manual" });',
  "a global of browsers": 'void fetch("https://a.example");',
  "a global of Node": "void process.env;",
};

test("guest.d.ts fits a skill that uses all of the host", async ({ expect }) => {
  expect(await compile(SAMPLE)).toBe("");
});

test.for(Object.entries(FAULTS))("guest.d.ts refuses %s", async ([, line], { expect }) => {
  const source = `import type { Host } from "./guest.d.ts";\nexport function use(host: Host) {\n  ${line}\n}\n`;
  expect(await compile(source)).toMatch(/^skill\.ts\(3,\d+\): error TS/u);
});

test("guest.d.ts has every function that the sandbox gives to guests", async ({ expect }) => {
  const bootstrap = await readFile(path.join(ROOT, "runtime/host/isolate-bootstrap.ts"), "utf8");
  const [, given = ""] = /\nconst host = \{\n(.*?)\n\};/su.exec(bootstrap) ?? [];
  const names = Array.from(given.matchAll(/^ {2,4}(\w+): \(/gmu), ([, name = ""]) => name);
  expect(names).toContain("log");
  const types = await readFile(path.join(ROOT, "runtime/guest.d.ts"), "utf8");
  for (const name of names) expect(types, name).toMatch(new RegExp(`^  ${name}\\(`, "mu"));
});

/** What the compiler says of a skill in TypeScript, with the settings that authors are told. */
async function compile(source: string): Promise<string> {
  await using dir = await openTempDir();
  await copyFile(path.join(ROOT, "runtime/guest.d.ts"), path.join(dir.path, "guest.d.ts"));
  await writeFile(path.join(dir.path, "skill.ts"), source);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2024",
    lib: ["es2024"],
    types: [],
    module: "esnext",
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
  };
  await writeFile(path.join(dir.path, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const said = await run(TSC, ["--pretty", "false"], { cwd: dir.path }).catch(
    (error: { readonly stdout: string }) => error,
  );
  return said.stdout;
}
