import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import type { Resolve } from "./resolve-host.ts";

export interface SystemResolveOptions {
  readonly hostsFile?: string | undefined;
  /** Name servers, as in "127.0.0.1:53"; the system's when absent. */
  readonly servers?: readonly string[] | undefined;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Names become addresses by the hosts file, then by DNS. Not by `dns.lookup`: that waits on one of
 * four threads that the whole process shares for its files, and a guest's own name server could
 * keep them all waiting. So there are no search domains and no mDNS.
 */
export function createSystemResolve({
  hostsFile = "/etc/hosts",
  servers,
}: SystemResolveOptions = {}): Resolve {
  return async function systemResolve(host, signal) {
    const known = await readHosts(hostsFile, host);
    if (known.length > 0) return known.map((address) => ({ address }));
    signal.throwIfAborted();
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      // A host may well have addresses of one family only.
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const found = answers.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
      return found.map((address) => ({ address }));
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

/** What the hosts file says of `host`; nothing where there is no such file. */
async function readHosts(file: string, host: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/u, "").trim().split(/\s+/u);
    return names.some((name) => name.toLowerCase() === host) ? [address] : [];
  });
}
