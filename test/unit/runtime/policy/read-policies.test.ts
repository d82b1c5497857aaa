import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { PolicyError } from "../../../../runtime/policy/policy-error.ts";
import { readPolicies } from "../../../../runtime/policy/read-policies.ts";
import { type PolicyParts, policyText } from "../../../support/policies.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

describe("readPolicies()", () => {
  test("puts the highest priority first, then the first name", async ({ expect }) => {
    await using dir = await openPolicyDir({
      "a.yaml": { name: "low", priority: 1 },
      "b.yaml": { name: "zebra", priority: 9 },
      "c.yaml": { name: "ant", priority: 9 },
    });
    const policies = await readPolicies(dir.path);
    expect(policies.map(({ metadata }) => metadata.name)).toEqual(["ant", "zebra", "low"]);
  });

  test("reads one file, and leaves hidden and other files of a folder out", async ({ expect }) => {
    await using dir = await openPolicyDir({ "p.yaml": { name: "p" } });
    await writeFile(path.join(dir.path, ".p.yaml.draft.yaml"), "not: [a policy");
    await writeFile(path.join(dir.path, "notes.txt"), "not: [a policy");
    expect(await readPolicies(dir.path)).toHaveLength(1);
    expect(await readPolicies(path.join(dir.path, "p.yaml"))).toMatchObject([{ file: "p.yaml" }]);
  });

  test("tells the faults of all files at once", async ({ expect }) => {
    await using dir = await openPolicyDir({ "good.yaml": { name: "good" } });
    const broken = policyText().replace("cpuMs: 1000", "cpuMs: -1");
    await writeFile(path.join(dir.path, "one.yaml"), broken);
    await writeFile(path.join(dir.path, "two.yaml"), broken.replace("mode: enforce", "mode: on"));
    const reading = readPolicies(dir.path);
    await expect(reading).rejects.toThrow(PolicyError);
    await expect(reading).rejects.toMatchObject({
      message: expect.stringContaining(`Cannot use 2 policies of "${dir.path}": one.yaml:8:3: `),
      faults: [
        { file: "one.yaml", path: "ceiling.cpuMs" },
        { file: "two.yaml", path: "mode" },
        { file: "two.yaml", path: "ceiling.cpuMs" },
      ],
    });
  });

  test("refuses two policies of one name", async ({ expect }) => {
    await using dir = await openPolicyDir({ "a.yaml": { name: "p" }, "b.yaml": { name: "p" } });
    await expect(readPolicies(dir.path)).rejects.toThrow(
      'Cannot use policy "b.yaml": metadata.name: "p" is taken by "a.yaml"',
    );
  });

  test("refuses a folder without a policy, and a file that cannot be read", async ({ expect }) => {
    await using dir = await openTempDir();
    await expect(readPolicies(dir.path)).rejects.toThrow("expected at least one .yaml file");
    await mkdir(path.join(dir.path, "folder.yaml"));
    const reading = readPolicies(dir.path);
    await expect(reading).rejects.toThrow(PolicyError);
    await expect(reading).rejects.toThrow("Cannot read policy");
  });
});

async function openPolicyDir(files: Readonly<Record<string, PolicyParts>>) {
  const dir = await openTempDir();
  await Promise.all(
    Object.entries(files).map(([file, parts]) =>
      writeFile(path.join(dir.path, file), policyText(parts)),
    ),
  );
  return dir;
}
