import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { createApprovalAccess } from "./approval-access.ts";
import { createQuestions } from "./ask-approval.ts";
import { type ChatApi, createChatApi } from "./chat-api.ts";
import { ChatConnection } from "./chat-connection.ts";
import type { EventFrame, Position } from "./chat-protocol.ts";
import { ChatView } from "./chat-view.ts";
import { CommandError } from "./command-error.ts";
import { EXIT } from "./exit-code.ts";
import { LineReader } from "./line-reader.ts";
import { print, toPlainText, toTable } from "./output.ts";
import { assertReachable } from "./rest-client.ts";

export interface ChatDeps {
  readonly url: () => string;
  readonly configuredToken: () => string | undefined;
  /** A token for the server of the local data directory, where there is one. */
  mintToken(): Promise<string | undefined>;
}

interface ChatCommandOptions {
  readonly url?: string;
  readonly session?: string;
  readonly new?: true;
  readonly list?: true;
  readonly json?: true;
}

const LISTED_SESSIONS = 20;
const SHOWN_MESSAGES = 20;

export function addChatCommand(program: Command, deps: ChatDeps): void {
  program
    .command("chat")
    .description("talk to the agent; what is piped in is one message")
    .option("--url <url>", "the server's address (default: this machine's own server)")
    .option(
      "--session <id>",
      "go on with this conversation (default: the latest, a new one if piped)",
    )
    .option("--new", "begin a new conversation")
    .option("--list", "list the latest conversations")
    .addHelpText("after", "\nCtrl-C stops an answer, a second one leaves. Ctrl-D leaves.")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ChatCommandOptions>();
      const url = options.url ?? deps.url();
      await assertReachable(url);
      const token = await findToken(deps, options);
      const api = createChatApi(url, token);
      if (options.list) await listSessions(api, options.json === true);
      else await chat({ url, token, api, options });
    });
}

/** A token of the local data directory is for the local server only. */
async function findToken(deps: ChatDeps, options: ChatCommandOptions): Promise<string> {
  const token =
    deps.configuredToken() ?? (options.url === undefined ? await deps.mintToken() : undefined);
  if (token !== undefined) return token;
  throw new CommandError("unauthorized", "Cannot log in without a token: set NEXFLOW_TOKEN");
}

async function listSessions(api: ChatApi, isJson: boolean): Promise<void> {
  const sessions = await api.listSessions(LISTED_SESSIONS);
  print(isJson, { sessions }, () =>
    toTable(
      sessions.map(({ id, title, updatedAtMs }) => [
        id,
        new Date(updatedAtMs).toISOString().slice(0, 16).replace("T", " "),
        toPlainText(title),
      ]),
    ),
  );
}

interface ChatContext {
  readonly url: string;
  readonly token: string;
  readonly api: ChatApi;
  readonly options: ChatCommandOptions;
}

async function chat({ url, token, api, options }: ChatContext): Promise<void> {
  const isJson = options.json === true;
  const isLive = process.stdout.isTTY && !isJson;
  const note = isLive ? console.log : console.error;
  const view = new ChatView({ write: (part) => void process.stdout.write(part), note, isLive });
  let turn: RunningTurn | undefined;
  const lines = isInteractive() ? openLines(() => stop()) : undefined;
  const questions = createQuestions({
    note: isJson ? () => undefined : note,
    read: lines && ((prompt, signal) => lines.fresh(prompt, signal)),
    decide: (card, verdict) => connection.decide(card, verdict),
  });
  const onEvent = (frame: EventFrame) => {
    if (isJson) console.log(JSON.stringify(frame));
    else if (frame.event.type !== "MESSAGES_SNAPSHOT") view.show(frame.event);
    else if (turn?.id !== undefined) view.replaceTurn(turn.id, frame.event.messages);
    turn?.take(frame);
    questions.take(frame.event);
  };
  const connection = new ChatConnection({
    url,
    token,
    onAccepted: (turnId) => turn?.begin(turnId),
    onEvent,
    onLine: (state) => console.error(state === "broken" ? "(connection lost)" : "(connected)"),
  });
  /** Shows a turn to its end; `begin` has it run. */
  const follow = async (begin: (turn: RunningTurn) => Promise<void>): Promise<boolean> => {
    turn = createRunningTurn(connection);
    try {
      await begin(turn);
      return await Promise.race([turn.ended, connection.failure]);
    } finally {
      if (!isJson) view.end();
      turn = undefined;
    }
  };
  const ask: Ask = (message) => follow(() => connection.send(message));
  /** Goes on with a turn that has waited for approvals since somebody was here last. */
  const resume = async (sessionId: string): Promise<void> => {
    const waiting = await createApprovalAccess(url, token)
      .list({ state: "pending", sessionId })
      // A token may be good for messages alone.
      .catch(() => []);
    const [first] = waiting.toReversed();
    if (first === undefined) return;
    await follow(async (waited) => {
      waited.begin(first.turnId);
      questions.ask(waiting.map(({ card }) => card).toReversed());
    });
  };
  /** Stops the answer; false where none is under way or it is being stopped already. */
  const stop = () => turn?.cancel() ?? false;
  try {
    const position = await findPosition(api, options, isJson ? undefined : view);
    await connection.open(position);
    if (lines && position) await Promise.race([resume(position.sessionId), lines.closed]);
    const isOk = lines ? await converse(ask, lines) : await askPiped(ask, stop);
    if (!isOk) process.exitCode = EXIT.failed;
  } finally {
    connection.close();
    lines?.close();
  }
}

/** Where to go on; shows what was said there. */
async function findPosition(
  api: ChatApi,
  options: ChatCommandOptions,
  view: ChatView | undefined,
): Promise<Position | undefined> {
  if (options.new) return undefined;
  const isLatest = options.session === undefined && process.stdin.isTTY;
  const sessionId = isLatest ? (await api.listSessions(1))[0]?.id : options.session;
  if (sessionId === undefined) return undefined;
  const { messages, seq, epoch } = await api.readSession(sessionId, SHOWN_MESSAGES);
  view?.showHistory(messages);
  return { sessionId, seq, epoch };
}

type Ask = (message: string) => Promise<boolean>;

async function askPiped(ask: Ask, stop: () => boolean): Promise<boolean> {
  process.on("SIGINT", () => stop() || process.exit(EXIT.interrupted));
  const message = (await text(process.stdin)).trim();
  return message === "" || ask(message);
}

async function converse(ask: Ask, lines: LineReader): Promise<boolean> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one message after the other
    const line = await lines.next("> ");
    if (line === undefined) return true;
    // oxlint-disable-next-line no-await-in-loop -- one message after the other
    if (line.trim() !== "") await Promise.race([ask(line.trim()), lines.closed]);
  }
}

function openLines(stop: () => boolean): LineReader {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.on("SIGINT", () => stop() || lines.close());
  return new LineReader(lines);
}

function isInteractive(): boolean {
  return process.stdin.isTTY;
}

interface RunningTurn {
  /** Unknown before the message is accepted. */
  readonly id: string | undefined;
  /** True where it was answered or stopped, false where it failed. */
  readonly ended: Promise<boolean>;
  begin(turnId: string): void;
  take(frame: EventFrame): void;
  cancel(): boolean;
}

function createRunningTurn(connection: ChatConnection): RunningTurn {
  const { promise: ended, resolve } = Promise.withResolvers<boolean>();
  let id: string | undefined;
  let isCancelled = false;
  return {
    get id() {
      return id;
    },
    ended,
    begin(turnId) {
      id = turnId;
    },
    take({ turnId, event }) {
      // A snapshot may hold the turn's end, which no event tells then.
      if (event.type === "MESSAGES_SNAPSHOT") {
        const state = event.metadata?.turns?.find((turn) => turn.id === id)?.state;
        if (state === "completed" || state === "cancelled") resolve(true);
        if (state === "failed") resolve(false);
      }
      if (id === undefined || turnId !== id) return;
      if (event.type === "RUN_FINISHED" && event.outcome?.type !== "interrupt") resolve(true);
      if (event.type === "RUN_ERROR") resolve(false);
    },
    cancel() {
      if (isCancelled || id === undefined) return false;
      isCancelled = true;
      connection.cancel(id);
      return true;
    },
  };
}
