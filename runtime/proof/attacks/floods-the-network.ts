import type { Attack } from "../attack.ts";

const FLOOD =
  "return (await Promise.all(Array.from({ length: 100 }, () => host.http.fetch(input.url)))).length;";

export const floodsTheNetwork: Attack = {
  name: "floods-the-network",
  group: "network",
  about: "Makes a hundred requests at once",
  skill: { body: FLOOD },
  calls: [{ input: { url: "http://api.proof.test:{port}/v1/hello" } }],
  expect: ["host-call-concurrency", "host-call-rate", "host-calls"],
};
