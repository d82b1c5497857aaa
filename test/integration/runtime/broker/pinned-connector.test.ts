import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, test } from "vitest";
import { parseTarget } from "../../../../runtime/broker/http/http-target.ts";
import { createPinnedConnector } from "../../../../runtime/broker/http/pinned-connector.ts";

/** Connects as undici does, to a server of this test; `host` is never resolved. */
async function connect(host: string, addresses: readonly string[]) {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const target = parseTarget(`http://${host}:${port}`);
  const { signal } = new AbortController();
  const connector = createPinnedConnector({ target, addresses, signal });
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const asked = { hostname: host, protocol: "http:", port: String(port) };
      connector(asked, (error, socket) => (error === null ? resolve(socket) : reject(error)));
    });
  } finally {
    server.close();
  }
}

describe("createPinnedConnector()", () => {
  test("connects to a checked address, whatever the name says", async ({ expect }) => {
    const socket = await connect("name.invalid", ["127.0.0.1"]);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });

  test("dials the checked spelling of an address", async ({ expect }) => {
    const socket = await connect("[::ffff:127.0.0.1]", ["127.0.0.1"]);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });

  // No one is asked to look an address up: without the second check this would connect.
  test("lets go of a connection to an address that was not checked", async ({ expect }) => {
    await expect(connect("127.0.0.1", ["127.0.0.2"])).rejects.toThrow("not one that was checked");
  });
});
