import { z } from "zod";

export const kebab = z
  .string()
  .min(2)
  .max(64)
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u, "kebab-case that starts with a letter");

const jsonObject = z.record(z.string(), z.json());

const schemaOfObject = jsonObject.refine((schema) => schema["type"] === "object", {
  error: '"object"',
  path: ["type"],
});

const example = z.strictObject({
  text: z.string().trim().min(2).max(200),
  input: jsonObject,
});

export const toolSchema = z.strictObject({
  name: kebab,
  description: z.string().trim().min(1).max(1024),
  input: schemaOfObject,
  output: jsonObject.optional(),
  examples: z.array(example).max(10).default([]),
  effects: z.array(z.enum(["read", "write", "external"])).min(1),
  textInput: z.string().min(1).optional(),
  answer: z.string().min(1).max(500).optional(),
});

export type ManifestTool = Readonly<z.output<typeof toolSchema>>;
export type ManifestExample = ManifestTool["examples"][number];
