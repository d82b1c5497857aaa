import { type Approval, type AskedCall, useApproval } from "#domain/approval/approval.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import { mergeTaint, needsApproval, type SessionTaint } from "#domain/session/session-taint.ts";
import { canonicalJson } from "#domain/shared/canonical-json.ts";
import { parseApprovalId } from "#domain/shared/id.ts";
import type { PreparedCall, ToolCall } from "../ports/tool-runner.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import { assertReleased } from "./look-around.ts";
import type { RunState } from "./run-state.ts";

/** Whether a call may be made. */
export type Clearance =
  | { readonly kind: "cleared" }
  /** A person has to be asked, or was and has not decided. `isNew`: nobody was asked yet. */
  | { readonly kind: "asked"; readonly approval: Approval; readonly isNew: boolean }
  | { readonly kind: "refused"; readonly outcome: ToolOutcome };

/** For how long a question stands that no policy asked. */
const RULE_EXPIRES_MS = 24 * 60 * 60_000;
/** Others may use the same grants at the same time. */
const LOOKS_MOST = 5;

interface Reason {
  readonly rule: string;
  readonly reason: string;
  readonly expiresInMs: number;
}

/**
 * Finds out whether a call may be made: by policy and by what its session has come into touch with.
 * What a person has granted is used up before the promise is fulfilled. `earlier` is the answer to
 * the question that this very call had brought about. Waits for a store that is away. Rejects with
 * `Fault` `STOPPED` where a person would have to be asked and the brake is on.
 */
export async function clearCall(
  run: RunState,
  plan: PreparedCall,
  { call, earlier }: { readonly call: ToolCall; readonly earlier?: Approval | undefined },
): Promise<Clearance> {
  const refused = earlier && refusalOf(earlier);
  if (refused !== undefined) return { kind: "refused", outcome: refused };
  const reason = reasonToAsk(plan, run.taint);
  if (reason === undefined) return { kind: "cleared" };
  // No grant is lost to a call that the brake keeps from being made.
  await assertReleased(run);
  const asked = toAskedCall(run, plan, call);
  if (earlier?.state.kind === "pending" && earlier.expiresAtMs > run.deps.nowMs()) {
    return { kind: "asked", approval: earlier, isNew: false };
  }
  if (await isGranted(run, asked, plan)) return { kind: "cleared" };
  return { kind: "asked", approval: toApproval(run, plan, { call, asked, reason }), isNew: true };
}

/** Whether a call reaches the outside, by what it says or by what it was granted. */
export function actsOutside({ tool, decision }: PreparedCall): boolean {
  return tool.effects.includes("external") || decision.facts.actsOutside;
}

function refusalOf({ state }: Approval): ToolOutcome | undefined {
  switch (state.kind) {
    case "pending":
    case "granted":
      return undefined;
    case "denied": {
      const why = state.reason === undefined ? "" : `: ${state.reason}`;
      const message = `A person denied this call${why}. Do not make it again unless you are told to`;
      return { kind: "error", code: "approval-denied", message };
    }
    case "revoked":
      return {
        kind: "error",
        code: "approval-denied",
        message: "A person granted this call and took that back. Do not make it again",
      };
    case "expired":
      return {
        kind: "error",
        code: "approval-expired",
        message: "Nobody decided about this call in time. It was not made",
      };
    default:
      return state satisfies never;
  }
}

/** Why a person has to be asked, where one has to. */
function reasonToAsk(plan: PreparedCall, taint: SessionTaint): Reason | undefined {
  const { decision } = plan;
  if (decision.kind === "ask") {
    const { facts, reason, expiresInMs } = decision;
    return { rule: facts.rule, reason, expiresInMs };
  }
  const { skill, tool } = plan.task;
  // What the tool can use counts too: it could send that.
  const { holdsPrivate } = decision.facts;
  const touched = mergeTaint(taint, holdsPrivate ? { private: `tool ${skill}.${tool}` } : {});
  if (!actsOutside(plan) || !needsApproval(touched)) return undefined;
  const reason =
    `The session has read what strangers wrote (${touched.untrusted}) and holds private data ` +
    `(${touched.private}): nothing may go outside without a person's word`;
  return { rule: "rule of two", reason, expiresInMs: RULE_EXPIRES_MS };
}

/** Uses a grant for the call, where there is one. */
async function isGranted(run: RunState, asked: AskedCall, plan: PreparedCall): Promise<boolean> {
  const { approvals, nowMs } = run.deps;
  const { sessionId, skill, tool } = asked;
  const { signal } = run.stop;
  const list = () => approvals.listGrants({ sessionId, skill, tool });
  for (let look = 0; look < LOOKS_MOST; look++) {
    const grants = await run.stop.race(whileStoreIsAway(signal, list));
    const used = grants.map((grant) => useApproval(grant, asked, nowMs())).find(Boolean);
    if (used === undefined) return false;
    if (await isUsedUp(run, used)) return true;
  }
  run.deps.log.warn({ taskId: plan.task.id }, "The grants of a call were used by others each time");
  return false;
}

/** Stores that a grant is used. False where it was written since by somebody else. */
async function isUsedUp({ deps, stop }: RunState, used: Approval): Promise<boolean> {
  const { approvals } = deps;
  const { id, turnId, revision } = used;
  let isDoubtful = false;
  const save = async () => {
    const saved = approvals.save(used);
    return saved.catch((error: unknown) => {
      isDoubtful = true;
      throw error;
    });
  };
  const saved = await stop.race(whileStoreIsAway(stop.signal, save));
  if (saved === "saved" || !isDoubtful) return saved === "saved";
  // The answer may have been lost. A session has one run: that wrote it, unless a person took it back.
  const list = () => approvals.listOfTurn(turnId);
  const now = await stop.race(whileStoreIsAway(stop.signal, list));
  const found = now.find((approval) => approval.id === id);
  return found?.state.kind === "granted" && found.revision === revision + 1;
}

function toAskedCall(run: RunState, { task }: PreparedCall, { toolCallId }: ToolCall): AskedCall {
  const { skill, tool, skillDigest, input } = task;
  const { sessionId, turnId } = run.dispatch;
  const inputHash = run.deps.hash(canonicalJson(input));
  return { sessionId, turnId, toolCallId, skill, skillDigest, tool, input, inputHash };
}

interface Question {
  readonly call: ToolCall;
  readonly asked: AskedCall;
  readonly reason: Reason;
}

/** The question to people: nothing in its card is the model's own words but the input. */
function toApproval(
  { deps, dispatch }: RunState,
  { tool, decision }: PreparedCall,
  { call, asked, reason: { rule, reason, expiresInMs } }: Question,
): Approval {
  const id = parseApprovalId(deps.newId());
  const { userId } = dispatch;
  const { toolCallId, name } = call;
  const { input, inputHash } = asked;
  const requestedAtMs = deps.nowMs();
  const expiresAtMs = requestedAtMs + expiresInMs;
  const { reaches } = decision.facts;
  const { effects } = tool;
  const question = { toolCallId, input, inputHash, expiresAtMs };
  return {
    ...asked,
    ...question,
    id,
    userId,
    card: { ...question, approvalId: id, tool: name, effects, reaches, rule, reason },
    requestedAtMs,
    state: { kind: "pending" },
    revision: 0,
  };
}
