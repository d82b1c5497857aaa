import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import pg from "pg";

/** Clients of `url` share a few connections, each for one transaction at a time. */
export interface TransactionPooler extends AsyncDisposable {
  readonly url: string;
}

interface ServerLink {
  readonly client: pg.Client;
  readonly stream: Socket;
  /** Who has it, as long as its transaction lasts. */
  owner: PooledClient | undefined;
}

interface PooledClient {
  readonly socket: Socket;
  link: ServerLink | undefined;
  waiting: Buffer[];
  /** Answers that are still to come. */
  pending: number;
}

const SSL_REQUEST = 80_877_103;

/**
 * A pooler in transaction mode, as PgBouncer is one: whatever a session keeps beyond a transaction
 * (LISTEN, SET, locks, named statements) is met by somebody else, or by nobody.
 */
export async function openTransactionPooler(
  serverUrl: string,
  size: number,
): Promise<TransactionPooler> {
  const links = await Promise.all(Array.from({ length: size }, () => openLink(serverUrl)));
  const queue: PooledClient[] = [];
  const clients = new Set<PooledClient>();
  for (const link of links) {
    const read = createReader((type, message) => {
      const client = link.owner;
      if (client === undefined) return;
      client.socket.write(message);
      if (type !== "Z") return;
      client.pending -= 1;
      if (client.pending > 0 || message.at(-1) !== "I".charCodeAt(0)) return;
      client.link = undefined;
      link.owner = undefined;
      serve();
    });
    link.stream.on("data", read);
  }

  /** The connection that has rested longest goes to the client that has waited longest. */
  function serve(): void {
    for (const link of links) {
      if (link.owner !== undefined) continue;
      const client = queue.shift();
      if (client === undefined) return;
      link.owner = client;
      client.link = link;
      links.push(...links.splice(links.indexOf(link), 1));
      for (const message of client.waiting.splice(0)) link.stream.write(message);
      serve();
      return;
    }
  }

  function pass(client: PooledClient, type: string, message: Buffer): void {
    if (type === "Q" || type === "S") client.pending += 1;
    if (client.link !== undefined) {
      client.link.stream.write(message);
      return;
    }
    if (client.waiting.length === 0) queue.push(client);
    client.waiting.push(message);
    serve();
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const client: PooledClient = { socket, link: undefined, waiting: [], pending: 0 };
    clients.add(client);
    const read = createReader((type, message) => {
      if (type === "X") socket.end();
      else pass(client, type, message);
    });
    greet(socket, read);
    socket.on("error", () => undefined);
    socket.on("close", () => clients.delete(client));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of clients) socket.destroy();
      server.close();
      for (const { stream } of links) stream.destroy();
    },
  };
}

/** Logs in by the client library, and takes its socket over. */
async function openLink(connectionString: string): Promise<ServerLink> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => undefined);
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.setNoDelay(true);
  stream.removeAllListeners("data");
  stream.on("error", () => undefined);
  return { client, stream, owner: undefined };
}

/** Lets everybody in. What follows the greeting goes to `read`. */
function greet(socket: Socket, read: (data: Buffer) => void): void {
  socket.once("data", (data) => {
    if (data.readInt32BE(4) === SSL_REQUEST) {
      socket.write("N");
      greet(socket, read);
      return;
    }
    socket.on("data", read);
    const settings = { server_version: "18.0", client_encoding: "UTF8" };
    socket.write(
      Buffer.concat([
        frame("R", Buffer.alloc(4)),
        ...Object.entries(settings).map(([name, value]) =>
          frame("S", Buffer.from(`${name}\0${value}\0`)),
        ),
        frame("K", Buffer.alloc(8)),
        frame("Z", Buffer.from("I")),
      ]),
    );
  });
}

function frame(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Cuts a stream into messages. */
function createReader(take: (type: string, message: Buffer) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 5) {
      const length = rest.readInt32BE(1) + 1;
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      take(String.fromCharCode(message[0] ?? 0), message);
    }
  };
}
