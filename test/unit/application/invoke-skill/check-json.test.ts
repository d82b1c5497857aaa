import { describe, test } from "vitest";
import { checkJson } from "#application/invoke-skill/check-json.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { cpuMsOf, quickestMs } from "../../../support/timings.ts";

const PERSON: JsonValue = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 3 },
    age: { type: "integer", minimum: 0 },
    pets: { type: "array", items: { enum: ["cat", "dog"] }, maxItems: 2 },
  },
  required: ["name"],
  additionalProperties: false,
};

describe("checkJson()", () => {
  test.for<[JsonValue, string, string]>([
    [{ name: "ada", age: 1, pets: ["cat"] }, "", ""],
    [{}, "/name", "a value"],
    [{ name: "" }, "/name", "at least 1 characters"],
    [{ name: "äöüß" }, "/name", "at most 3 characters"],
    [{ name: "ada", age: 1.5 }, "/age", "integer"],
    [{ name: "ada", age: -1 }, "/age", "at least 0"],
    [{ name: "ada", pets: ["cat", "cow"] }, "/pets/1", 'one of "cat", "dog"'],
    [{ name: "ada", pets: ["cat", "cat", "cat"] }, "/pets", "at most 2 items"],
    [{ name: "ada", "a/b~": 1 }, "/a~1b~0", 'no such member; there are "name", "age", "pets"'],
    [[], "", "object"],
  ])("%j: at %j expected %s", ([value, path, expected], { expect }) => {
    const [fault] = checkJson(PERSON, value);
    expect(fault === undefined ? ["", ""] : [fault.path, fault.expected]).toEqual([path, expected]);
  });

  test("a member called __proto__ or constructor is one like any other", ({ expect }) => {
    const value = JSON.parse('{"name": "ada", "__proto__": 1}') as JsonValue;
    expect(checkJson(PERSON, value)).toMatchObject([{ path: "/__proto__" }]);
    expect(checkJson({ properties: {} }, JSON.parse('{"constructor": 1}'))).toEqual([]);
  });

  test("what a schema says beyond the plain keywords is left to others", ({ expect }) => {
    const schema = {
      $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] } },
      $ref: "#/$defs/a",
      pattern: "^(a+)+$",
      patternProperties: { "^x": true },
      additionalProperties: false,
      prefixItems: [{ type: "string" }],
      items: { type: "number" },
    };
    expect(checkJson(schema, `${"a".repeat(40)}!`)).toEqual([]);
    expect(checkJson(schema, { y: 1 })).toEqual([]);
    expect(checkJson(schema, ["a", 1])).toEqual([]);
  });

  test("a schema that is none checks nothing", ({ expect }) => {
    for (const schema of [null, true, 7, "x", [], { type: "nonsense" }, { enum: 3 }]) {
      expect(checkJson(schema, { a: 1 })).toEqual([]);
    }
    expect(checkJson(false, 1)).toMatchObject([{ expected: "nothing" }]);
  });

  test("says a bounded number of things, each of bounded length", ({ expect }) => {
    const many = Array.from({ length: 1_000 }, () => "x".repeat(10_000));
    const faults = checkJson({ items: { type: "number" } }, many);
    expect(faults).toHaveLength(20);
    expect(faults[0]?.found.length).toBeLessThan(100);
  });

  test("compares with 5,000 members for 87,000 items in no more than a step each", async ({
    expect,
  }) => {
    const members = Array.from({ length: 5_000 }, (_, at) => ({ at, a: "x" }));
    const items = Array.from({ length: 87_000 }, () => ({ a: "x", at: 4_999 }));
    const plain = Array.from({ length: 5_000 }, (_, at) => `m${at}`);
    const others = items.map(() => ({ a: "", at: 0 }));
    const long = { items: { required: Array.from({ length: 5_000 }, () => "a") } };
    const types = { items: { type: Array.from({ length: 5_000 }, () => "object") } };
    const many = await cpuMsOf(() => {
      expect(checkJson({ items: { enum: members } }, items)).toEqual([]);
      expect(checkJson({ items: { enum: plain } }, others)).toHaveLength(20);
      expect(checkJson(long, others)).toEqual([
        { path: "", expected: "what is checked within 2000000 steps", found: "more" },
      ]);
      expect(checkJson(types, others)).toHaveLength(1);
    });
    const one = await quickestMs(() => checkJson({ items: { enum: [members.at(-1)] } }, items));
    // Member by member it would be thousands of times as much.
    expect(many / one).toBeLessThan(25);
  });

  test("compares whatever the order of members", ({ expect }) => {
    expect(checkJson({ const: { a: 1, b: [2] } }, { b: [2], a: 1 })).toEqual([]);
    expect(checkJson({ const: { a: 1 } }, { a: 2 })).toMatchObject([{ expected: '{"a":1}' }]);
    expect(checkJson({ enum: [null, "1", 2] }, 1)).toHaveLength(1);
    expect(checkJson({ enum: [null, "1", 2] }, null)).toEqual([]);
  });

  test("takes no longer than grows with schema and value", ({ expect }) => {
    let schema: JsonValue = { type: "number" };
    let value: JsonValue = 1;
    for (let depth = 0; depth < 5_000; depth++) {
      schema = { items: schema };
      value = [value];
    }
    expect(checkJson(schema, value)).toEqual([]);
  });
});
