import type { Attack } from "../attack.ts";

export const schemaWithAnEndlessPattern: Attack = {
  name: "schema-with-an-endless-pattern",
  group: "cpu",
  about: "Brings a schema with a pattern that backtracks for ever",
  skill: {
    body: "return 1;",
    inputSchema: { type: "object", properties: { text: { pattern: "^(a+)+$" } } },
    limits: { wallMs: 300 },
  },
  calls: [{ input: { text: `${"a".repeat(40)}!` } }],
  expect: ["wall-time"],
};
