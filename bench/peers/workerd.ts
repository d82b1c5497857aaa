import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { JsonValue } from "../../runtime/index.ts";
import type { Arm } from "./arm.ts";
import { HttpClient } from "./http-client.ts";

const WORKER =
  "export default { async fetch(request) { const input = await request.json(); return Response.json({ text: input.text }); } };";
const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main", esModule = ${JSON.stringify(WORKER)})],
  compatibilityDate = "2026-01-01",
);
`;
const PACKAGE: string = "workerd";

/** Cloudflare's workerd: one warm isolate in a process of its own answers all calls over HTTP. */
export async function openWorkerd(): Promise<Arm> {
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-bench-"));
  const configFile = path.join(dir, "config.capnp");
  await writeFile(configFile, CONFIG);
  const { default: binary } = createRequire(import.meta.url)(PACKAGE) as { default: string };
  const child = spawn(binary, ["serve", "--control-fd=3", configFile], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const client = new HttpClient(await readPort(child));
  return {
    call: async (input) => JSON.parse(await client.post(JSON.stringify(input))) as JsonValue,
    close: async () => {
      client.close();
      child.kill();
      await once(child, "exit");
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function readPort(child: ChildProcess): Promise<number> {
  for await (const line of createInterface(child.stdio[3] as Readable)) {
    return (JSON.parse(line) as { port: number }).port;
  }
  throw new Error("Cannot measure: workerd ended before it listened");
}
