import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** What a model's service got to read. */
export interface ModelRequestBytes {
  readonly head: string;
  readonly body: string;
}

export interface ModelSocket extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ModelRequestBytes[];
  /** How many connections were made. */
  readonly connections: number;
  /** Fulfilled when the other side has hung up on the first of them. */
  readonly hungUp: Promise<void>;
}

/**
 * A server of bytes: reads one request after the other and has `answer` write whatever it likes,
 * HTTP or not.
 */
export async function openModelSocket(
  answer: (socket: Socket, request: ModelRequestBytes) => void,
): Promise<ModelSocket> {
  const requests: ModelRequestBytes[] = [];
  const sockets = new Set<Socket>();
  const hungUp = Promise.withResolvers<void>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      hungUp.resolve();
    });
    let read = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      read = Buffer.concat([read, bytes]);
      const taken = takeRequest(read);
      if (taken === undefined) return;
      read = read.subarray(taken.bytes);
      requests.push(taken.request);
      answer(socket, taken.request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return connections;
    },
    hungUp: hungUp.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A whole response head, whose body ends when the connection does. */
export function responseHead(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Some Words\r\n${lines.join("")}\r\n`;
}

/** A whole response that leaves the connection open. */
export function wholeResponse(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): string {
  const length = String(Buffer.byteLength(body));
  return `${responseHead(status, { ...headers, "content-length": length })}${body}`;
}

function takeRequest(
  read: Buffer,
): { readonly bytes: number; readonly request: ModelRequestBytes } | undefined {
  const end = read.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = read.toString("latin1", 0, end);
  const length = Number(/^content-length: (\d+)$/imu.exec(head)?.[1] ?? 0);
  const bytes = end + 4 + length;
  if (read.length < bytes) return undefined;
  return { bytes, request: { head, body: read.toString("utf8", end + 4, bytes) } };
}
