import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { z } from "zod";
import { openSettings, readSettings } from "#infrastructure/settings/settings-file.ts";
import { createMemoryLog } from "../../../support/memory-log.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

const schema = z.strictObject({ default: z.string().default("none") });

describe("openSettings()", () => {
  test("follows its file: written, replaced, removed", async ({ expect }) => {
    await using dir = await openTempDir();
    const { settings, until, file } = await open(dir.path);
    expect(settings.current).toEqual({ default: "none" });
    await writeFile(file, "default: one");
    await until("one");
    await writeFile(`${file}.swp`, "default: two");
    await rename(`${file}.swp`, file);
    await until("two");
    await rm(file);
    await until("none");
    settings.close();
  });

  test("keeps the last good ones where the file cannot be used, and says why", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const { settings, until, file, lines } = await open(dir.path);
    await writeFile(file, "default: one");
    await until("one");
    await writeFile(file, "default: one\nnonsense: true");
    await expect.poll(() => lines.filter(({ level }) => level === "error").length).toBe(1);
    expect(settings.current).toEqual({ default: "one" });
    expect(lines.at(-1)?.fields["failure"]).toMatchObject({
      code: "CONFIG_INVALID",
      message: "Cannot use the settings: models.yaml:2:1: nonsense: unknown property",
    });
    await writeFile(file, "default: mended");
    await until("mended");
    settings.close();
  });

  test("refuses to begin with what cannot be used", async ({ expect }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "models.yaml");
    await writeFile(file, "default: 5");
    await expect(readSettings({ path: file, schema })).rejects.toThrow("models.yaml:1:1: default");
    await expect(readSettings({ path: dir.path, schema })).rejects.toThrow("EISDIR");
  });
});

async function open(dir: string) {
  const file = path.join(dir, "models.yaml");
  const { log, lines } = createMemoryLog();
  const told: string[] = [];
  const settings = await openSettings({
    path: file,
    schema,
    log,
    everyMs: 10,
    onChange: (each) => told.push(each.default),
  });
  const until = async (name: string) => {
    while (told.at(-1) !== name) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { settings, file, lines, until };
}
