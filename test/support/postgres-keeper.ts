import { EmbeddedPostgres, type EmbeddedPostgresOptions } from "./embedded-postgres.ts";
import type { KeeperReply, KeeperRequest } from "./open-postgres-keeper.ts";

// Keeps one Postgres server for another process and ends it when that process ends, however it
// ends: a killed test run leaves neither a server nor its files.
const { isDurable } = JSON.parse(process.argv[2] ?? "{}") as EmbeddedPostgresOptions;
let work: Promise<unknown> = Promise.resolve();
const creating = EmbeddedPostgres.create({ isDurable });

process.on("message", (request: KeeperRequest) => {
  work = work.then(() => serve(request)).then(reply, replyFailure);
});
process.on("disconnect", () => void end());
process.on("SIGTERM", () => void end());
// Ctrl-C goes to the whole group: the tests end first and close what they opened.
process.on("SIGINT", () => undefined);

async function serve(request: KeeperRequest): Promise<KeeperReply> {
  const server = await creating;
  if (request.kind === "start") await server.start();
  else await server.stop(request.signal);
  return { kind: "done", url: server.url, pid: server.pid };
}

function reply(message: KeeperReply): void {
  if (process.connected) process.send?.(message);
}

function replyFailure(error: unknown): void {
  reply({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}

async function end(): Promise<void> {
  try {
    const server = await creating;
    await server.destroy();
  } finally {
    process.exit();
  }
}
