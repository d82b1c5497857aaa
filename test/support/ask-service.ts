import type { Service, ServiceReply } from "../../runtime/broker/service.ts";
import type { GrantedPolicy } from "../../runtime/policy/effective-policy.ts";
import type { JsonValue } from "../../runtime/protocol.ts";
import { createGrantedPolicy } from "./granted-policy.ts";

export interface AskOptions {
  readonly body?: string | Uint8Array;
  readonly policy?: GrantedPolicy;
  readonly userId?: string;
  readonly signal?: AbortSignal;
}

/** Asks a service as the broker does for a guest. */
export function askService(
  service: Service,
  args: JsonValue,
  { body = "", policy = createGrantedPolicy(), userId = "alice", signal }: AskOptions = {},
): Promise<ServiceReply> {
  return service({
    args,
    body: Buffer.from(body),
    policy,
    skill: { name: "asks", digest: "0".repeat(64) },
    userId,
    signal: signal ?? new AbortController().signal,
  });
}
