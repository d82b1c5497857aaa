import type {
  AgMessage,
  ApprovalCard,
  ApprovalEnd,
  Compaction,
  CustomEvent,
  EventFrame,
  Fork,
  ModelFailure,
  RunEvent,
  SendMode,
  Taint,
  TurnSpend,
  TurnSummary,
} from "./protocol.ts";

/** What one session looks like after its events up to `seq`. */
export interface Conversation {
  readonly epoch: number;
  readonly seq: number;
  /** Turns that have begun, in the order they ran. */
  readonly turns: readonly Turn[];
  /** Turns the server has accepted that have not begun. */
  readonly queued: readonly QueuedTurn[];
  /** Where the branch that is shown has others beside it; absent where there is one branch. */
  readonly branch?: Branch;
  /** What the session has seen and holds; absent while it is nothing. */
  readonly taint?: Taint;
  /** The server began anew behind our back: only a snapshot can go on from here. */
  readonly isStale: boolean;
}

export interface Branch {
  readonly forks: readonly Fork[];
  /** Turns of other branches. */
  readonly hidden: ReadonlySet<string>;
}

export interface Turn {
  readonly turnId: string;
  readonly message: UserText | undefined;
  readonly parts: readonly Part[];
  readonly state: TurnState;
  /** What it took in all; told just before its end. */
  readonly spent?: TurnSpend;
}

export interface QueuedTurn {
  readonly turnId: string;
  readonly message: UserText;
  readonly mode?: SendMode;
}

export interface UserText {
  readonly id: string;
  readonly text: string;
}

export type TurnState =
  | { readonly kind: "running" }
  /** It goes on when people have decided about the calls that it asks for. */
  | { readonly kind: "waiting" }
  /** Seen in a snapshot only, and not ended there: it runs, or it waits. */
  | { readonly kind: "unknown" }
  | { readonly kind: "completed" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export type Part = TextPart | ReasoningPart | ToolCallPart | ApprovalPart | JoinedPart | NoticePart;

/** What is shown of the model's thoughts. */
export interface ReasoningPart {
  readonly kind: "reasoning";
  readonly messageId: string;
  readonly text: string;
  readonly isComplete: boolean;
}

/** A call that people are asked about. */
export interface ApprovalPart {
  readonly kind: "approval";
  readonly card: ApprovalCard;
  /** `closed`: the turn ended before anybody decided. */
  readonly end: ApprovalEnd | "closed" | undefined;
}

/** A message that came while the turn ran and was taken into it. */
export interface JoinedPart {
  readonly kind: "joined";
  readonly messageId: string;
  readonly text: string;
}

/** Something that happened behind the text. */
export interface NoticePart {
  readonly kind: "notice";
  readonly id: string;
  readonly notice:
    | ({ readonly kind: "model-failed" } & ModelFailure)
    | ({ readonly kind: "compacted" } & Compaction);
}

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

/** The turns of the branch that is shown. */
export function shownTurns({ turns, branch }: Conversation): readonly Turn[] {
  return branch === undefined ? turns : turns.filter(({ turnId }) => !branch.hidden.has(turnId));
}

/** The turns beside one, itself included, and where it stands among them. */
export function findFork(conversation: Conversation, turnId: string): Fork | undefined {
  return conversation.branch?.forks.find(({ inUse }) => inUse === turnId);
}

/** Takes in what the server says of branches. */
export function setBranch(
  { branch: _before, ...rest }: Conversation,
  branch: Branch | undefined,
): Conversation {
  return branch === undefined ? rest : { ...rest, branch };
}

/** Takes in what a turn waits for that no event has told us of. */
export function addWaiting(
  conversation: Conversation,
  turnId: string,
  cards: readonly ApprovalCard[],
): Conversation {
  const turns = conversation.turns.map((turn): Turn => {
    if (turn.turnId !== turnId || turn.state.kind !== "unknown") return turn;
    const ids = new Set(cards.map(({ toolCallId }) => toolCallId));
    const parts = turn.parts.map((part): Part => {
      const isAsked = part.kind === "tool-call" && ids.has(part.toolCallId);
      return isAsked ? { ...part, state: { kind: "running" } } : part;
    });
    return withCards({ ...turn, parts, state: { kind: "waiting" } }, cards);
  });
  return { ...conversation, turns };
}

/** What the session has come into touch with, where no event has told us of it. */
export function addTaint(conversation: Conversation, taint: Taint): Conversation {
  const isNothing = taint.untrusted === undefined && taint.private === undefined;
  return isNothing ? conversation : { ...conversation, taint: { ...taint, ...conversation.taint } };
}

/** The calls that wait for somebody's word. */
export function findOpenCards(conversation: Conversation): readonly ApprovalCard[] {
  return conversation.turns
    .filter(({ state }) => state.kind === "waiting")
    .flatMap(({ parts }) => parts)
    .flatMap((part) => (part.kind === "approval" && part.end === undefined ? [part.card] : []));
}

/** What a message says, the user's or the agent's; nothing where it is not among those on show. */
export function findMessageText({ turns }: Conversation, messageId: string): string | undefined {
  for (const { message, parts } of turns) {
    if (message?.id === messageId) return message.text;
    const part = parts.find(
      (each) => (each.kind === "text" || each.kind === "joined") && each.messageId === messageId,
    );
    if (part?.kind === "text" || part?.kind === "joined") return part.text;
  }
  return undefined;
}

/** The turn that runs, else the first that waits: what a stop button stops. */
export function findOpenTurn(conversation: Conversation): string | undefined {
  const running = conversation.turns.find(
    ({ state }) => state.kind === "running" || state.kind === "waiting",
  );
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
    ...withCustom(conversation, event),
    turns: turn
      ? conversation.turns.map((known) => (known === turn ? after : known))
      : [...conversation.turns, after],
    queued: conversation.queued.filter((known) => known !== queued && !isJoinedBy(known, event)),
  };
}

/** What an event says of the session as a whole. */
function withCustom(conversation: Conversation, event: RunEvent): Conversation {
  if (event.type !== "CUSTOM" || event.name !== "nexflow.session-tainted") return conversation;
  return { ...conversation, taint: { ...conversation.taint, ...event.value.taint } };
}

/** A message that joined a turn waits no more for one of its own. */
function isJoinedBy({ message }: QueuedTurn, event: RunEvent): boolean {
  return (
    event.type === "CUSTOM" &&
    event.name === "nexflow.message-joined" &&
    event.value.messageId === message.id
  );
}

function stepTurn(turn: Turn, event: RunEvent): Turn {
  if (event.type === "RUN_FINISHED" && event.outcome?.interrupts !== undefined) {
    const cards = event.outcome.interrupts.flatMap(({ metadata }) => metadata?.card ?? []);
    return withCards({ ...turn, state: { kind: "waiting" } }, cards);
  }
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
      if (event.input?.resume !== undefined) return withDecisions(turn, event.input.resume);
      const user = event.input?.messages.findLast(({ role }) => role === "user");
      const message = user ? toUserText(user) : turn.message;
      return { ...turn, message, parts: [] };
    }
    case "REASONING_MESSAGE_START":
      return withReasoning(turn, event.messageId, (part) => part);
    case "REASONING_MESSAGE_CONTENT":
      return withReasoning(turn, event.messageId, (part) => ({
        ...part,
        text: part.text + event.delta,
      }));
    case "REASONING_MESSAGE_END":
      return withReasoning(turn, event.messageId, (part) => ({ ...part, isComplete: true }));
    case "CUSTOM":
      return stepCustom(turn, event);
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

function stepCustom(turn: Turn, event: CustomEvent): Turn {
  switch (event.name) {
    case "nexflow.model-failed": {
      const { messageId } = event.value;
      // The text of the attempt that failed gets no further.
      const parts = turn.parts.map(
        (part): Part =>
          part.kind === "text" && part.messageId === messageId
            ? { ...part, isComplete: true }
            : part,
      );
      return withNotice({ ...turn, parts }, { kind: "model-failed", ...event.value });
    }
    case "nexflow.message-joined":
      return withPart(turn, undefined, { kind: "joined", ...event.value });
    case "nexflow.context-compacted":
      return withNotice(turn, { kind: "compacted", ...event.value });
    case "nexflow.turn-spent":
      return { ...turn, spent: event.value };
    case "nexflow.session-tainted":
      return turn;
    default:
      // A newer server's event.
      event satisfies never;
      return turn;
  }
}

function withNotice(turn: Turn, notice: NoticePart["notice"]): Turn {
  const id = `notice-${turn.parts.length}`;
  return withPart(turn, undefined, { kind: "notice", id, notice });
}

/** Adds what is not shown already: a turn may be told of twice. */
function withCards(turn: Turn, cards: readonly ApprovalCard[]): Turn {
  return cards.reduce((added, card) => {
    const known = added.parts.find(
      (part) => part.kind === "approval" && part.card.approvalId === card.approvalId,
    );
    return known ? added : withPart(added, undefined, { kind: "approval", card, end: undefined });
  }, turn);
}

type Resume = NonNullable<
  NonNullable<Extract<RunEvent, { type: "RUN_STARTED" }>["input"]>["resume"]
>;

function withDecisions(turn: Turn, resume: Resume): Turn {
  const ends = new Map(resume.map(({ interruptId, payload }) => [interruptId, payload?.decision]));
  const parts = turn.parts.map((part): Part => {
    const end = part.kind === "approval" ? ends.get(part.card.approvalId) : undefined;
    return part.kind === "approval" && end !== undefined ? { ...part, end } : part;
  });
  return { ...turn, parts };
}

function withReasoning(
  turn: Turn,
  messageId: string,
  change: (part: ReasoningPart) => ReasoningPart,
): Turn {
  const part = turn.parts.find(
    (known): known is ReasoningPart => known.kind === "reasoning" && known.messageId === messageId,
  );
  const before = part ?? { kind: "reasoning", messageId, text: "", isComplete: false };
  return withPart(turn, part, change(before));
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
    if (part.kind === "text" || part.kind === "reasoning") return { ...part, isComplete: true };
    if (part.kind === "approval") return { ...part, end: part.end ?? "closed" };
    if (part.kind !== "tool-call" || part.state.kind !== "running") return part;
    return { ...part, state: { kind: "stopped" } };
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
    ...(known.branch && { branch: known.branch }),
    ...(known.taint && { taint: known.taint }),
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
  if (before === undefined || before.state.kind === "running" || before.state.kind === "waiting")
    return { kind: "unknown" };
  return before.state;
}
