import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import {
  checkPromptSkillFolder,
  formatFault,
  listPromptSkillFolders,
  listResources,
  loadPromptSkill,
  readResource,
} from "../../../skills-registry/index.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { medianOf } from "../../support/timings.ts";

const PLAIN = "---\nname: letters\ndescription: Writes letters.\n---\n\nWrite politely.\n";

async function openSkill(text: string | undefined, name = "letters") {
  const dir = await openTempDir();
  const folder = path.join(dir.path, name);
  await mkdir(folder);
  if (text !== undefined) await writeFile(path.join(folder, "SKILL.md"), text);
  return { folder, root: dir.path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

describe("loadPromptSkill()", () => {
  test("takes a skill as the standard has it, without a warning", async ({ expect }) => {
    await using skill = await openSkill(
      PLAIN.replace(
        "---\n\n",
        'license: MIT\ncompatibility: Needs nothing\nmetadata: { author: Ada }\nallowed-tools: "Bash(git:*) Read"\n---\n\n',
      ),
    );
    const loaded = await loadPromptSkill(skill.folder);
    expect(loaded).toMatchObject({
      kind: "ok",
      value: {
        name: "letters",
        description: "Writes letters.",
        instructions: "Write politely.",
        warnings: [],
        digest: expect.stringMatching(/^[0-9a-f]{64}$/u),
      },
    });
    expect(await checkPromptSkillFolder(skill.folder)).toEqual([]);
  });

  test.for([
    [
      "another name than its folder's",
      PLAIN,
      "briefe",
      "letters",
      'the name "letters" is not that of its folder, "briefe"',
    ],
    [
      "no name",
      PLAIN.replace("name: letters\n", ""),
      "letters",
      "letters",
      'the name nothing is taken as "letters"',
    ],
    [
      "a name that is no name",
      PLAIN.replace(": letters", ": Write Letters!"),
      "letters",
      "Write-Letters",
      'the name "Write Letters!" is taken as "Write-Letters"',
    ],
    [
      "a field of its own",
      PLAIN.replace("name:", "version: 1\nname:"),
      "letters",
      "letters",
      'unknown fields: ["version"]',
    ],
    [
      "a colon in its description",
      PLAIN.replace("Writes letters.", "Letters: how to write: them"),
      "letters",
      "letters",
      "the front matter is YAML only after quotes were put around its values",
    ],
    [
      "a long description",
      PLAIN.replace("Writes letters.", "x".repeat(1_068)),
      "letters",
      "letters",
      "the description has 1068 characters and is cut to 1024",
    ],
  ] as const)(
    "takes one with %s, and warns",
    async ([, text, folder, name, warning], { expect }) => {
      await using skill = await openSkill(text, folder);
      const loaded = await loadPromptSkill(skill.folder);
      expect(loaded).toMatchObject({ kind: "ok", value: { name } });
      expect(loaded.kind === "ok" && loaded.value.warnings).toContain(warning);
      expect(loaded.kind === "ok" && loaded.value.description.length).toBeLessThanOrEqual(1_024);
      expect((await checkPromptSkillFolder(skill.folder)).length).toBeGreaterThan(0);
    },
  );

  test.for([
    ["no SKILL.md", undefined, "found nothing"],
    ["no front matter", "Write politely.", "found no front matter"],
    [
      "no description",
      PLAIN.replace("description: Writes letters.\n", ""),
      "description: found nothing",
    ],
    ["an empty description", PLAIN.replace("Writes letters.", '" "'), 'description: found " "'],
    [
      "a description that is a list",
      PLAIN.replace("Writes letters.", "[a]"),
      'description: found ["a"]',
    ],
    ["front matter that is a list", "---\n- a\n---\n", 'found ["a"]'],
    [
      "collections without end",
      `---\nname: ${"{? ".repeat(2_000)}\n---\n`,
      "found too many collections",
    ],
    [
      "collections without end, mended",
      `---\nname: a: b\nx: ${"- ".repeat(2_000)}\n---\n`,
      "found too many collections",
    ],
    [
      "aliases that stand for gigabytes",
      `---\nname: &a [x, x]\ndescription: [*a, *a]\n---\n`,
      "found an alias",
    ],
    [
      "40 KB of front matter",
      `---\ndescription: ${"x".repeat(40_000)}\n---\n`,
      "of YAML, expected at most 32768",
    ],
    [
      "70 KB of text",
      PLAIN + "x".repeat(70_000),
      "bytes, expected a regular file of at most 65536 bytes",
    ],
  ] as const)("refuses one with %s, at once", async ([, text, found], { expect }) => {
    await using skill = await openSkill(text);
    const tookMs = await medianOf(3, async () => {
      const startMs = performance.now();
      await loadPromptSkill(skill.folder);
      return performance.now() - startMs;
    });
    expect(tookMs).toBeLessThan(1_000);
    const loaded = await loadPromptSkill(skill.folder);
    expect(loaded.kind).toBe("faulty");
    expect(loaded.kind === "faulty" && loaded.faults.map(formatFault).join()).toContain(found);
  });

  test("refuses a SKILL.md behind a symbolic link", async ({ expect }) => {
    await using skill = await openSkill(undefined);
    await writeFile(path.join(skill.root, "elsewhere.md"), PLAIN);
    await symlink("../elsewhere.md", path.join(skill.folder, "SKILL.md"));
    expect(await loadPromptSkill(skill.folder)).toMatchObject({
      kind: "faulty",
      faults: [{ found: "a symbolic link" }],
    });
  });
});

test("checkPromptSkillFolder() tells everything at once", async ({ expect }) => {
  const text =
    '---\nname: Write--Letters\ndescription: ""\nversion: 1\nmetadata: { year: 2026 }\n---\n';
  await using skill = await openSkill(text);
  await symlink("/etc/hostname", path.join(skill.folder, "notes.md"));
  expect((await checkPromptSkillFolder(skill.folder)).map(formatFault)).toEqual([
    'SKILL.md: name: found "Write--Letters", expected lower case letters, digits and single hyphens, at most 64',
    'SKILL.md: description: found "", expected what the skill does and when to use it',
    "SKILL.md: metadata.year: found 2026, expected a value of type string",
    "SKILL.md: version: found an unknown property, expected none but those of docs/skills.md",
    'SKILL.md: name: found "Write--Letters", expected "letters", the folder\'s name',
    "SKILL.md: found no text, expected instructions",
    "notes.md: found a symbolic link, expected a regular file",
  ]);
});

describe("resources", () => {
  test("are the files beside SKILL.md, and nothing behind links", async ({ expect }) => {
    await using skill = await openSkill(PLAIN);
    await mkdir(path.join(skill.folder, "references", ".git"), { recursive: true });
    await mkdir(path.join(skill.folder, "node_modules"));
    for (const file of ["references/guide.md", "references/.git/x", "node_modules/x", "run.sh"]) {
      await writeFile(path.join(skill.folder, file), file);
    }
    await symlink("/etc", path.join(skill.folder, "etc"));
    await symlink("/etc/hostname", path.join(skill.folder, "host"));
    expect(await listResources(skill)).toEqual({
      files: ["run.sh", "references/guide.md"],
      isAll: true,
    });
  });

  test("are listed up to a hundred", async ({ expect }) => {
    await using skill = await openSkill(PLAIN);
    const write = (at: number) => writeFile(path.join(skill.folder, `${at}.md`), "");
    await Promise.all(Array.from({ length: 150 }, (_, at) => write(at)));
    const { files, isAll } = await listResources(skill);
    expect(files).toHaveLength(100);
    expect(isAll).toBe(false);
    expect((await checkPromptSkillFolder(skill.folder)).map(formatFault)).toEqual([
      ".: found more than 100 files, expected at most 100",
    ]);
  });

  test("of many levels are looked for in five", async ({ expect }) => {
    await using skill = await openSkill(PLAIN);
    const deep = Array.from({ length: 30 }, () => "d").join("/");
    await mkdir(path.join(skill.folder, deep), { recursive: true });
    await writeFile(path.join(skill.folder, deep, "far.md"), "");
    expect(await listResources(skill)).toEqual({ files: [], isAll: true });
  });

  test("are read as text", async ({ expect }) => {
    await using skill = await openSkill(PLAIN);
    await mkdir(path.join(skill.folder, "references"));
    await writeFile(path.join(skill.folder, "references/größe.md"), "Größe");
    expect(await readResource(skill, "references/größe.md")).toMatchObject({
      kind: "ok",
      value: { text: "Größe" },
    });
  });

  test.for([
    "../elsewhere.md",
    "references/../../elsewhere.md",
    "/etc/hostname",
    "..",
    ".",
    "",
    "./SKILL.md",
    "references//guide.md",
    "..\\elsewhere.md",
    "a\u0000b",
    "x/".repeat(300),
    "link.md",
    "folder/elsewhere.md",
    "pictures/cat.png",
    "large.txt",
    "absent.md",
    "references",
  ])("are not read at %j", async (file, { expect }) => {
    await using skill = await openSkill(PLAIN);
    await writeFile(path.join(skill.root, "elsewhere.md"), "secret");
    await mkdir(path.join(skill.folder, "references"));
    await mkdir(path.join(skill.folder, "pictures"));
    await symlink("../elsewhere.md", path.join(skill.folder, "link.md"));
    await symlink("..", path.join(skill.folder, "folder"));
    await writeFile(path.join(skill.folder, "pictures/cat.png"), new Uint8Array([137, 80, 0, 255]));
    await writeFile(path.join(skill.folder, "large.txt"), "x".repeat(262_145));
    const read = await readResource(skill, file);
    expect(read.kind).toBe("faulty");
    expect(JSON.stringify(read)).not.toContain("secret");
  });
});

test("listPromptSkillFolders() leaves out code skills, links and hidden folders", async ({
  expect,
}) => {
  await using skill = await openSkill(PLAIN);
  const { root } = skill;
  for (const name of ["code", "empty", ".hidden"]) await mkdir(path.join(root, name));
  await writeFile(path.join(root, "code", "SKILL.md"), PLAIN);
  await writeFile(path.join(root, "code", "nexflow.json"), "{}");
  await writeFile(path.join(root, ".hidden", "SKILL.md"), PLAIN);
  await symlink("letters", path.join(root, "link"));
  expect(await listPromptSkillFolders(root, 10)).toEqual({ folders: [skill.folder], isAll: true });
  expect(await listPromptSkillFolders(root, 2)).toEqual({ folders: [], isAll: false });
});
