import { describe, test, vi } from "vitest";
import { CredentialWatch } from "#application/watch-credentials/credential-watch.ts";
import { parseCredentialId, parseUserId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import type { ListPrincipals, TouchCredentials } from "#domain/user/credential-repository.ts";

const silent = () => undefined;

function open() {
  vi.useFakeTimers({ now: 0 });
  const good = new Map<string, Principal>();
  const asked: ListPrincipals[] = [];
  const touched: TouchCredentials[] = [];
  const warned: string[] = [];
  let failure: Error | undefined;
  const watch = new CredentialWatch({
    credentials: {
      async listPrincipals(input) {
        asked.push(input);
        if (failure !== undefined) throw failure;
        return input.credentialIds.flatMap((id) => good.get(id) ?? []);
      },
      async touch(input) {
        touched.push(input);
      },
    },
    nowMs: () => Date.now(),
    log: { error: silent, info: silent, debug: silent, warn: (_, text) => void warned.push(text) },
  });
  const heard: string[] = [];
  const add = (name: string, more: Partial<Principal> = {}) => {
    const credentialId = parseCredentialId(name);
    const user = { id: parseUserId("u"), name: "U", role: "member", createdAtMs: 0 } as const;
    const own = { user, credentialId, scopes: [], expiresAtMs: undefined };
    const principal: Principal = { ...own, ...more };
    good.set(name, principal);
    const stop = watch.watch(principal, {
      onRevoked: () => void heard.push(`${name} revoked`),
      onChanged: ({ user: { role } }) => void heard.push(`${name} is ${role}`),
    });
    return { principal, stop };
  };
  const fail = (error: Error | undefined) => {
    failure = error;
  };
  const close = async () => {
    await watch[Symbol.asyncDispose]();
    vi.useRealTimers();
  };
  return { watch, good, asked, touched, warned, heard, add, fail, [Symbol.asyncDispose]: close };
}

describe("CredentialWatch", () => {
  test("asks about all at once, and hears of what another process revoked", async ({ expect }) => {
    await using opened = open();
    for (const name of ["c1", "c1", "c2", "c3"]) opened.add(name);
    opened.good.delete("c2");
    await vi.advanceTimersByTimeAsync(999);
    expect(opened.heard).toEqual(["c2 revoked"]);
    expect(opened.asked).toHaveLength(1);
    expect(opened.asked[0]?.credentialIds).toEqual(["c1", "c2", "c3"]);
  });

  test("asks nothing where nobody holds a line open", async ({ expect }) => {
    await using opened = open();
    const { stop } = opened.add("c1");
    stop();
    opened.good.clear();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([opened.asked, opened.heard]).toEqual([[], []]);
  });

  test("revoked() ends at once, each watcher once", async ({ expect }) => {
    await using opened = open();
    opened.add("c1");
    opened.add("c1");
    opened.add("c2");
    opened.good.delete("c1");
    opened.watch.revoked([parseCredentialId("c1")]);
    expect(opened.heard).toEqual(["c1 revoked", "c1 revoked"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(opened.heard).toHaveLength(2);
  });

  test("closes what expires without being asked", async ({ expect }) => {
    await using opened = open();
    opened.add("c1", { expiresAtMs: 500 });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(opened.heard).toEqual(["c1 revoked"]);
  });

  test("tells of another role", async ({ expect }) => {
    await using opened = open();
    const { principal } = opened.add("c1");
    opened.good.set("c1", { ...principal, user: { ...principal.user, role: "admin" } });
    opened.watch.revoked([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(opened.heard).toEqual(["c1 is admin"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(opened.heard).toHaveLength(1);
  });

  test("leaves lines open while the store is gone, and goes on after it", async ({ expect }) => {
    await using opened = open();
    opened.add("c1");
    opened.fail(new Error("gone"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect([opened.heard, opened.warned.length]).toEqual([[], 1]);
    opened.fail(undefined);
    opened.good.clear();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(opened.heard).toEqual(["c1 revoked"]);
  });

  test("writes down what was used once a minute", async ({ expect }) => {
    await using opened = open();
    for (const name of ["c1", "c2", "c1"]) opened.watch.used(parseCredentialId(name));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(opened.touched).toEqual([{ credentialIds: ["c1", "c2"], nowMs: 60_000 }]);
  });
});
