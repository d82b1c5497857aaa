import type { Attack } from "../attack.ts";

export const asksWithoutWaiting: Attack = {
  name: "asks-without-waiting",
  group: "neighbours",
  about: "Makes a hundred host calls without waiting for one answer",
  skill: {
    body: 'return (await Promise.all(Array.from({ length: 100 }, () => host.kv.getText("key")))).length;',
    capabilities: { kv: { reason: "to ask" } },
  },
  expect: ["host-call-concurrency", "host-calls", "host-call-rate"],
};
