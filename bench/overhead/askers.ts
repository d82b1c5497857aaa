import { randomUUID } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import OpenAI from "openai";
import { WebSocket } from "ws";
import { openSocket } from "../load/open-socket.ts";

/** What asks one thing after the other, each in its own way. */
export interface Asker {
  /** Fulfilled when the answer is whole; rejects where there is none. `onToken` hears of each token. */
  ask(text: string, onToken: () => void): Promise<void>;
  close(): void;
}

export interface Places {
  /** The model's address, as the SDK takes it. */
  readonly model: string;
  readonly relay: string;
  readonly nexflow: { readonly url: string; readonly token: string };
}

export const ARMS = ["raw HTTP", "SDK", "relay", "Nexflow"] as const;
export type Arm = (typeof ARMS)[number];

/** A conversation has so many turns, then a new one begins: what is sent along stays bounded. */
const TURNS_PER_SESSION = 20;

const agent = new Agent({ keepAlive: true });
let sdk: OpenAI | undefined;

export async function openAsker(arm: Arm, places: Places): Promise<Asker> {
  switch (arm) {
    case "raw HTTP":
      return {
        ask: (text, onToken) => askRaw(places.model, text, onToken),
        close: () => undefined,
      };
    case "SDK":
      sdk ??= new OpenAI({ baseURL: places.model, apiKey: "mock" });
      return createSdkAsker(sdk);
    case "relay":
      return openRelayAsker(places.relay);
    case "Nexflow":
      return openNexflowAsker(places.nexflow);
    default:
      return arm satisfies never;
  }
}

/** What anybody has to do to get the answer, and no more. */
function askRaw(model: string, text: string, onToken: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const body = JSON.stringify({
    model: "mock",
    messages: [{ role: "user", content: text }],
    stream: true,
  });
  const headers = { "content-type": "application/json", "content-length": body.length };
  const request = httpRequest(`${model}/chat/completions`, { method: "POST", agent, headers });
  request.once("error", reject).once("response", (response) => {
    let tail = "";
    response.setEncoding("utf8");
    response.on("data", (piece: string) => {
      onToken();
      tail = piece.slice(-32);
    });
    response.once("error", reject).once("end", () => {
      if (tail.endsWith("data: [DONE]\n\n")) resolve();
      else reject(new Error("The answer was cut off"));
    });
  });
  request.end(body);
  return promise;
}

function createSdkAsker(client: OpenAI): Asker {
  return {
    async ask(text, onToken) {
      const chunks = await client.chat.completions.create({
        model: "mock",
        messages: [{ role: "user", content: text }],
        stream: true,
      });
      for await (const chunk of chunks) {
        if (chunk.choices[0]?.delta.content) onToken();
      }
    },
    close: () => undefined,
  };
}

interface Waiting {
  readonly onToken: () => void;
  readonly answer: PromiseWithResolvers<void>;
}

async function openRelayAsker(url: string): Promise<Asker> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let waiting: Waiting | undefined;
  socket.on("message", (data: Buffer) => {
    const { type } = JSON.parse(data.toString()) as { type: string };
    if (type === "delta") waiting?.onToken();
    else if (type === "done") waiting?.answer.resolve();
    else waiting?.answer.reject(new Error("The relay failed"));
  });
  return {
    ask(text, onToken) {
      waiting = { onToken, answer: Promise.withResolvers() };
      socket.send(JSON.stringify({ text }));
      return waiting.answer.promise;
    },
    close: () => socket.terminate(),
  };
}

interface Frame {
  readonly type: string;
  readonly sessionId?: string;
  readonly code?: string;
  readonly event?: { readonly type: string };
}

async function openNexflowAsker(server: Places["nexflow"]): Promise<Asker> {
  const socket = await openSocket(server);
  let waiting: Waiting | undefined;
  let sessionId: string | undefined;
  let turns = 0;
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    const what = frame.event?.type ?? frame.type;
    if (what === "accepted") ({ sessionId } = frame);
    else if (what === "TEXT_MESSAGE_CONTENT") waiting?.onToken();
    else if (what === "RUN_FINISHED") waiting?.answer.resolve();
    // A socket follows 64 sessions at most: the oldest one goes, and says so.
    else if (frame.code === "unsubscribed") return;
    // Nothing dies here: a snapshot in place of the events is a failure as well.
    else if (["RUN_ERROR", "MESSAGES_SNAPSHOT", "error"].includes(what)) {
      waiting?.answer.reject(new Error(frame.code ?? what));
    }
  });
  return {
    ask(text, onToken) {
      if (turns % TURNS_PER_SESSION === 0) sessionId = undefined;
      turns += 1;
      waiting = { onToken, answer: Promise.withResolvers() };
      const clientMessageId = randomUUID();
      socket.send(JSON.stringify({ type: "send", clientMessageId, text, sessionId }));
      return waiting.answer.promise;
    },
    close: () => socket.terminate(),
  };
}
