import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseDocument } from "yaml";
import { Fault } from "#domain/shared/fault.ts";
import { parseSettings } from "../settings/parse-settings.ts";
import { modelsFile } from "./model-access.ts";
import { modelSettingsSchema } from "./routing/model-settings.ts";

/**
 * Writes `default: <name>` into `models.yaml`, all else and its comments as they are. Throws
 * `Fault` (`CONFIG_INVALID`), and changes nothing, where the file cannot be used with it.
 */
export async function setDefaultModel(homeDir: string, name: string): Promise<void> {
  const file = modelsFile(homeDir);
  const document = parseDocument(await readText(file));
  if (document.errors.length === 0) document.set("default", name);
  const text = String(document);
  parseSettings(text, { file: path.basename(file), schema: modelSettingsSchema });
  const draft = `${file}.${randomUUID()}`;
  try {
    await mkdir(homeDir, { recursive: true });
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new Fault("CONFIG_INVALID", `Cannot write the settings "${file}"`, { cause: error });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new Fault("CONFIG_INVALID", `Cannot read the settings "${file}"`, { cause: error });
  }
}
