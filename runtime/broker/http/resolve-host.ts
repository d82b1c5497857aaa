import { isIP } from "node:net";
import { type AddressCheck, toCanonicalAddress } from "./address-check.ts";
import { HttpRefusal, refuse } from "./http-refusal.ts";

/** All addresses of a host. May reject, and may go on when `signal` is aborted: no one waits. */
export type Resolve = (
  host: string,
  signal: AbortSignal,
) => Promise<readonly { readonly address: string }[]>;

export interface ResolveHostOptions {
  readonly resolve: Resolve;
  readonly isAllowed: AddressCheck;
  readonly signal: AbortSignal;
}

/**
 * The addresses that may be dialled for `host`, a name or an address as in a URL. One that may not
 * refuses them all: who mixes them wants to be dialled until the bad one has its turn.
 */
export async function resolveHost(
  host: string,
  { resolve, isAllowed, signal }: ResolveHostOptions,
): Promise<readonly string[]> {
  const literal = host.startsWith("[") ? host.slice(1, -1) : host;
  const found = isIP(literal) === 0 ? await find(host, resolve, signal) : [literal];
  if (found.length === 0) throw new HttpRefusal(`Cannot find the address of "${host}"`);
  const addresses = found.map((address) => toCanonicalAddress(address));
  return addresses.map((address) => {
    if (address !== undefined && isAllowed(address)) return address;
    throw refuse(`"${host}" does not have public addresses only`, "private address");
  });
}

async function find(
  host: string,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const found = await Promise.race([resolve(host, signal).catch(() => []), aborted.promise]);
    return found.map(({ address }) => address);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
