import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

export interface AddressCheckOptions {
  /** Addresses and networks that may be connected to all the same. */
  readonly privateAddresses: readonly string[];
  /** This machine's own: to connect to them goes around every firewall before it. */
  readonly ownAddresses?: readonly string[] | undefined;
}

/** Says whether an address, written as `toCanonicalAddress` does, may be connected to. */
export type AddressCheck = (address: string) => boolean;

/** A check that lets through public addresses of other machines, and those that are named. */
export function createAddressCheck({
  privateAddresses,
  ownAddresses = listOwnAddresses(),
}: AddressCheckOptions): AddressCheck {
  const named = new AddressSet(privateAddresses);
  const own = new AddressSet(ownAddresses);
  return (address) => named.has(address) || (isPublic(address) && !own.has(address));
}

/**
 * One spelling for each address, or undefined for what is none: IPv6 shortened, IPv4 inside IPv6 as
 * the IPv4 address that is meant. An address with a zone is none: no public one has any.
 */
export function toCanonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0 || text.includes("%")) return undefined;
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/u.exec(address);
  if (mapped === null) return address;
  const [high, low] = [parseInt(mapped[1] ?? "", 16), parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Addresses and networks. IPv4 and IPv6 apart: in one list, IPv6 networks match IPv4 addresses. */
class AddressSet {
  readonly #v4 = new BlockList();
  readonly #v6 = new BlockList();

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [text = "", prefix] = entry.split("/");
      const address = toCanonicalAddress(text);
      if (address === undefined) throw new RangeError(`Cannot use the address "${entry}"`);
      if (isIP(address) === 4) this.#v4.addSubnet(address, Number(prefix ?? 32), "ipv4");
      else this.#v6.addSubnet(address, Number(prefix ?? 128), "ipv6");
    }
  }

  has(address: string): boolean {
    return isIP(address) === 4 ? this.#v4.check(address, "ipv4") : this.#v6.check(address, "ipv6");
  }
}

/** What no public server has, or what leads to somewhere else than it says. */
const SPECIAL = new AddressSet([
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // behind a carrier's NAT; a cloud's metadata
  "127.0.0.0/8", // loopback
  "168.63.129.16", // a cloud's own services, on an address that looks public
  "169.254.0.0/16", // link-local; the clouds' metadata
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments; a cloud's metadata
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
  "2001::/23", // protocol assignments: Teredo, benchmarks, ORCHID
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
]);

/**
 * All of public IPv6. Outside are loopback, unspecified, unique-local, site-local, link-local,
 * multicast, NAT64 and IPv4-compatible addresses, and whatever is not assigned yet.
 */
const PUBLIC_V6 = new AddressSet(["2000::/3"]);

function isPublic(address: string): boolean {
  return !SPECIAL.has(address) && (isIP(address) === 4 || PUBLIC_V6.has(address));
}

function listOwnAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((interfaces) =>
    (interfaces ?? []).flatMap(({ address }) => toCanonicalAddress(address) ?? []),
  );
}
