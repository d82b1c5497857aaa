import { describe, test } from "vitest";
import {
  createAddressCheck,
  toCanonicalAddress,
} from "../../../../../runtime/broker/http/address-check.ts";

const isAllowed = (
  address: string,
  privateAddresses: readonly string[] = [],
  ownAddresses: readonly string[] = [],
) => {
  const canonical = toCanonicalAddress(address);
  const check = createAddressCheck({ privateAddresses, ownAddresses });
  return canonical !== undefined && check(canonical);
};

describe("createAddressCheck()", () => {
  test.for([
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::FFFF:a9fe:a9fe",
    "0:0:0:0:0:ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
  ])("denies %s", (address, { expect }) => {
    expect(isAllowed(address)).toBe(false);
  });

  test.for([
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.17",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "3ffe::1",
  ])("allows %s", (address, { expect }) => {
    expect(isAllowed(address)).toBe(true);
  });

  test("allows private addresses that are named, and no others", ({ expect }) => {
    const named = ["10.1.0.0/16", "127.0.0.1", "fd00:1::/32", "::1"];
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "fd00:1::5", "::1"]) {
      expect(isAllowed(address, named), address).toBe(true);
    }
    for (const address of ["10.2.0.1", "127.0.0.2", "fd00:2::1", "::2", "::127.0.0.1"]) {
      expect(isAllowed(address, named), address).toBe(false);
    }
  });

  test("an address of one family never names one of the other", ({ expect }) => {
    expect(isAllowed("127.0.0.1", ["::/0"])).toBe(false);
    expect(isAllowed("::1", ["0.0.0.0/0"])).toBe(false);
  });

  test("denies this machine's own public addresses unless they are named", ({ expect }) => {
    expect(isAllowed("8.8.8.8", [], ["8.8.8.8"])).toBe(false);
    expect(isAllowed("::ffff:8.8.8.8", [], ["8.8.8.8"])).toBe(false);
    expect(isAllowed("8.8.4.4", [], ["8.8.8.8"])).toBe(true);
    expect(isAllowed("8.8.8.8", ["8.8.8.8"], ["8.8.8.8"])).toBe(true);
  });

  test("throws for a network that is none", ({ expect }) => {
    for (const network of ["10.0.0.0/33", "localhost", "10.0.0.0/-1", "10.0.0.0/x", ""]) {
      expect(() => isAllowed("8.8.8.8", [network]), network).toThrow();
    }
  });
});
