import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { ATTACK_GROUPS } from "../../../../runtime/proof/attack.ts";
import { ATTACKS } from "../../../../runtime/proof/attacks.ts";

const ROOT = path.resolve(import.meta.dirname, "../../../..");
const TESTS = path.join(ROOT, "test/security");
const NAMES = ATTACKS.map(({ name }) => name).toSorted();

/** Tests of what people, operators and agents see; what attacks there is no skill's code. */
const NO_ATTACKS = [
  "reads-another-users-files",
  "session-robbed-by-what-comes-late",
  "session-robbed-by-what-it-reads",
  "writes-to-the-terminal",
];

describe("ATTACKS", () => {
  test("names each attack once", ({ expect }) => {
    expect(NAMES).toEqual([...new Set(NAMES)]);
  });

  test("holds what is in its folder, each under its file's name", async ({ expect }) => {
    const files = await readdir(path.join(ROOT, "runtime/proof/attacks"));
    expect(files.map((file) => path.basename(file, ".ts")).toSorted()).toEqual(NAMES);
  });

  test("has one test in test/security for each attack, and no other", async ({ expect }) => {
    const files = (await readdir(TESTS)).map((file) => path.basename(file, ".test.ts"));
    expect(files.toSorted()).toEqual([...NAMES, ...NO_ATTACKS].toSorted());
    for (const name of NAMES) {
      const text = await readFile(path.join(TESTS, `${name}.test.ts`), "utf8");
      expect(text).toContain(`proveAttack("${name}");`);
    }
  });

  test("has attacks of every group", ({ expect }) => {
    const groups = new Set(ATTACKS.map(({ group }) => group));
    expect([...groups].toSorted()).toEqual([...ATTACK_GROUPS].toSorted());
  });

  test.for(ATTACKS.filter(({ expect: outcomes }) => outcomes.includes("ok")))(
    "$name looks at what an ok call gave",
    ({ verify }, { expect }) => {
      expect(verify).toBeDefined();
    },
  );

  test("tells operators what each attack does in one sentence", ({ expect }) => {
    for (const { about } of ATTACKS) expect(about).toMatch(/^[A-Z][^\n]{10,}[^.]$/u);
  });
});
