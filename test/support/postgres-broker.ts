import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { openStore } from "#infrastructure/store/open-store.ts";
import { PostgresKeeper } from "./open-postgres-keeper.ts";
import { openTempDir } from "./temp-dir.ts";
import { testDatabaseUrl } from "./test-environment.ts";

/** What a broker makes databases from: nothing, or a store of today that nobody has used. */
export type DatabaseContent = "empty" | "migrated";

interface OpenServer {
  readonly url: string;
  readonly keeper: PostgresKeeper | undefined;
  /** One connection for all: the first database that a connection makes takes ten times as long. */
  readonly client: pg.Client;
}

/**
 * Gives the tests of one run their databases: a POST of a `DatabaseContent` is answered with the
 * address of a new one, a DELETE of its path drops it. All are on one server, which the first of
 * them starts.
 */
export class PostgresBroker implements AsyncDisposable {
  readonly #http: Server;
  #opening: Promise<OpenServer> | undefined;
  #template: Promise<string> | undefined;

  private constructor() {
    this.#http = createServer((request, response) => {
      this.#answer(request).then(
        (text) => response.end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  static async open(): Promise<PostgresBroker> {
    const broker = new PostgresBroker();
    broker.#http.listen(0, "127.0.0.1").unref();
    await once(broker.#http, "listening");
    return broker;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    const server = await this.#opening?.catch(() => undefined);
    const template = await this.#template?.catch(() => undefined);
    if (server !== undefined && template !== undefined) await drop(server, template);
    await server?.client.end();
    await server?.keeper?.[Symbol.asyncDispose]();
  }

  async #answer(request: IncomingMessage): Promise<string> {
    const server = await (this.#opening ??= openServer());
    if (request.method === "DELETE") {
      await drop(server, request.url?.slice(1) ?? "");
      return "";
    }
    const isMigrated = request.url === "/migrated";
    const template = isMigrated ? await (this.#template ??= makeTemplate(server)) : "template1";
    return addressOf(server, await create(server, template));
  }
}

async function openServer(): Promise<OpenServer> {
  const keeper =
    testDatabaseUrl === undefined ? await PostgresKeeper.open({ isDurable: false }) : undefined;
  const url = testDatabaseUrl ?? keeper?.url ?? "";
  const client = new pg.Client({ connectionString: url });
  // A server that ends tells so; whoever asks it for something after that is told too.
  client.on("error", () => undefined);
  await client.connect();
  return { url, keeper, client };
}

async function makeTemplate(server: OpenServer): Promise<string> {
  const name = await create(server, "template1");
  await using dir = await openTempDir();
  const store = await openStore(dir.path, addressOf(server, name));
  await store[Symbol.asyncDispose]();
  return name;
}

async function create({ client }: OpenServer, template: string): Promise<string> {
  const name = `nexflow_test_${randomBytes(8).toString("hex")}`;
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  return name;
}

async function drop({ client }: OpenServer, name: string): Promise<void> {
  await client.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
}

function addressOf(server: OpenServer, database: string): string {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  return url.href;
}
