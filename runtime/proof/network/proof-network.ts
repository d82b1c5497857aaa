import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { z } from "zod";
import type { Capabilities } from "../../policy/capabilities.ts";
import type { policySchema } from "../../policy/policy-schema.ts";
import type { JsonValue } from "../../protocol.ts";
import type { RuntimeOptions } from "../../runtime.ts";
import { openProofServers, type Visit } from "./proof-servers.ts";
import { createResolver } from "./resolve-proof-host.ts";

/** What attacks on the network need: servers, names, a secret, and a policy that grants little. */
export interface ProofNetwork extends AsyncDisposable {
  /** For the runtime that the attacks are run in. */
  readonly options: Pick<RuntimeOptions, "policyDir" | "secrets" | "resolveHost">;
  readonly capabilities: Capabilities;
  /** No guest may ever see it. */
  readonly secret: string;
  readonly visits: readonly Visit[];
  readonly clear: () => void;
  /** `input` with the real ports for `{port}` and `{other}`. */
  readonly fill: (input: JsonValue) => JsonValue;
}

const SECRET_NAME = "PROOF_TOKEN";
const REASON = "to prove that it gets no further";

export async function openProofNetwork(): Promise<ProofNetwork> {
  const secret = `proof-${randomUUID()}`;
  const servers = await openProofServers(secret);
  const { port, otherPort } = servers;
  const resolver = createResolver();
  const policyDir = await mkdtemp(path.join(tmpdir(), "nexflow-proof-"));
  await writeFile(path.join(policyDir, "proof.yaml"), JSON.stringify(toPolicy(port), undefined, 2));
  const { resolveHost } = resolver;
  return {
    options: { policyDir, secrets: { [SECRET_NAME]: secret }, resolveHost },
    capabilities: toCapabilities(port),
    secret,
    visits: servers.visits,
    clear: () => {
      servers.clear();
      resolver.clear();
    },
    fill: (input) =>
      JSON.parse(
        JSON.stringify(input).replaceAll("{port}", `${port}`).replaceAll("{other}", `${otherPort}`),
      ),
    [Symbol.asyncDispose]: async () => {
      await servers[Symbol.asyncDispose]();
      await rm(policyDir, { recursive: true, force: true });
    },
  };
}

/** Any name is granted as long as its address is; of addresses one loopback address is. */
function toTargets(port: number): HttpTarget[] {
  const target = { schemes: ["http" as const], ports: [port] };
  const anywhere: Omit<HttpTarget, "host"> = { ...target, methods: ["GET"], paths: ["/"] };
  return [
    { host: "api.proof.test", ...target, methods: ["GET", "POST"], paths: ["/v1"] },
    ...["*.names.proof.test", "localhost", "127.0.0.2", "0.0.0.0", "169.254.169.254"].map(
      (host) => ({ host, ...anywhere }),
    ),
  ];
}

type HttpTarget = Omit<NonNullable<Capabilities["http"]>[number], "reason">;

function toCapabilities(port: number): Capabilities {
  return {
    http: toTargets(port).map((target) => ({ ...target, reason: REASON })),
    secrets: [{ name: SECRET_NAME, audience: "https://api.proof.test", reason: REASON }],
  };
}

function toPolicy(port: number): z.input<typeof policySchema> {
  const limits = { maxRequestKiB: 64, maxResponseKiB: 64, timeoutMs: 1_000 };
  return {
    apiVersion: "nexflow.dev/sandbox/v1",
    kind: "SandboxPolicy",
    metadata: { name: "proof", priority: 0 },
    match: { trust: ["community"], skills: ["*"] },
    mode: "enforce",
    ceiling: {
      wallMs: 5_000,
      cpuMs: 5_000,
      memoryMiB: 64,
      outputKiB: 256,
      logKiB: 64,
      hostCalls: { total: 200, perSecond: 200, atOnce: 8 },
      concurrency: { perSkill: 8, perUser: 64 },
      queueMs: 10_000,
    },
    grants: {
      log: true,
      http: {
        allow: toTargets(port).map((target) => ({ ...target, ...limits })),
        privateAddresses: ["127.0.0.1"],
        maxRedirects: 3,
      },
      secrets: [
        {
          name: SECRET_NAME,
          audience: "https://api.proof.test",
          header: "authorization",
          prefix: "Bearer ",
        },
      ],
    },
    record: "full",
  };
}
