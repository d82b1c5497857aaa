import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe } from "vitest";
import { openTestGateway, TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const ROUNDS = 5;
const CLIENTS = 200;

describe("openGateway()", () => {
  test("refuses a port that is taken", async ({ expect, server }) => {
    await expect(openTestGateway({ port: server.gateway.port })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`port ${server.gateway.port}`),
    });
  });

  test("refuses an address of another machine", async ({ expect }) => {
    await expect(openTestGateway({ host: "192.0.2.1" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});

describe("shutdown", () => {
  test("is announced, spread over time", async ({ expect, server }) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.signIn(server)));
    const silent = await TestClient.open(server);
    server.gateway.announceShutdown(1_000);
    const frames = await Promise.all(clients.map((client) => client.next()));
    const waits = frames.map(({ type, reconnectAfterMs }) => {
      expect(type).toBe("going-away");
      return Number(reconnectAfterMs);
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_500);
    expect(new Set(waits).size).toBeGreaterThan(1);
    expect(silent.frames).toEqual([]);
  });

  test("closes sockets as for a restart and frees the port", async ({ expect }) => {
    await using server = await openTestGateway({ port: await findFreePort() });
    const client = await TestClient.signIn(server);
    const silent = await TestClient.open(server);
    const closing = server.gateway.close();
    expect(await client.closed).toMatchObject({ code: 1012 });
    expect(await silent.closed).toMatchObject({ code: 1012 });
    await closing;
    await server.gateway.close();
    await using next = await openTestGateway({ port: server.gateway.port });
    expect(next.gateway.port).toBe(server.gateway.port);
  });

  test("during a request leaves nothing behind", async ({ expect, server }) => {
    const release = server.useCases.hold();
    const asked = fetch(`${server.url}/api/v1/me`, { headers: { authorization: "Bearer x" } });
    await expect.poll(() => server.useCases.calls.length).toBe(1);
    await server.gateway.close();
    release();
    await expect(asked).rejects.toThrow(TypeError);
    expect(server.logged).toEqual([]);
  });
});

test("1000 clients that come, follow and go leave nothing", async ({ expect, server }) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const openFiles = async () => (await readdir("/proc/self/fd")).length;
  const visit = async (round: number) => {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => TestClient.signIn(server)),
    );
    await Promise.all(
      clients.map((client, i) =>
        client.ask({ type: "send", clientMessageId: `r${round}-${i}`, text: "hi" }),
      ),
    );
    // Half say goodbye, half just vanish.
    for (const [i, { ws }] of clients.entries()) {
      if (i % 2 === 0) ws.close();
      else ws.terminate();
    }
    await Promise.all(clients.map(({ closed }) => closed));
    await expect.poll(() => server.useCases.followers()).toBe(0);
  };
  await visit(0);
  collect();
  const before = { files: await openFiles(), heap: process.memoryUsage().heapUsed };
  // oxlint-disable-next-line no-await-in-loop -- one crowd after the other
  for (let round = 1; round <= ROUNDS; round += 1) await visit(round);
  collect();
  await expect.poll(openFiles).toBeLessThanOrEqual(before.files + 5);
  const perClient = (process.memoryUsage().heapUsed - before.heap) / (ROUNDS * CLIENTS);
  // The fake keeps each session, about 3 KiB; a leaked socket would keep its frames and more.
  expect(perClient).toBeLessThan(8_192);
});

test("the native code is the one that was reviewed", ({ expect, skip }) => {
  const { platform, arch, versions } = process;
  const build = `${platform}-${arch} ABI ${versions.modules}`;
  skip(
    build !== "linux-x64 ABI 127",
    `the reviewed build is for linux-x64 ABI 127, this is ${build}`,
  );
  const file = path.join(
    path.dirname(new URL(import.meta.resolve("uWebSockets.js")).pathname),
    `bin/uws_${platform}_${arch}_${versions.modules}.node`,
  );
  const hash = createHash("sha256").update(readFileSync(file)).digest("hex");
  expect(hash).toBe("8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af");
});

/** Port 0 would not do: uWebSockets.js takes a port back at once only where it was asked for. */
async function findFreePort(): Promise<number> {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
