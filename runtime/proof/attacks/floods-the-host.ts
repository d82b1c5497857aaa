import type { Attack } from "../attack.ts";

export const floodsTheHost: Attack = {
  name: "floods-the-host",
  group: "neighbours",
  about: "Floods the host with calls as fast as it can, in four calls at once",
  skill: { body: 'for (;;) host.log("");' },
  calls: Array.from({ length: 4 }, () => ({})),
  isStorm: true,
  expect: ["host-calls", "host-call-rate", "concurrency", "queue-time", "overloaded"],
};
