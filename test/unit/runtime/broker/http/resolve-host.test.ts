import { describe, test } from "vitest";
import { createAddressCheck } from "../../../../../runtime/broker/http/address-check.ts";
import { type Resolve, resolveHost } from "../../../../../runtime/broker/http/resolve-host.ts";

const resolvesTo =
  (...addresses: readonly string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address }));

const find = (host: string, resolve: Resolve, signal = new AbortController().signal) =>
  resolveHost(host, {
    resolve,
    signal,
    isAllowed: createAddressCheck({ privateAddresses: ["10.1.0.0/16"], ownAddresses: [] }),
  });

const neverAsked: Resolve = () => Promise.reject(new Error("asked"));

describe("resolveHost()", () => {
  test("gives all addresses of a host in one spelling", async ({ expect }) => {
    const resolve = resolvesTo("1.1.1.1", "2606:4700:0:0::1", "::ffff:9.9.9.9", "10.1.0.9");
    const addresses = ["1.1.1.1", "2606:4700::1", "9.9.9.9", "10.1.0.9"];
    expect(await find("example.com", resolve)).toEqual(addresses);
  });

  test("asks nobody about an address", async ({ expect }) => {
    expect(await find("1.1.1.1", neverAsked)).toEqual(["1.1.1.1"]);
    expect(await find("[2606:4700::1]", neverAsked)).toEqual(["2606:4700::1"]);
    await expect(find("127.0.0.1", neverAsked)).rejects.toThrow("public addresses only");
    await expect(find("[::1]", neverAsked)).rejects.toThrow("public addresses only");
    await expect(find("[::ffff:7f00:1]", neverAsked)).rejects.toThrow("public addresses only");
  });

  test.for([
    ["localhost", ["127.0.0.1"]],
    ["127.0.0.1.nip.io", ["127.0.0.1"]],
    ["169-254-169-254.sslip.io", ["169.254.169.254"]],
    ["metadata.google.internal", ["169.254.169.254"]],
    ["mixed.test", ["1.1.1.1", "10.0.0.1"]],
    ["mixed.test", ["1.1.1.1", "::1"]],
    ["half-named.test", ["10.1.0.1", "10.2.0.1"]],
    ["zone.test", ["fe80::1%lo"]],
    ["strange.test", ["no address"]],
  ] as const)("refuses %s at %j", async ([host, addresses], { expect }) => {
    await expect(find(host, resolvesTo(...addresses))).rejects.toMatchObject({
      message: `"${host}" does not have public addresses only`,
      ruling: { verdict: "denied", rule: "platform: private address" },
    });
  });

  test("a host without an address is no denial", async ({ expect }) => {
    for (const resolve of [resolvesTo(), neverAsked]) {
      await expect(find("example.com", resolve)).rejects.toMatchObject({
        message: 'Cannot find the address of "example.com"',
        ruling: undefined,
      });
    }
  });

  test("waits no longer than its signal for names that never resolve", async ({ expect }) => {
    const ended = new AbortController();
    const found = find("slow.test", () => new Promise(() => undefined), ended.signal);
    ended.abort(new Error("over"));
    await expect(found).rejects.toThrow("over");
    await expect(find("slow.test", neverAsked, ended.signal)).rejects.toThrow("over");
  });
});
