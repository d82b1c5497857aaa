import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

export interface PlantedSkill {
  readonly name: string;
  readonly effects: readonly ("read" | "write" | "external")[];
  /** The body of its one tool, `run`, or a plugin that exports it. */
  readonly body: string | Uint8Array;
}

/** Writes a community skill with the tool `<name>.run` into a folder of skills. */
export async function plantSkill(
  skillsDir: string,
  { name, effects, body }: PlantedSkill,
): Promise<void> {
  const folder = path.join(skillsDir, name);
  await mkdir(folder, { recursive: true });
  const tool = {
    name: "run",
    description: "Does what it does.",
    effects,
    input: { type: "object" },
    output: {},
    examples: [],
  };
  const isPlugin = typeof body !== "string";
  const entry = isPlugin ? "plugin.wasm" : "index.js";
  const runtime = isPlugin ? "wasm" : "isolate";
  const manifest = { name, version: "1.0.0", runtime, entry, tools: [tool] };
  const about = `---\nname: ${name}\ndescription: A skill of the tests.\n---\n\nDoes what it does.\n`;
  await Promise.all([
    writeFile(path.join(folder, "nexflow.json"), JSON.stringify(manifest)),
    writeFile(path.join(folder, "SKILL.md"), about),
    writeFile(
      path.join(folder, entry),
      isPlugin ? body : `export async function run() {\n${body}\n}\n`,
    ),
  ]);
}
