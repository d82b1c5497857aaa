import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import type { StreamMask } from "../telemetry/secret-masker.ts";
import { LineReader } from "./line-reader.ts";

export interface StdioTransportOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** All of the environment that the server gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Told what the server complains of, as `stderrMask` lets it be shown. */
  readonly onStderr: (text: string) => void;
  readonly stderrMask: StreamMask;
}

const GUARD = fileURLToPath(new URL("server-guard.ts", import.meta.url));
const MAX_MESSAGE_BYTES = 4_194_304;
const MAX_JUNK_BYTES = 1_048_576;
/** So much is read in a stretch of time; whoever says more has to wait. */
const STRETCH_MS = 100;
const STRETCH_MOST_BYTES = 2_097_152;
const CLOSE_GRACE_MS = 300;
const DRAIN_GRACE_MS = 100;

/**
 * An MCP server that is a program of this machine. It runs under a guard in a group of processes of
 * its own, without any of our environment, and no part of it is left when `close` is fulfilled.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: StdioTransportOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** All that it wrote was read. */
  #drained: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { command, args, cwd, env, stderrMask } = this.#options;
    const child = spawn(process.execPath, ["--no-warnings", GUARD, command, ...args], {
      env: { ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    this.#exited = once(child, "exit").catch(() => undefined);
    this.#drained = once(child, "close").catch(() => undefined);
    child.on("exit", () => void this.close());
    for (const stream of child.stdio) stream?.on("error", () => void this.close());
    child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => this.#tellStderr(stderrMask.push(text)));
    if (child.stdout !== null) this.#read(child.stdout);
    await once(child, "spawn");
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (this.#isClosed || !stdin?.writable) throw new Error("Cannot write: the server is gone");
    const text = `${JSON.stringify(message)}\n`;
    await new Promise<void>((resolve, reject) => {
      stdin.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (!this.#isClosed) {
      this.#isClosed = true;
      child?.stdin?.end();
      this.onclose?.();
    }
    if (child?.pid === undefined) return;
    const isRunning = () => child.exitCode === null && child.signalCode === null;
    if (isRunning()) await Promise.race([this.#exited, later(CLOSE_GRACE_MS)]);
    killGroup(child.pid);
    if (isRunning()) await this.#exited;
    // What it complained of last may still be on its way.
    await Promise.race([this.#drained, later(DRAIN_GRACE_MS)]);
    for (const stream of child.stdio) stream?.destroy();
    this.#tellStderr(this.#options.stderrMask.end());
  }

  #tellStderr(text: string): void {
    if (text !== "") this.#options.onStderr(text);
  }

  #read(stdout: NonNullable<ChildProcess["stdout"]>): void {
    let junkBytes = 0;
    let stretchBytes = 0;
    let stretchEndMs = 0;
    const lines = new LineReader({
      maxBytes: MAX_MESSAGE_BYTES,
      onLine: (line) => {
        const message = parse(line);
        if (message !== undefined) {
          junkBytes = 0;
          this.onmessage?.(message);
          return;
        }
        junkBytes += line.length;
        if (junkBytes > MAX_JUNK_BYTES) this.#refuse("it says too much that is no message");
      },
      onTooLong: () => this.#refuse(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`),
    });
    stdout.on("data", (chunk: Buffer) => {
      if (this.#isClosed) return;
      const nowMs = performance.now();
      if (nowMs >= stretchEndMs) {
        stretchBytes = 0;
        stretchEndMs = nowMs + STRETCH_MS;
      }
      stretchBytes += chunk.byteLength;
      lines.add(chunk);
      if (stretchBytes < STRETCH_MOST_BYTES) return;
      stdout.pause();
      setTimeout(() => stdout.resume(), stretchEndMs - nowMs).unref();
    });
  }

  #refuse(reason: string): void {
    if (this.#isClosed) return;
    this.onerror?.(new Error(`Cannot go on with the server: ${reason}`));
    if (this.#child?.pid !== undefined) killGroup(this.#child.pid);
    void this.close();
  }
}

function parse(line: string): JSONRPCMessage | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !("jsonrpc" in value)) return undefined;
    // What else it has to be the client checks when it takes the message.
    return value as JSONRPCMessage;
  } catch {
    return undefined;
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone.
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
