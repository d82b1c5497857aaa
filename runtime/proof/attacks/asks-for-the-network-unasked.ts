import type { Attack } from "../attack.ts";

export const asksForTheNetworkUnasked: Attack = {
  name: "asks-for-the-network-unasked",
  group: "network",
  about: "Makes a request that its manifest does not ask for",
  skill: { body: "return (await host.http.fetch(input.url)).text();", capabilities: {} },
  calls: [{ input: { url: "http://api.proof.test:{port}/v1/hello" } }],
  expect: ["denied"],
  verify: ({ visits }) => (visits.length === 0 ? undefined : "the request was made"),
};
