import type { Approval } from "#domain/approval/approval.ts";
import type { Message, MessagePart } from "#domain/message/message.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { MessageId, TaskId, TurnId } from "#domain/shared/id.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { Task } from "#domain/task/task.ts";
import { type FinalTurnState, TIME_SAVED_EVERY_MS } from "#domain/turn/turn.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";
import type { SaveTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { NowMs } from "../ports/clock.ts";
import type { TurnDispatch } from "../ports/turn-runner.ts";
import { isStoreAway, whileStoreIsAway } from "../ports/while-store-is-away.ts";
import { isAbandonment } from "./turn-signal.ts";

/** Shows events of a running turn to whoever follows it, in order. */
export type ShowEvents = (dispatch: TurnDispatch, events: readonly NumberedEvent[]) => void;

export interface TurnRecorderDeps {
  readonly dispatch: TurnDispatch;
  readonly turns: Pick<TurnLog, "save">;
  readonly show: ShowEvents;
  readonly nowMs: NowMs;
  /** When the run began. */
  readonly startedAtMs: number;
  /** Aborted with `ABANDONED` it ends the waiting for a store that is away; else nothing here. */
  readonly signal: AbortSignal;
}

/** Deltas that come within this time of the last shown one are shown as one. */
const COALESCE_MS = 15;

type DeltaEvent = Extract<TurnEvent, { kind: "text-delta" | "reasoning-delta" }>;
/** What one write says besides all that is unsaved. */
type Closing = Pick<SaveTurn, "end" | "pause" | "approvals" | "joined" | "background">;
type Written = Omit<SaveTurn, "turnId" | "sessionId" | "epoch" | "ranMs" | "nowMs">;

interface Unsaved {
  readonly messages: SaveTurn["messages"][number][];
  readonly tasks: Map<string, Task>;
  readonly events: NumberedEvent[];
  readonly modelCalls: ModelCall[];
  taint: SessionTaint | undefined;
}

/**
 * Numbers what a turn brings forth, shows it at once and keeps what is not stored yet. Text goes
 * out in strokes: the first delta at once, those that follow within 15 ms together. What is stored of
 * a turn is stored one after the other.
 */
export class TurnRecorder {
  readonly #deps: TurnRecorderDeps;
  #headSeq: number;
  #position: number;
  #unsaved = empty();
  /** Up to when the turn's time is on record. */
  #savedAtMs: number;
  /** What is being stored; never rejects. */
  #storing: Promise<void> | undefined;
  #isClosed = false;
  #pending: DeltaEvent | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `position`: where the next message of this turn goes, the user's being 0. */
  constructor(deps: TurnRecorderDeps, position: number) {
    this.#deps = deps;
    this.#headSeq = deps.dispatch.headSeq;
    this.#position = position;
    this.#savedAtMs = deps.startedAtMs;
  }

  /** The number of the last event. */
  get headSeq(): number {
    return this.#headSeq;
  }

  addEvents(...events: readonly TurnEvent[]): void {
    this.#flushText();
    this.#add(events);
  }

  addText(messageId: MessageId, delta: string): void {
    this.#addDelta({ kind: "text-delta", messageId, delta });
  }

  addReasoning(messageId: MessageId, delta: string): void {
    this.#addDelta({ kind: "reasoning-delta", messageId, delta });
  }

  /** Adds a message to the turn. */
  addMessage(
    id: MessageId,
    role: Message["role"],
    parts: readonly MessagePart[],
    isComplete = true,
  ) {
    const { sessionId, turnId } = this.#deps.dispatch;
    const createdAtMs = this.#deps.nowMs();
    const message: Message = { id, sessionId, turnId, role, parts, isComplete, createdAtMs };
    this.#unsaved.messages.push({ position: this.#position, message });
    this.#position += 1;
    return message;
  }

  /** Adds a task, or puts a later state of it in place of the earlier one. */
  addTask(task: Task): void {
    this.#unsaved.tasks.set(task.id, task);
  }

  addModelCall(call: ModelCall): void {
    this.#unsaved.modelCalls.push(call);
  }

  /** All that the session has come into touch with by now. */
  setTaint(taint: SessionTaint): void {
    this.#unsaved.taint = taint;
  }

  /** Stores all there is up to now, and which tasks go on without the turn; see `TurnLog.save`. */
  async save(background: readonly TaskId[] = []): Promise<void> {
    while (this.#storing !== undefined) await this.#storing;
    this.#flushText();
    await this.#store([], background.length === 0 ? {} : { background });
  }

  /** Stores the end of the turn, then shows it, after what there is to say just before. */
  async end(state: FinalTurnState, before: readonly TurnEvent[] = []): Promise<void> {
    await this.#close([...before, endEvent(state)], { end: state });
  }

  /** Stores that the turn waits for these approvals, then shows it. Nothing may follow. */
  async pause(approvals: readonly Approval[], fresh: readonly Approval[]): Promise<void> {
    const event = { kind: "turn-paused", approvals: approvals.map(({ card }) => card) } as const;
    await this.#close([event], { pause: { sinceMs: this.#deps.nowMs() }, approvals: fresh });
  }

  /**
   * Takes messages of other turns into this one: stores that, then shows it. Rejects with `Fault`
   * `TURN_JOINED` where one of those turns is not to be had any more; then nothing is changed.
   */
  async join(joined: readonly JoinedMessage[]): Promise<readonly Message[]> {
    while (this.#storing !== undefined) await this.#storing;
    this.#flushText();
    const { sessionId, turnId } = this.#deps.dispatch;
    const messages = joined.map(({ message }) => ({ ...message, sessionId, turnId }));
    const positioned = messages.map((message, at) => ({ position: this.#position + at, message }));
    const events = joined.map(({ message: { id: messageId }, text }) => {
      return { kind: "message-joined", messageId, text } as const;
    });
    const last = this.#number(events);
    const turnIds = joined.map((each) => each.turnId);
    await this.#store(last, { joined: turnIds }, positioned);
    this.#position += messages.length;
    this.#headSeq += last.length;
    this.#deps.show(this.#deps.dispatch, last);
    return messages;
  }

  /**
   * Stores how long the turn has run, and nothing else, where that was not done for two seconds. To
   * be called every now and then; a store that is away is for the next time. Gives "fenced" where the
   * turn is not this run's any more. Never rejects.
   */
  async saveTime(): Promise<"saved" | "not-saved" | "fenced"> {
    const { signal, nowMs } = this.#deps;
    const isBusy = this.#isClosed || this.#storing !== undefined || isAbandonment(signal.reason);
    if (isBusy || nowMs() - this.#savedAtMs < TIME_SAVED_EVERY_MS) return "not-saved";
    try {
      await this.#hold(this.#write({ messages: [], tasks: [], events: [] }));
      return "saved";
    } catch (error) {
      if (isStoreAway(error)) return "not-saved";
      this.#isClosed = true;
      if (error instanceof Fault && error.code === "TURN_FENCED") return "fenced";
      // The next write of the run fails the same way, where somebody waits for it.
      return "not-saved";
    }
  }

  /** Stops the clockwork of a turn that is given up. */
  abandon(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#pending = undefined;
  }

  async #close(events: readonly TurnEvent[], closing: Closing): Promise<void> {
    this.#isClosed = true;
    while (this.#storing !== undefined) await this.#storing;
    this.#flushText();
    clearTimeout(this.#timer);
    const last = this.#number(events);
    await this.#store(last, closing);
    this.#headSeq += last.length;
    this.#deps.show(this.#deps.dispatch, last);
  }

  /** Stores what is unsaved, trying again for as long as the store is unavailable. */
  async #store(
    last: readonly NumberedEvent[],
    closing: Closing = {},
    joined: SaveTurn["messages"] = [],
  ): Promise<void> {
    const { signal, dispatch } = this.#deps;
    const unsaved = this.#unsaved;
    const { messages, tasks, events, modelCalls, taint } = unsaved;
    this.#unsaved = empty();
    const written = {
      messages: [...messages, ...joined],
      tasks: [...tasks.values()],
      events: [...events, ...last],
      ...(modelCalls.length === 0 ? {} : { modelCalls }),
      ...(taint === undefined ? {} : { taint }),
      ...closing,
    };
    try {
      await this.#hold(whileStoreIsAway(signal, () => this.#write(written), isAbandonment));
    } catch (error) {
      // Nothing else is added meanwhile: whoever joins messages waits for it.
      if (error instanceof Fault && error.code === "TURN_JOINED") this.#unsaved = unsaved;
      if (!isAbandonment(error)) throw error;
      throw new Fault("TURN_FENCED", `Turn "${dispatch.turnId}" was given up`);
    }
  }

  /** One try, with the time that the turn has run, which is harmless to say twice. */
  async #write(written: Written): Promise<void> {
    const { turns, nowMs, dispatch, startedAtMs } = this.#deps;
    const { turnId, sessionId, epoch } = dispatch;
    const now = nowMs();
    const ranMs = (dispatch.ranMs ?? 0) + Math.max(0, now - startedAtMs);
    const time = ranMs === 0 ? {} : { ranMs };
    await turns.save({ turnId, sessionId, epoch, ...written, ...time, nowMs: now });
    this.#savedAtMs = now;
  }

  /** Has whatever is to be stored next wait for this. */
  #hold(storing: Promise<void>): Promise<void> {
    const settle = () => {
      this.#storing = undefined;
    };
    this.#storing = storing.then(settle, settle);
    return storing;
  }

  #addDelta(event: DeltaEvent): void {
    const pending = this.#pending;
    if (pending?.kind === event.kind && pending.messageId === event.messageId) {
      this.#pending = { ...pending, delta: pending.delta + event.delta };
      return;
    }
    this.#flushText();
    if (this.#timer !== undefined) {
      this.#pending = event;
      return;
    }
    this.#add([event]);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushText();
    }, COALESCE_MS);
  }

  #add(events: readonly TurnEvent[]): void {
    if (events.length === 0) return;
    const numbered = this.#number(events);
    this.#headSeq += events.length;
    this.#unsaved.events.push(...numbered);
    this.#deps.show(this.#deps.dispatch, numbered);
  }

  #number(events: readonly TurnEvent[]): readonly NumberedEvent[] {
    return events.map((event, index) => ({ seq: this.#headSeq + 1 + index, event }));
  }

  #flushText(): void {
    if (this.#pending === undefined) return;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#add([pending]);
  }
}

/** A message that joins the turn, and the turn that it was to have of its own. */
export interface JoinedMessage {
  readonly turnId: TurnId;
  readonly message: Message;
  readonly text: string;
}

function empty(): Unsaved {
  return { messages: [], tasks: new Map(), events: [], modelCalls: [], taint: undefined };
}

function endEvent(state: FinalTurnState): TurnEvent {
  switch (state.kind) {
    case "completed":
      return { kind: "turn-completed" };
    case "cancelled":
      return { kind: "turn-cancelled" };
    case "failed":
      return { kind: "turn-failed", failure: state.failure };
    default:
      return state satisfies never;
  }
}
