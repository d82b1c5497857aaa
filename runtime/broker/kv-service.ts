import { z } from "zod";
import type { HostFunction } from "../protocol.ts";
import type { Kv, KvSpace } from "./kv.ts";
import { parseArgs } from "./parse-args.ts";
import type { Service, ServiceOutcome, ServiceRequest } from "./service.ts";

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 65_536;
const MAX_LISTED = 1_000;
const DEFAULT_LISTED = 100;

const text = z
  .string()
  // Half a pair would be stored as another character: two keys would become one.
  .refine((value) => value.isWellFormed(), "expected whole characters")
  .refine((value) => !/\p{Cc}/u.test(value), "expected no control characters")
  .refine(
    (value) => Buffer.byteLength(value) <= MAX_KEY_BYTES,
    `expected at most ${MAX_KEY_BYTES} bytes`,
  );
const keyArgs = z.strictObject({ key: text.min(1) });
const listArgs = z.strictObject({
  prefix: text.default(""),
  limit: z.int().min(1).max(MAX_LISTED).default(DEFAULT_LISTED),
});

type KvFunction = Extract<HostFunction, `kv-${string}`>;

/**
 * The values a skill keeps for its user. `kv-get {key}` answers `{found}` and the value as body,
 * `kv-set {key}` stores its body, `kv-delete {key}` answers `{found}`, `kv-list {prefix?, limit?}`
 * answers `{keys}`.
 */
export function createKvServices(kv: Kv): Readonly<Record<KvFunction, Service>> {
  return {
    "kv-get": toService(keyArgs, async ({ key }, { space }) => {
      const value = await kv.get(space, key);
      return { kind: "ok", value: { found: value !== undefined }, body: value };
    }),
    "kv-set": toService(keyArgs, ({ key }, call) => set(kv, key, call)),
    "kv-delete": toService(keyArgs, async ({ key }, { space }) => {
      return { kind: "ok", value: { found: await kv.delete(space, key) } };
    }),
    "kv-list": toService(listArgs, async ({ prefix, limit }, { space }) => {
      return { kind: "ok", value: { keys: await kv.list(space, prefix, limit) } };
    }),
  };
}

interface KvCall {
  readonly space: KvSpace;
  readonly request: ServiceRequest;
}

async function set(kv: Kv, key: string, { space, request }: KvCall): Promise<ServiceOutcome> {
  const value = request.body;
  if (value.length > MAX_VALUE_BYTES) {
    const expected = `expected at most ${MAX_VALUE_BYTES}`;
    return { kind: "error", message: `Cannot store ${value.length} bytes: ${expected}` };
  }
  const { maxBytes, maxKeys } = request.policy.grants.kv;
  const result = await kv.set(space, { key, value }, { maxBytes, maxKeys });
  if (result.kind === "stored") return { kind: "ok", value: {} };
  const { bytes, keys } = result;
  const expected = `expected at most ${maxBytes} bytes and ${maxKeys} keys`;
  return {
    kind: "error",
    message: `Cannot store the value: the store would hold ${bytes} bytes in ${keys} keys, ${expected}`,
  };
}

/** A service that parses its arguments; what goes wrong in the store is not told to the guest. */
function toService<T>(
  schema: z.ZodType<T>,
  answer: (args: T, call: KvCall) => Promise<ServiceOutcome>,
): Service {
  return async function serveKv(request) {
    const { skill, userId, policy } = request;
    const ruling = policy.grants.kv;
    const args = parseArgs(schema, request.args);
    if (args.kind === "invalid") {
      return { ruling, outcome: { kind: "error", message: args.message } };
    }
    try {
      const space = { skill: skill.name, userId };
      return { ruling, outcome: await answer(args.value, { space, request }) };
    } catch {
      return { ruling, outcome: { kind: "error", message: "The store could not answer" } };
    }
  };
}
