import { describeIdempotencyKeys } from "../../contract/idempotency-keys.ts";
import { describeUsers } from "../../contract/users.ts";
import { openMemoryIdempotencyKeys } from "../../support/fakes/memory-idempotency-keys.ts";
import { openMemoryUsers } from "../../support/fakes/memory-users.ts";

const nothing = { [Symbol.asyncDispose]: async () => undefined };

describeUsers("in memory", async () => ({ ...openMemoryUsers(), ...nothing }));

describeIdempotencyKeys("in memory", async () => {
  let nowMs = 1_000;
  const keys = openMemoryIdempotencyKeys(() => nowMs);
  return { keys, pass: (ms) => void (nowMs += ms), ...nothing };
});
