import { BlockList, isIP, isIPv6, SocketAddress } from "node:net";

/** Tells whose address a request comes from, for limits that count by it. */
export interface ClientAddresses {
  /**
   * `peer` is who holds the connection. Where that is a proxy of ours, its `X-Forwarded-For` says
   * who is behind it: the last one there that is no proxy of ours. What others write counts not.
   */
  find(peer: string, forwardedFor: string): string;
}

/** Throws `RangeError` where one of `trustedProxies` is neither an address nor a range of them. */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const trusted = toBlockList(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  return {
    find(peer, forwardedFor) {
      const from = plain(peer) ?? peer;
      if (trustedProxies.length === 0 || !isIP(from) || !isTrusted(from)) return toNetwork(from);
      const named = forwardedFor.split(",").toReversed();
      let last = from;
      for (const each of named) {
        const address = plain(each.trim());
        if (address === undefined) break;
        last = address;
        if (!isTrusted(address)) break;
      }
      return toNetwork(last);
    },
  };
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    try {
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch (error) {
      const message = `Cannot trust the proxy "${range}": expected an address, or a range such as 10.0.0.0/8`;
      throw new RangeError(message, { cause: error });
    }
  }
  return list;
}

/** An address in its usual spelling, IPv4 inside of IPv6 as IPv4; nothing where it is none. */
function plain(text: string): string | undefined {
  const bare = /^\[(?<inner>[^\]]+)\](?::\d+)?$/u.exec(text)?.groups?.["inner"] ?? text;
  if (!isIPv6(bare)) return isIP(bare) ? bare : undefined;
  const { address } = new SocketAddress({ address: bare, family: "ipv6" });
  return /^::ffff:(?<inner>[\d.]+)$/u.exec(address)?.groups?.["inner"] ?? address;
}

/** Whoever has one IPv6 address has its /64: they count as one. */
function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: gap }, () => "0"), ...after];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
