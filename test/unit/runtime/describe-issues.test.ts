import { test } from "vitest";
import { z } from "zod";
import { describeIssues } from "../../../runtime/describe-issues.ts";

const schema = z.strictObject({
  kind: z.enum(["a", "b"]),
  count: z.int().min(1).max(9),
  name: z.string().min(3),
  list: z.array(z.string()).min(1),
  size: z.union([z.int(), z.literal("all")]),
  own: z.union([z.int(), z.boolean()], "expected a number, or none"),
  url: z.url(),
  even: z.int().refine((value) => value % 2 === 0, "expected an even number"),
  names: z.record(z.string().regex(/^[a-z]+$/u, "expected lower case"), z.int()),
});

test("describeIssues() says what stands where, and what should", ({ expect }) => {
  const raw = {
    kind: "c",
    count: 0,
    name: "ab",
    list: [],
    size: "x",
    own: "x",
    url: "nowhere",
    even: 3,
    names: { Big: 1 },
    more: true,
  };
  const parsed = schema.safeParse(raw);
  const faults = parsed.success ? [] : describeIssues(parsed.error, raw);
  const lines = faults.map(({ path, found, expected }) => {
    const what = "value" in found ? JSON.stringify(found.value) : "";
    return `${path.join(".")}: ${found.kind} ${what}, ${expected}`;
  });
  expect(lines).toEqual([
    'kind: value "c", one of "a", "b"',
    "count: value 0, at least 1",
    'name: value "ab", at least 3 characters',
    "list: value [], at least 1 entries",
    'size: value "x", a value of type number or one of "all"',
    'own: value "x", a number, or none',
    'url: value "nowhere", a valid URL',
    "even: value 3, an even number",
    'names.Big: name "Big", lower case',
    "more: unknown-property , ",
  ]);
});

test("describeIssues() finds the whole document where that is wrong", ({ expect }) => {
  const parsed = schema.safeParse([1]);
  const faults = parsed.success ? [] : describeIssues(parsed.error, [1]);
  const found = { kind: "value", value: [1] };
  expect(faults).toEqual([{ path: [], found, expected: "a value of type object" }]);
});
