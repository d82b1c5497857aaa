import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { createSystemResolve } from "../../../../runtime/broker/http/system-resolve.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

const never = new AbortController().signal;
const A = 1;
const AAAA = 28;

describe("createSystemResolve()", () => {
  test("gives the addresses of both families that DNS has", async ({ expect }) => {
    await using dns = await openDns({ [A]: ["1.1.1.1", "9.9.9.9"], [AAAA]: ["2606:4700::1"] });
    const resolve = createSystemResolve({ hostsFile: "/nowhere", servers: [dns.server] });
    const found = await resolve("api.test", never);
    const addresses = ["1.1.1.1", "2606:4700::1", "9.9.9.9"];
    expect(found.map(({ address }) => address).toSorted()).toEqual(addresses);
  });

  test("a host may have addresses of one family, or none", async ({ expect }) => {
    await using one = await openDns({ [A]: ["1.1.1.1"] });
    await using none = await openDns({});
    const of = ({ server }: Dns) =>
      createSystemResolve({ hostsFile: "/nowhere", servers: [server] })("api.test", never);
    expect(await of(one)).toEqual([{ address: "1.1.1.1" }]);
    expect(await of(none)).toEqual([]);
  });

  test("believes the hosts file first", async ({ expect }) => {
    await using dir = await openTempDir();
    await using dns = await openDns({ [A]: ["1.1.1.1"] });
    const hostsFile = path.join(dir.path, "hosts");
    await writeFile(
      hostsFile,
      "# 8.8.8.8 nas.test\n127.0.0.1\tlocalhost NAS.test # mine\n::1 localhost\n10.0.0.1 not-nas.test\n",
    );
    const resolve = createSystemResolve({ hostsFile, servers: [dns.server] });
    expect(await resolve("nas.test", never)).toEqual([{ address: "127.0.0.1" }]);
    expect(await resolve("localhost", never)).toEqual([
      { address: "127.0.0.1" },
      { address: "::1" },
    ]);
    expect(await resolve("as.test", never)).toEqual([{ address: "1.1.1.1" }]);
    expect(await resolve("mine", never)).toEqual([{ address: "1.1.1.1" }]);
  });

  test("gives up a name server that says nothing when it is told to", async ({ expect }) => {
    const ended = new AbortController();
    await using dns = await openDns({}, () => ended.abort());
    const resolve = createSystemResolve({ hostsFile: "/nowhere", servers: [dns.server] });
    expect(await resolve("slow.test", ended.signal)).toEqual([]);
    await expect(resolve("slow.test", ended.signal)).rejects.toThrow();
  });
});

interface Dns extends AsyncDisposable {
  /** As in "127.0.0.1:5353". */
  readonly server: string;
}

/** A name server that gives each name the same addresses, by record type; or stays silent. */
async function openDns(
  addresses: Readonly<Record<number, readonly string[]>>,
  onSilence?: () => void,
): Promise<Dns> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    if (onSilence !== undefined) return onSilence();
    const type = query.readUInt16BE(questionEnd(query) - 4);
    socket.send(toReply(query, type, addresses[type] ?? []), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    server: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

function questionEnd(query: Buffer): number {
  return query.indexOf(0, 12) + 5;
}

function toReply(query: Buffer, type: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(query.subarray(0, questionEnd(query)));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const data = toBytes(address, type);
    const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([head, ...records]);
}

function toBytes(address: string, type: number): Buffer {
  if (type === A) return Buffer.from(address.split(".").map(Number));
  const [high = "", low = ""] = address.split("::");
  const toHex = (part: string) =>
    part
      .split(":")
      .map((group) => group.padStart(4, "0"))
      .join("");
  return Buffer.from(toHex(high).padEnd(32 - toHex(low).length, "0") + toHex(low), "hex");
}
