import { stoppedBy } from "#domain/brake/brake.ts";
import type { Message } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { TurnControlsNow } from "#domain/turn/turn-controls.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import type { RunState } from "./run-state.ts";

/**
 * Asks the store whether the turn may go on. Throws `Fault` `STOPPED` where the brake is on;
 * whatever else there is to know is given.
 */
export async function assertReleased(run: RunState): Promise<TurnControlsNow> {
  const now = await readControls(run);
  run.contextVersion = now.contextVersion;
  if (now.brake !== undefined) throw stoppedBy(now.brake);
  return now;
}

/** As `assertReleased`, and takes in the messages that came to steer the turn. */
export async function lookAround(run: RunState): Promise<void> {
  for (;;) {
    const { steering } = await assertReleased(run);
    if (steering.length === 0 || (await hasJoined(run, steering))) return;
  }
}

/** False where one of the messages has a run of its own by now, or is cancelled: look again. */
async function hasJoined(run: RunState, steering: readonly QueuedTurn[]): Promise<boolean> {
  const joined = await Promise.all(
    steering.map(async (turn) => {
      return { turnId: turn.turnId, message: await toMessage(run, turn), text: turn.text };
    }),
  );
  try {
    run.addJoined(await run.recorder.join(joined));
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === "TURN_JOINED") return false;
    throw error;
  }
}

async function toMessage(
  { deps, stop }: RunState,
  { turnId, sessionId, messageId: id, text, acceptedAtMs: createdAtMs, ...turn }: QueuedTurn,
): Promise<Message> {
  if (turn.hasImages === true) {
    const read = () => deps.readTurn.listMessages({ id: turnId, sessionId });
    const messages = await stop.race(whileStoreIsAway(stop.signal, read));
    const stored = messages.find((message) => message.id === id);
    if (stored !== undefined) return stored;
  }
  const parts = [{ kind: "text", text }] as const;
  return { id, sessionId, turnId, role: "user", parts, isComplete: true, createdAtMs };
}

/** Waits for a store that is away for as long as the turn may run. */
function readControls({ deps, dispatch, stop }: RunState): Promise<TurnControlsNow> {
  return stop.race(whileStoreIsAway(stop.signal, () => deps.controls.read(dispatch)));
}
