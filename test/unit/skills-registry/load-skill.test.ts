import { appendFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, onTestFinished, test } from "vitest";
import {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  SkillFormatError,
  toSkillCode,
} from "../../../skills-registry/index.ts";

const FIXTURES = path.resolve(import.meta.dirname, "../../fixtures/skills");
const VALID = path.join(FIXTURES, "valid");

/** Each fault's folder, and all that its error says. */
const FAULTS: Readonly<Record<string, readonly string[]>> = {
  "answer-unknown": [
    'nexflow.json:24: tools[0].answer: found "{greeting.text}", expected one of "greeting", "person", "times"',
    'nexflow.json:24: tools[0].answer: found "{nobody}", expected one of "greeting", "person", "times"',
  ],
  "bad-effect": [
    'nexflow.json:10: tools[0].effects[0]: found "delete", expected one of "read", "write", "external"',
  ],
  "bad-json": [
    "nexflow.json:1: found Expected double-quoted property name in JSON at position 22 (line 1 column 23), expected JSON",
  ],
  "bad-limit": ["nexflow.json:28: limits.wallMs: found 0, expected at least 1"],
  "bad-name": [
    'nexflow.json:2: name: found "Bad_Name", expected kebab-case that starts with a letter',
  ],
  "bad-runtime": ['nexflow.json:4: runtime: found "python", expected one of "isolate", "wasm"'],
  "bad-tool-name": [
    'nexflow.json:8: tools[0].name: found "greetPerson", expected kebab-case that starts with a letter',
  ],
  "bad-version": ['nexflow.json:3: version: found "1.0", expected a SemVer version, as "1.0.0"'],
  "bad-yaml": ['SKILL.md: found Missing closing "quote at line 2, column 19:, expected YAML'],
  "capability-without-reason": [
    "nexflow.json:28: capabilities.clock.reason: found nothing, expected a value of type string",
  ],
  "deep-nesting": [
    "nexflow.json:1: [0][0][0][0]: found deeper nesting, expected at most 32 levels",
  ],
  "doubled-name": ["nexflow.json:4: version: found the same name twice, expected each name once"],
  "duplicate-tool": [
    'nexflow.json:28: tools[1].name: found "greet", expected a name used only once',
  ],
  "entry-absolute": [
    'nexflow.json:5: entry: found "/etc/hostname", expected a relative path inside the folder, as "dist/skill.wasm"',
  ],
  "entry-folder": [`code: found a folder, expected ${aFileOf(8_388_608)}`],
  "entry-outside": [
    'nexflow.json:5: entry: found "../valid/index.js", expected a relative path inside the folder, as "dist/skill.wasm"',
  ],
  "entry-symlink": [`index.js: found a symbolic link, expected ${aFileOf(8_388_608)}`],
  "example-of-unknown-input": [
    'nexflow.json:27: tools[0].examples[1].input.loud: found "loud", expected one of "person", "times"',
  ],
  "example-without-required": [
    "nexflow.json:27: tools[0].examples[1].input.person: found nothing, expected a value",
  ],
  "input-not-object": ['nexflow.json:11: tools[0].input.type: found "string", expected "object"'],
  "input-without-placeholder": [
    `nexflow.json:27: tools[0].examples[1].input.person: found "{person}", expected "{person}", and the same in the example's text`,
  ],
  "many-faults": [
    "SKILL.md: description: found nothing, expected a value of type string",
    'nexflow.json:3: version: found "one", expected a SemVer version, as "1.0.0"',
    'nexflow.json:4: runtime: found "python", expected one of "isolate", "wasm"',
    'nexflow.json:5: entry: found "", expected at least 1 characters',
    'nexflow.json:5: entry: found "", expected a relative path inside the folder, as "dist/skill.wasm"',
  ],
  "name-mismatch": [
    `nexflow.json: name: found "other-name", expected "name-mismatch", the folder's name`,
  ],
  "nested-front-matter": [
    "SKILL.md: found too many collections, expected the front matter of the Agent Skills standard",
  ],
  "no-description": ["SKILL.md: description: found nothing, expected a value of type string"],
  "no-entry": [`index.js: found nothing, expected ${aFileOf(8_388_608)}`],
  "no-front-matter": [
    'SKILL.md: found no front matter, expected YAML between two lines "---" at the start',
  ],
  "no-manifest": [`nexflow.json: found nothing, expected ${aFileOf(262_144)}`],
  "no-skill-md": [`SKILL.md: found nothing, expected ${aFileOf(65_536)}`],
  "no-tools": ["nexflow.json:1: tools: found [], expected at least 1 entries"],
  "placeholder-alone": [
    'nexflow.json:27: tools[0].examples[1].text: found "{person}", expected some words besides the placeholders',
  ],
  "placeholder-of-number": [
    'nexflow.json:27: tools[0].examples[1].input.times: found type "integer", expected a property of type "string" for a placeholder',
  ],
  "placeholder-twice": [
    'nexflow.json:27: tools[0].examples[1].text: found "{person}" twice, expected each placeholder once',
  ],
  "placeholder-without-input": [
    `nexflow.json:27: tools[0].examples[1].text: found "{word}", expected "word": "{word}" in the example's input`,
  ],
  "proto-key": ['nexflow.json:1: tools[0].__proto__: found "__proto__", expected another name'],
  "skill-md-name-mismatch": [
    `SKILL.md: name: found "another", expected "skill-md-name-mismatch", the folder's name`,
  ],
  "stray-brace": [
    'nexflow.json:27: tools[0].examples[1].text: found "greet {person", expected braces as "{name}" only',
  ],
  "text-input-not-enough": [
    'nexflow.json:23: tools[0].textInput: found "person", expected no other required input, but ["times"]',
  ],
  "text-input-unknown": [
    'nexflow.json:23: tools[0].textInput: found "name", expected an input property of type "string"',
  ],
  "unknown-capability": [
    "nexflow.json:28: capabilities.shell: found an unknown property, expected none but those of docs/skills.md",
  ],
  "unknown-front-matter": [
    "SKILL.md: version: found an unknown property, expected none but those of docs/skills.md",
  ],
  "unknown-limit": [
    "nexflow.json:28: limits.diskMiB: found an unknown property, expected none but those of docs/skills.md",
  ],
  "unknown-property": [
    "nexflow.json:28: permissions: found an unknown property, expected none but those of docs/skills.md",
  ],
  "yaml-aliases": ["SKILL.md: found an alias, expected YAML without aliases"],
};

function aFileOf(maxBytes: number): string {
  return `a regular file of at most ${maxBytes} bytes, not behind a symbolic link`;
}

describe("loadSkill() tells the fault of", () => {
  test.for(Object.entries(FAULTS))("%s", async ([folder, faults], { expect }) => {
    const loading = loadSkill(path.join(FIXTURES, folder));
    await expect(loading).rejects.toThrow(SkillFormatError);
    await expect(loading).rejects.toThrow(
      `Cannot load skill "${path.join(FIXTURES, folder)}": ${faults.join("; ")}`,
    );
  });

  test("a folder that is not there", async ({ expect }) => {
    await expect(loadSkill(path.join(FIXTURES, "nowhere"))).rejects.toThrow("expected a folder");
  });

  test("every fixture has its line here", async ({ expect }) => {
    const folders = await listSkillFolders(FIXTURES);
    const names = folders.map((folder) => path.basename(folder));
    expect([...names, "no-manifest"].toSorted()).toEqual(
      [...Object.keys(FAULTS), "valid"].toSorted(),
    );
  });
});

describe("loadSkill()", () => {
  test("reads a valid folder", async ({ expect }) => {
    const skill = await loadSkill(VALID);
    expect(skill).toMatchObject({
      name: "valid",
      version: "1.0.0",
      description: "Greets people by their name.",
      instructions: "Call `greet`.",
      trust: "community",
      folder: VALID,
      manifest: { capabilities: {}, tools: [{ name: "greet" }] },
    });
    expect(Buffer.from(skill.code).toString()).toContain("export async function run");
  });

  test("trusts only what lies in the catalog as first-party", async ({ expect }) => {
    const folders = await listSkillFolders(CATALOG_DIR);
    expect(folders.map((folder) => path.basename(folder))).toEqual([
      "calculator",
      "clock",
      "text-tools",
    ]);
    const skills = await Promise.all(folders.map(loadSkill));
    expect(skills.map(({ trust }) => trust)).toEqual(skills.map(() => "first-party"));
    const copy = path.join(await makeFolder(), "clock");
    await cp(path.join(CATALOG_DIR, "clock"), copy, { recursive: true });
    expect((await loadSkill(copy)).trust).toBe("community");
  });

  test("gives a digest that follows the package's files and nothing else", async ({ expect }) => {
    const { digest } = await loadSkill(VALID);
    expect(digest).toBe("e2e231faaa2d371c8bbd6ce901fd5b285de4efb9c98801cd332c7bae5f9e97e8");
    const copy = await copyValid();
    await writeFile(path.join(copy, "notes.txt"), "Not part of the package");
    expect((await loadSkill(copy)).digest).toBe(digest);
    await appendFile(path.join(copy, "index.js"), "\n");
    const changed = (await loadSkill(copy)).digest;
    expect(changed).not.toBe(digest);
    await appendFile(path.join(copy, "SKILL.md"), "\n");
    expect([digest, changed]).not.toContain((await loadSkill(copy)).digest);
  });

  test("refuses code behind a linked folder, and too much of it", async ({ expect }) => {
    const linked = await copyValid();
    await mkdir(path.join(linked, "real"));
    await cp(path.join(VALID, "index.js"), path.join(linked, "real/index.js"));
    await symlink("real", path.join(linked, "dist"));
    const manifest = path.join(linked, "nexflow.json");
    const text = JSON.stringify({ ...(await loadSkill(VALID)).manifest, entry: "dist/index.js" });
    await writeFile(manifest, text);
    await expect(loadSkill(linked)).rejects.toThrow("dist/index.js: found a symbolic link");

    const large = await copyValid();
    await writeFile(path.join(large, "index.js"), Buffer.alloc(8_388_609, " "));
    await expect(loadSkill(large)).rejects.toThrow("index.js: found 8388609 bytes");
  });

  test("follows a link to the folder itself", async ({ expect }) => {
    const link = path.join(await makeFolder(), "valid");
    await symlink(VALID, link);
    expect((await loadSkill(link)).folder).toBe(VALID);
  });
});

test("toSkillCode() hands the runtime what it needs", async ({ expect }) => {
  const skill = await loadSkill(VALID);
  const [tool] = skill.manifest.tools;
  expect(toSkillCode(skill)).toEqual({
    name: "valid",
    version: "1.0.0",
    digest: skill.digest,
    trust: "community",
    engine: "isolate",
    code: skill.code,
    tools: [
      {
        name: "greet",
        inputSchema: tool?.input,
        outputSchema: tool?.output,
        effects: tool?.effects,
      },
    ],
    capabilities: {},
  });
});

async function copyValid(): Promise<string> {
  const copy = path.join(await makeFolder(), "valid");
  await cp(VALID, copy, { recursive: true });
  return copy;
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "nexflow-skill-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
