import type { Services } from "./call-broker.ts";
import { serveConfig } from "./config-service.ts";
import type { HttpServiceOptions } from "./http/http-service.ts";
import type { Resolve } from "./http/resolve-host.ts";
import type { Kv } from "./kv.ts";
import { createKvServices } from "./kv-service.ts";
import { serveSchedule } from "./schedule-service.ts";
import type { LeakScanner } from "./secrets/leak-scanner.ts";
import type { SecretValues } from "./secrets/secret-values.ts";
import type { Service } from "./service.ts";

export interface ServicesOptions {
  readonly kv: Kv;
  readonly secrets: SecretValues;
  /** Made of the same secrets; logs are to be looked through with it too. */
  readonly leakScanner: LeakScanner;
  readonly resolve?: Resolve | undefined;
}

/** All that guests may ask of the broker. The sandbox process answers log, clock and random. */
export function createServices({ kv, secrets, leakScanner, resolve }: ServicesOptions): Services {
  return {
    http: createLateHttpService({ secrets, leakScanner, resolve }),
    ...createKvServices(kv),
    config: serveConfig,
    schedule: serveSchedule,
  };
}

/** The HTTP client is the largest thing here: loaded with the first request of a skill. */
function createLateHttpService(options: HttpServiceOptions): Service {
  let loading: Promise<Service> | undefined;
  return async (request) => {
    loading ??= import("./http/http-service.ts").then(({ createHttpService }) =>
      createHttpService(options),
    );
    return (await loading)(request);
  };
}
