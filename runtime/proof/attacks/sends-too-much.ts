import type { Attack } from "../attack.ts";

export const sendsTooMuch: Attack = {
  name: "sends-too-much",
  group: "network",
  about: "Sends a body that is larger than the policy lets it",
  skill: {
    body: 'const { status } = await host.http.fetch(input.url, { method: "POST", body: "x".repeat(1_000_000) }); return status;',
  },
  calls: [{ input: { url: "http://api.proof.test:{port}/v1/hello" } }],
  expect: ["failed", "denied"],
  verify: ({ visits }) => (visits.length === 0 ? undefined : "the request was made"),
};
