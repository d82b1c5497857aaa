import { test } from "vitest";
import { isModelAlias, isModelName, parseModelName } from "#domain/model/model-name.ts";

test("parseModelName() takes the provider off", ({ expect }) => {
  expect(parseModelName("openai/org/model:1")).toEqual({
    provider: "openai",
    model: "org/model:1",
  });
  expect(parseModelName("custom:my-lab/a/b")).toEqual({ provider: "custom:my-lab", model: "a/b" });
});

test.for([
  "gpt-5",
  "openai/",
  "/x",
  "acme/one",
  "custom/one",
  "custom:/one",
  "custom:My/one",
  "offline/other",
  "openai/a b",
  "openai/a\u0000",
  `openai/${"x".repeat(201)}`,
])("parseModelName() refuses %j", (raw, { expect }) => {
  expect(() => parseModelName(raw)).toThrow(
    /^Cannot use model ".*": expected "<provider>\/<model>"/u,
  );
  expect(isModelName(raw)).toBe(false);
});

test("isModelAlias() tells aliases from models", ({ expect }) => {
  expect(["fast", "gpt-5.1", "a_b"].map(isModelAlias)).toEqual([true, true, true]);
  expect(["", "Fast", "openai/x", "a b", "-a"].some(isModelAlias)).toBe(false);
});
