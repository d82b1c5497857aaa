import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const LOOK = `
  const seen = [await host.kv.list(""), (await host.kv.getText("secret")) ?? null];
  for (const key of ["../alice/secret", "alice/secret", "alice:secret", "%2e%2e/alice/secret", "__proto__", "constructor"]) {
    try { seen.push((await host.kv.getText(key)) ?? null); } catch { seen.push(null); }
  }
  await host.kv.set("secret", "of " + input.user);
  return seen;`;

export const readsAnotherUsersValues: Attack = {
  name: "reads-another-users-values",
  group: "state-leak",
  about: "Stores a value for one user and looks for it as another one",
  skill: { body: LOOK, capabilities: { kv: { reason: "to look" } } },
  calls: ["alice", "mallory", "bob"].map((user) => ({ userId: user, input: { user } })),
  expect: ["ok"],
  verify: gives([[], null, null, null, null, null, null, null]),
};
