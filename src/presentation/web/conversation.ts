import type { AgMessage, EventFrame, RunEvent, TurnSummary } from "./protocol.ts";

/** What one session looks like after its events up to `seq`. */
export interface Conversation {
  readonly epoch: number;
  readonly seq: number;
  /** Turns that have begun, in the order they ran. */
  readonly turns: readonly Turn[];
  /** Turns the server has accepted that have not begun. */
  readonly queued: readonly QueuedTurn[];
  /** The server began anew behind our back: only a snapshot can go on from here. */
  readonly isStale: boolean;
}

export interface Turn {
  readonly turnId: string;
  readonly message: UserText | undefined;
  readonly parts: readonly Part[];
  readonly state: TurnState;
}

export interface QueuedTurn {
  readonly turnId: string;
  readonly message: UserText;
}

export interface UserText {
  readonly id: string;
  readonly text: string;
}

export type TurnState =
  | { readonly kind: "running" }
  /** Seen in a snapshot only, and not ended there: it runs, or it waits. */
  | { readonly kind: "unknown" }
  | { readonly kind: "completed" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export type Part = TextPart | ToolCallPart;

export interface TextPart {
  readonly kind: "text";
  readonly messageId: string;
  readonly text: string;
  readonly isComplete: boolean;
}

export interface ToolCallPart {
  readonly kind: "tool-call";
  readonly toolCallId: string;
  readonly name: string;
  readonly inputJson: string;
  readonly state: ToolCallState;
}

export type ToolCallState =
  | { readonly kind: "running" }
  | { readonly kind: "ok"; readonly outputJson: string }
  | { readonly kind: "error"; readonly code: string; readonly message: string }
  /** The turn ended before the call did. */
  | { readonly kind: "stopped" };

export type ApplyResult =
  | { readonly kind: "applied"; readonly conversation: Conversation }
  /** Seen before, or from a run that is over. */
  | { readonly kind: "ignored" }
  /** Something is missing: subscribe again from this conversation's position. */
  | { readonly kind: "gap"; readonly conversation: Conversation };

export const EMPTY_CONVERSATION: Conversation = {
  epoch: 0,
  seq: 0,
  turns: [],
  queued: [],
  isStale: false,
};

/** Takes in one event frame. Frames may repeat and may be missing; the text never suffers. */
export function applyFrame(conversation: Conversation, frame: EventFrame): ApplyResult {
  const { epoch, seq, event } = frame;
  // Whatever we have: events that were never stored may have had a higher epoch and seq.
  if (event.type === "MESSAGES_SNAPSHOT") {
    return { kind: "applied", conversation: fromSnapshot(conversation, frame, event) };
  }
  if (conversation.isStale) return { kind: "ignored" };
  if (seq <= conversation.seq) {
    // Where a run of a lower epoch goes on, on another instance, it goes on behind what we have.
    if (epoch <= conversation.epoch) return { kind: "ignored" };
    return { kind: "gap", conversation: { ...conversation, isStale: true } };
  }
  if (seq > conversation.seq + 1) return { kind: "gap", conversation };
  return {
    kind: "applied",
    conversation: { ...applyEvent(conversation, frame.turnId, event), epoch, seq },
  };
}

/** Adds a turn the server has accepted and not begun, unless it is known already. */
export function addQueued(conversation: Conversation, queued: QueuedTurn): Conversation {
  const isKnown =
    conversation.turns.some(({ turnId }) => turnId === queued.turnId) ||
    conversation.queued.some(({ turnId }) => turnId === queued.turnId);
  return isKnown ? conversation : { ...conversation, queued: [...conversation.queued, queued] };
}

/** Takes in what the server says of turns that are not finished. */
export function markRunning(conversation: Conversation, turnIds: readonly string[]): Conversation {
  const turns = conversation.turns.map((turn): Turn => {
    const isRunning = turn.state.kind === "unknown" && turnIds.includes(turn.turnId);
    return isRunning ? { ...turn, state: { kind: "running" } } : turn;
  });
  return { ...conversation, turns };
}

/** The turn that runs, else the first that waits: what a stop button stops. */
export function findOpenTurn(conversation: Conversation): string | undefined {
  const running = conversation.turns.find(({ state }) => state.kind === "running");
  return running?.turnId ?? conversation.queued[0]?.turnId;
}

/** All that the agent said in a turn, tool calls left out. */
export function answerOf(turn: Turn): string {
  return turn.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

function applyEvent(conversation: Conversation, turnId: string, event: RunEvent): Conversation {
  const turn = conversation.turns.find((known) => known.turnId === turnId);
  const queued = conversation.queued.find((known) => known.turnId === turnId);
  const before: Turn = turn ?? {
    turnId,
    message: queued?.message,
    parts: [],
    state: { kind: "running" },
  };
  const after = stepTurn(before, event);
  return {
    ...conversation,
    turns: turn
      ? conversation.turns.map((known) => (known === turn ? after : known))
      : [...conversation.turns, after],
    queued: queued ? conversation.queued.filter((known) => known !== queued) : conversation.queued,
  };
}

function stepTurn(turn: Turn, event: RunEvent): Turn {
  if (event.type === "RUN_FINISHED") {
    return ended(turn, { kind: event.outcome?.type === "cancelled" ? "cancelled" : "completed" });
  }
  if (event.type === "RUN_ERROR") {
    const { code = "INTERNAL", message } = event;
    return ended(turn, { kind: "failed", code, message });
  }
  return stepRunning({ ...turn, state: { kind: "running" } }, event);
}

type RunningEvent = Exclude<RunEvent, { type: "RUN_FINISHED" | "RUN_ERROR" }>;

function stepRunning(turn: Turn, event: RunningEvent): Turn {
  switch (event.type) {
    case "RUN_STARTED": {
      const user = event.input?.messages.findLast(({ role }) => role === "user");
      const message = user ? toUserText(user) : turn.message;
      return { ...turn, message, parts: [] };
    }
    case "TEXT_MESSAGE_START":
      return withText(turn, event.messageId, (part) => part);
    case "TEXT_MESSAGE_CONTENT":
      return withText(turn, event.messageId, (part) => ({
        ...part,
        text: part.text + event.delta,
        isComplete: false,
      }));
    case "TEXT_MESSAGE_END":
      return withText(turn, event.messageId, (part) => ({ ...part, isComplete: true }));
    case "TOOL_CALL_START":
      return withCall(turn, event.toolCallId, (part) => ({ ...part, name: event.toolCallName }));
    case "TOOL_CALL_ARGS":
      return withCall(turn, event.toolCallId, (part) => ({
        ...part,
        inputJson: part.inputJson + event.delta,
      }));
    case "TOOL_CALL_RESULT":
      return withCall(turn, event.toolCallId, (part) => ({
        ...part,
        state: toCallState(event.content),
      }));
    case "TOOL_CALL_END":
    case "MESSAGES_SNAPSHOT":
      return turn;
    default:
      // A newer server's event: it keeps its place in the order and shows nothing.
      event satisfies never;
      return turn;
  }
}

function withText(turn: Turn, messageId: string, change: (part: TextPart) => TextPart): Turn {
  const part = turn.parts.find(
    (known): known is TextPart => known.kind === "text" && known.messageId === messageId,
  );
  if (part) return withPart(turn, part, change(part));
  return withPart(
    turn,
    undefined,
    change({ kind: "text", messageId, text: "", isComplete: false }),
  );
}

function withCall(
  turn: Turn,
  toolCallId: string,
  change: (part: ToolCallPart) => ToolCallPart,
): Turn {
  const part = turn.parts.find(
    (known): known is ToolCallPart => known.kind === "tool-call" && known.toolCallId === toolCallId,
  );
  if (part) return withPart(turn, part, change(part));
  const state = { kind: "running" } as const;
  const added = { kind: "tool-call", toolCallId, name: "", inputJson: "", state } as const;
  return withPart(turn, undefined, change(added));
}

function withPart(turn: Turn, before: Part | undefined, after: Part): Turn {
  const parts = before
    ? turn.parts.map((part) => (part === before ? after : part))
    : [...turn.parts, after];
  return { ...turn, parts };
}

function ended(turn: Turn, state: TurnState): Turn {
  const parts = turn.parts.map((part): Part => {
    if (part.kind === "text") return { ...part, isComplete: true };
    return part.state.kind === "running" ? { ...part, state: { kind: "stopped" } } : part;
  });
  return { ...turn, parts, state };
}

function toCallState(content: string): ToolCallState {
  const result = parseToolResult(content);
  if (result === undefined) return { kind: "error", code: "unreadable", message: content };
  if (result.ok) return { kind: "ok", outputJson: JSON.stringify(result.output ?? null) };
  return { kind: "error", ...result.error };
}

type ToolResult =
  | { readonly ok: true; readonly output: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

function parseToolResult(content: string): ToolResult | undefined {
  try {
    const result: unknown = JSON.parse(content);
    const isResult = typeof result === "object" && result !== null && "ok" in result;
    return isResult ? (result as ToolResult) : undefined;
  } catch {
    return undefined;
  }
}

/** The conversation that a snapshot shows; where it does not tell a turn's end, the known one. */
function fromSnapshot(
  known: Conversation,
  frame: EventFrame,
  { messages, metadata }: Extract<RunEvent, { type: "MESSAGES_SNAPSHOT" }>,
): Conversation {
  const told = new Map(metadata?.turns?.map((turn) => [turn.id, toEnd(turn)]));
  const lastUser = messages.findLast(({ role }) => role === "user");
  const turns: Turn[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const turnId = message.turnId ?? (message === lastUser ? frame.turnId : message.id);
    if (message.role === "user") turns.push({ ...emptyTurn(turnId), message: toUserText(message) });
    else if (last) turns[turns.length - 1] = withMessage(last, message);
    else turns.push(withMessage(emptyTurn(turnId), message));
  }
  const ids = new Set(turns.map(({ turnId }) => turnId));
  return {
    epoch: frame.epoch,
    seq: frame.seq,
    turns: turns.map((turn) => ended(turn, told.get(turn.turnId) ?? knownEnd(known, turn.turnId))),
    queued: known.queued.filter(({ turnId }) => !ids.has(turnId)),
    isStale: false,
  };
}

function toEnd({ state, failure }: TurnSummary): TurnState | undefined {
  if (state === "completed" || state === "cancelled") return { kind: state };
  if (state !== "failed") return undefined;
  return { kind: state, code: failure?.code ?? "", message: failure?.message ?? "" };
}

function emptyTurn(turnId: string): Turn {
  return { turnId, message: undefined, parts: [], state: { kind: "unknown" } };
}

function toUserText(message: AgMessage): UserText {
  return { id: message.id, text: message.content ?? "" };
}

function withMessage(turn: Turn, message: AgMessage): Turn {
  if (message.role === "tool") {
    return withCall(turn, message.toolCallId, (part) => ({
      ...part,
      state: toCallState(message.content),
    }));
  }
  const spoken = message.content
    ? withText(turn, message.id, (part) => ({ ...part, text: message.content ?? "" }))
    : turn;
  if (message.role === "user") return spoken;
  return (message.toolCalls ?? []).reduce(
    (added, call) =>
      withCall(added, call.id, (part) => ({
        ...part,
        name: call.function.name,
        inputJson: call.function.arguments,
      })),
    spoken,
  );
}

function knownEnd(known: Conversation, turnId: string): TurnState {
  const before = known.turns.find((turn) => turn.turnId === turnId);
  if (before === undefined || before.state.kind === "running") return { kind: "unknown" };
  return before.state;
}
