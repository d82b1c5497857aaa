import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { PostgresKeeper } from "./open-postgres-keeper.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with the address of this run's Postgres server, which the first question starts. */
    readonly postgresBroker: string;
  }
}

/** Once for each run of tests: one server for all files that ask, none where no file does. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let opening: Promise<PostgresKeeper> | undefined;
  const broker = createServer((_, response) => {
    opening ??= PostgresKeeper.open({ isDurable: false });
    opening.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  broker.listen(0, "127.0.0.1").unref();
  await once(broker, "listening");
  const { port } = broker.address() as AddressInfo;
  project.provide("postgresBroker", `http://127.0.0.1:${port}`);
  return async () => {
    broker.close();
    const keeper = await opening?.catch(() => undefined);
    await keeper?.[Symbol.asyncDispose]();
  };
}
