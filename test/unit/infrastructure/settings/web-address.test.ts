import { test } from "vitest";
import { hasNoCredentials, isLoopback } from "#infrastructure/settings/web-address.ts";

test.for([
  ["http://localhost:11434", true],
  ["http://127.0.0.1", true],
  ["http://127.0.0.2:8000/v1", true],
  ["http://127.255.255.254", true],
  ["http://127.1", true],
  ["http://2130706433", true],
  ["http://[::1]:80", true],
  ["http://[0:0:0:0:0:0:0:1]", true],
  ["http://128.0.0.1", false],
  ["http://10.0.0.1", false],
  ["http://127.0.0.1.example.com", false],
  ["http://localhost.example.com", false],
  ["http://[::2]", false],
] as const)("isLoopback() of the host of %s is %s", ([address, is], { expect }) => {
  expect(isLoopback(new URL(address).hostname)).toBe(is);
});

test("isLoopback() takes an address of IPv6 without its brackets", ({ expect }) => {
  expect([isLoopback("::1"), isLoopback("::12"), isLoopback("")]).toEqual([true, false, false]);
});

test("hasNoCredentials() finds a user or a password in an address", ({ expect }) => {
  const addresses = ["https://a.test", "https://u@a.test", "https://:p@a.test"];
  expect(addresses.map(hasNoCredentials)).toEqual([true, false, false]);
});
