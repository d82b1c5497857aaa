import type { Attack } from "../attack.ts";

export const storesHalfAGigabyte: Attack = {
  name: "stores-half-a-gigabyte",
  group: "output",
  about: "Gives its store a value of 500 MB",
  skill: {
    body: 'await host.kv.set("key", "x".repeat(500_000_000));',
    capabilities: { kv: { reason: "to fill it" } },
  },
  expect: ["memory", "failed"],
};
