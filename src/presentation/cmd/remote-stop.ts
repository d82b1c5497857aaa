import { createRestClient } from "./rest-client.ts";
import type { ShownBrake, StopAccess } from "./stop.ts";

/** What stops the agents of the server at `url`. */
export function createRemoteStop(url: string, token: string): StopAccess {
  const { ask } = createRestClient(url, token);
  return {
    stopAll: (reason) => ask<ShownBrake>("PUT", "/brake", reason === undefined ? {} : { reason }),
    release: () => ask("DELETE", "/brake"),
    stopTurn: (turnId) => ask("POST", `/turns/${encodeURIComponent(turnId)}/cancel`),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
