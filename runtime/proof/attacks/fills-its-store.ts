import type { Attack } from "../attack.ts";

const FILL = `
  let stored = 0;
  try {
    for (; stored < 150; stored += 1) await host.kv.set("key" + stored, "x".repeat(16_000));
  } finally {
    for (const key of await host.kv.list("key")) await host.kv.delete(key);
  }
  return stored;`;

export const fillsItsStore: Attack = {
  name: "fills-its-store",
  group: "memory",
  about: "Stores values without end under ever new keys",
  skill: { body: FILL, capabilities: { kv: { reason: "to fill it" } } },
  expect: ["failed", "host-calls", "host-call-rate"],
};
