import { test } from "vitest";
import { createClientAddresses } from "#presentation/gateway/client-address.ts";

const LOOPBACK6 = "0000:0000:0000:0000:0000:0000:0000:0001";

test.for<[peer: string, forwarded: string, found: string]>([
  ["203.0.113.9", "", "203.0.113.9"],
  ["203.0.113.9", "192.0.2.1", "203.0.113.9"],
  ["127.0.0.1", "", "127.0.0.1"],
  ["127.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["127.0.0.1", "192.0.2.66, 192.0.2.1", "192.0.2.1"],
  ["127.0.0.1", "192.0.2.66, 192.0.2.1, 10.1.2.3", "192.0.2.1"],
  ["127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"],
  ["127.0.0.1", "nonsense", "127.0.0.1"],
  ["127.0.0.1", "192.0.2.1, nonsense", "127.0.0.1"],
  [LOOPBACK6, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  [LOOPBACK6, "[2001:db8::1]:443", "2001:db8:0:0::/64"],
  ["0000:0000:0000:0000:0000:ffff:7f00:0001", "192.0.2.1", "192.0.2.1"],
  ["2001:0db8:0001:0002:0003:0004:0005:0006", "", "2001:db8:1:2::/64"],
])("%s, said to stand for %j, counts as %s", ([peer, forwarded, found], { expect }) => {
  const addresses = createClientAddresses(["127.0.0.1", "10.0.0.0/8", "::1"]);
  expect(addresses.find(peer, forwarded)).toBe(found);
});

test("createClientAddresses() refuses what is no address", ({ expect }) => {
  for (const range of ["", "proxy", "10.0.0.0/99", "10.0.0/8", "::1/200"]) {
    expect(() => createClientAddresses([range]), range).toThrow("Cannot trust the proxy");
  }
});
