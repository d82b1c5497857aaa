import { EventEmitter, on } from "node:events";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { PolicyError } from "../../../../runtime/policy/policy-error.ts";
import type { SandboxPolicy } from "../../../../runtime/policy/sandbox-policy.ts";
import { watchPolicies } from "../../../../runtime/policy/watch-policies.ts";
import { policyText } from "../../../support/policies.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

describe("watchPolicies()", () => {
  test("tells the policies after a file was written, replaced, added or removed", async ({
    expect,
  }) => {
    await using dir = await openPolicyDir();
    await using watch = openWatch(dir.path);
    // A slow write may be told in two steps: what counts is what is told in the end.
    const expectAfter = async (names: readonly string[], change: () => Promise<void>) => {
      const isIt = (policies: Policies) => names.join() === policies.map(nameOf).join();
      await Promise.all([watch.until(isIt), change()]);
    };
    await expectAfter(["two"], () => writeFile(dir.file, policyText({ name: "two" })));
    const draft = path.join(dir.path, "p.yaml.swp");
    await writeFile(draft, policyText({ name: "three" }));
    await expectAfter(["three"], () => rename(draft, dir.file));
    const more = path.join(dir.path, "more.yaml");
    const added = policyText({ name: "four", priority: 4 });
    await expectAfter(["four", "three"], () => writeFile(more, added));
    await expectAfter(["three"], () => rm(more));
    expect(watch.told).toBeGreaterThanOrEqual(4);
  });

  test("tells the fault of a broken file, and goes on", async ({ expect }) => {
    await using dir = await openPolicyDir();
    await using watch = openWatch(dir.path);
    const [fault] = await Promise.all([
      watch.fault(/wallMs/u),
      writeFile(dir.file, policyText().replace("wallMs: 1000", "wallMs: none")),
    ]);
    expect(fault.message).toContain("p.yaml:7:3: ceiling.wallMs: ");
    await Promise.all([
      watch.until(([policy]) => policy?.metadata.name === "mended"),
      writeFile(dir.file, policyText({ name: "mended" })),
    ]);
  });

  test("tells that a folder cannot be watched", async ({ expect }) => {
    await using dir = await openPolicyDir();
    await using watch = openWatch(path.join(dir.path, "nowhere"));
    expect((await watch.fault(/watch/u)).message).toContain("Cannot watch the policies of");
  });

  test("tells nothing once it is closed", async ({ expect }) => {
    await using dir = await openPolicyDir();
    await using closed = openWatch(dir.path);
    await using open = openWatch(dir.path);
    closed.close();
    await Promise.all([
      open.until(([policy]) => policy?.metadata.name === "two"),
      writeFile(dir.file, policyText({ name: "two" })),
    ]);
    expect(closed.told).toBe(0);
    expect(open.told).toBeGreaterThan(0);
  });
});

async function openPolicyDir() {
  const dir = await openTempDir();
  const file = path.join(dir.path, "p.yaml");
  await writeFile(file, policyText());
  return { ...dir, file };
}

type Policies = readonly SandboxPolicy[];

function nameOf({ metadata }: SandboxPolicy): string {
  return metadata.name;
}

function openWatch(dir: string) {
  const told: (Policies | PolicyError)[] = [];
  const events = new EventEmitter();
  const tell = (value: Policies | PolicyError) => {
    told.push(value);
    events.emit("told", value);
  };
  const { close } = watchPolicies(dir, { onChange: tell, onFault: tell });
  return {
    close,
    get told() {
      return told.length;
    },
    async until(isIt: (policies: Policies) => boolean) {
      for await (const [value] of on(events, "told")) {
        if (!(value instanceof PolicyError) && isIt(value)) return;
      }
    },
    async fault(pattern: RegExp): Promise<PolicyError> {
      for await (const [value] of on(events, "told")) {
        if (value instanceof PolicyError && pattern.test(value.message)) return value;
      }
      throw new Error("The events ended");
    },
    [Symbol.asyncDispose]: async () => close(),
  };
}
