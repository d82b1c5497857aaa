import { z } from "zod";
import { MAX_NOTE_CHARS } from "#domain/memory/note.ts";
import {
  parseApprovalId,
  parseCredentialId,
  parseMessageId,
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { SCOPES } from "#domain/user/scope.ts";
import { isUserName, ROLES } from "#domain/user/user.ts";
import { cursorOf } from "./cursor.ts";
import {
  anyJson,
  DenyReason,
  expecting,
  GrantScope,
  InputHash,
  idOf,
  MessageText,
  SendMode,
} from "./frames.ts";
import { MAX_IMAGES, readImage } from "./image-input.ts";

/*
 * What requests carry and what answers hold: requests are read by these schemas, OpenAPI is made
 * of them, and the tests hold real answers against them.
 */

/** Schemas that stand under a name of their own in the OpenAPI document. */
export const REQUESTS = z.registry<{ id: string }>();
export const ANSWERS = z.registry<{ id: string }>();

function request<T extends z.ZodType>(id: string, schema: T): T {
  REQUESTS.add(schema, { id });
  return schema;
}

function answer<T extends z.ZodType>(id: string, schema: T): T {
  ANSWERS.add(schema, { id });
  return schema;
}

const id = z.string();
const timeMs = z.int().min(0).describe("Milliseconds since 1970");
const count = z.int().min(0);
const nextCursor = z
  .string()
  .optional()
  .describe("Where the next page begins; absent on the last one");
const shownJson = z.unknown().describe("Any JSON value");

const APPROVAL_STATES = ["pending", "granted", "denied", "expired", "revoked"] as const;

/** A number as a query carries it. */
function wholeNumber(least: number, most: number) {
  const expected = `an integer from ${least} to ${most}`;
  return z
    .string(expecting(expected))
    .regex(/^\d{1,16}$/u, expecting(expected))
    .transform(Number)
    .pipe(z.int(expecting(expected)).min(least, expecting(expected)).max(most, expecting(expected)))
    .describe(`From ${least} to ${most}`);
}

const limit = wholeNumber(1, 200).default(50);
const idCursor = <Id>(what: string, parse: (raw: string) => Id) =>
  cursorOf(z.tuple([idOf(what, parse)])).optional();
const owner = idOf("user", parseUserId)
  .optional()
  .describe("Whose, where not your own: for those who may see others'");

/* Queries. */

export const TokensQuery = z.strictObject({
  limit,
  cursor: idCursor("token", parseCredentialId),
});
export const UsersQuery = z.strictObject({ limit, cursor: idCursor("user", parseUserId) });
export const OwnerQuery = z.strictObject({ userId: owner });
export const SessionsQuery = z.strictObject({
  limit,
  cursor: cursorOf(z.tuple([z.int().min(0), idOf("session", parseSessionId)])).optional(),
  userId: owner,
});
export const MessagesQuery = z.strictObject({
  limit: wholeNumber(1, 200).default(200),
  cursor: idCursor("message", parseMessageId),
  userId: owner,
});
export const TurnsQuery = z.strictObject({
  limit,
  cursor: idCursor("turn", parseTurnId),
  userId: owner,
});
export const TasksQuery = z.strictObject({
  limit,
  cursor: idCursor("task", parseTaskId),
  sessionId: idOf("session", parseSessionId).optional(),
  state: z
    .enum(
      ["pending", "running", "completed", "failed", "cancelled", "timed-out"],
      expecting("a state of tasks"),
    )
    .optional(),
  userId: owner,
});
export const ApprovalsQuery = z.strictObject({
  limit,
  cursor: idCursor("approval", parseApprovalId),
  sessionId: idOf("session", parseSessionId).optional(),
  state: z.enum(APPROVAL_STATES, expecting("a state of approvals")).optional(),
  userId: owner,
});
export const SchedulesQuery = z.strictObject({
  limit,
  cursor: idCursor("schedule", parseScheduleId),
  userId: owner,
});
export const FiringsQuery = z.strictObject({ limit, userId: owner });
export const AuditQuery = z.strictObject({
  limit,
  cursor: cursorOf(z.tuple([z.int().min(1)])).optional(),
  actor: shortText(200).optional(),
  action: shortText(200).optional(),
  subject: shortText(200).optional(),
  decision: z.enum(["allowed", "denied"], expecting('"allowed" or "denied"')).optional(),
  sinceMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  untilMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});
export const EventsQuery = z.strictObject({
  after: z
    .string()
    .regex(/^(?:\d{1,15}:)?\d{1,15}$/u, expecting('"<epoch>:<seq>" of an event, or a number'))
    .optional()
    .describe("The event after which to begin: `<epoch>:<seq>`. `Last-Event-ID` goes before it"),
});

/* Bodies. */

const role = z.enum(ROLES, expecting(`one of ${ROLES.join(", ")}`));
const userName = z
  .string(expecting("a name"))
  .max(80, expecting("a name of at most 80 characters"))
  .refine(isUserName, expecting("a name of 1 to 80 characters without space around it"));
const scopes = z
  .array(z.enum(SCOPES, expecting(`scopes out of ${SCOPES.join(", ")}`)), expecting("scopes"))
  .min(1, expecting("one scope or more"))
  .max(SCOPES.length, expecting("each scope once"))
  .refine((all) => new Set(all).size === all.length, expecting("each scope once"));
const label = shortText(80);

export const LoginBody = request(
  "Login",
  z.strictObject({
    token: z
      .string(expecting("a token"))
      .min(1, expecting("a token"))
      .max(512, expecting("a token of at most 512 characters")),
  }),
);
const modelName = shortText(200).describe("`<provider>/<model>` or an alias");
const IMAGES_FORM = `up to ${MAX_IMAGES} pictures in base64`;
const images = z
  .array(
    z.string(expecting(IMAGES_FORM)).transform((data, context) => {
      const read = readImage(data);
      if (read.kind === "ok") return read.image;
      context.addIssue({ code: "custom", message: `a picture: ${read.message}` });
      return z.NEVER;
    }),
    expecting(IMAGES_FORM),
  )
  .max(MAX_IMAGES, expecting(IMAGES_FORM))
  .optional()
  .describe("PNG, JPEG, WebP or GIF in base64; a body with pictures may have 8 MiB");

export const MessageBody = request("NewMessage", z.strictObject({ text: MessageText, images }));
export const SessionMessageBody = request(
  "NewSessionMessage",
  z.strictObject({
    text: MessageText,
    images,
    mode: SendMode.default("queue").describe(
      "Where a turn of the session is unfinished: `queue` waits for it, `steer` has it take the " +
        "message in at its next step, `interrupt` cancels it",
    ),
  }),
);
export const RegenerateBody = request(
  "Regenerate",
  z.strictObject({
    text: MessageText.optional().describe("What the message says instead; left out: the same"),
    model: modelName.optional().describe("Who is to answer this time"),
  }),
);
export const BranchBody = request(
  "Branch",
  z.strictObject({ turnId: idOf("turn", parseTurnId).describe("A turn of the branch") }),
);
export const BrakeBody = request(
  "Brake",
  z.strictObject({ reason: shortText(200).optional().describe("Is shown to all who write") }),
);
export const NewUserBody = request("NewUser", z.strictObject({ name: userName, role }));
export const UserChangeBody = request(
  "UserChange",
  z
    .strictObject({ name: userName.optional(), role: role.optional() })
    .refine(
      ({ name, role: given }) => name !== undefined || given !== undefined,
      expecting("a name or a role"),
    ),
);
export const NewTokenBody = request(
  "NewToken",
  z.strictObject({
    label,
    scopes: scopes.optional().describe("Left out: all that your own credential has"),
    expiresAtMs: z
      .int(expecting("a time in milliseconds"))
      .min(0, expecting("a time in milliseconds"))
      .optional(),
  }),
);

const wholeMs = z.int(expecting("milliseconds")).min(0, expecting("milliseconds"));
const NewWhen = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      kind: z.literal("cron"),
      expression: shortText(200),
      timeZone: shortText(64).default("UTC").describe("An IANA name"),
    }),
    z.strictObject({ kind: z.literal("at"), atMs: wholeMs }),
    z.strictObject({ kind: z.literal("every"), everyMs: wholeMs }),
  ],
  expecting('times of the kind "cron", "at" or "every"'),
);
const NewAction = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      kind: z.literal("message"),
      text: MessageText,
      sessionId: idOf("session", parseSessionId).optional(),
    }),
    z.strictObject({
      kind: z.literal("tool-call"),
      skill: shortText(64),
      tool: shortText(64),
      input: anyJson.describe("What the tool takes"),
    }),
  ],
  expecting('an action of the kind "message" or "tool-call"'),
);
const missed = z.enum(["skip", "once", "all"], expecting('"skip", "once" or "all"'));

export const NewScheduleBody = request(
  "NewSchedule",
  z.strictObject({
    name: shortText(100),
    when: NewWhen,
    missed: missed.default("once").describe("What becomes of times at which no server ran"),
    action: NewAction,
  }),
);
export const ScheduleChangeBody = request(
  "ScheduleChange",
  z.strictObject({
    state: z
      .enum(["active", "paused"], expecting('"active" or "paused"'))
      .describe("`paused` holds it, `active` lets it go on"),
  }),
);

export const GrantBody = request(
  "Grant",
  z.strictObject({ inputHash: InputHash, scope: GrantScope.default({ kind: "once" }) }),
);
export const DenyBody = request(
  "Denial",
  z.strictObject({ inputHash: InputHash, reason: DenyReason.optional() }),
);

export const NoteBody = request(
  "NewNote",
  z.strictObject({
    text: z
      .string()
      .max(MAX_NOTE_CHARS)
      .refine((text) => text.trim() !== "", "expected more than white space"),
  }),
);

/* Answers. */

answer(
  "Problem",
  z.strictObject({
    type: z.string().describe("The address that says what this kind of problem is"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    retryAfterMs: count.optional(),
  }),
);
export const ProblemType = answer(
  "ProblemType",
  z.strictObject({ type: z.string(), code: z.string(), status: z.int(), title: z.string() }),
);
export const Me = answer(
  "Me",
  z.strictObject({
    userId: id,
    name: z.string(),
    role: z.enum(ROLES),
    scopes: z.array(z.enum(SCOPES)).describe("What your credential may be used for"),
    model: z.string(),
    version: z.string(),
  }),
);
const model = z
  .string()
  .optional()
  .describe("The model or alias that it has chosen; else the default one answers");
export const SessionSummary = answer(
  "SessionSummary",
  z.strictObject({ id, title: z.string(), createdAtMs: timeMs, updatedAtMs: timeMs, model }),
);
export const Branches = answer(
  "Branches",
  z.strictObject({
    forks: z.array(
      z.strictObject({
        turnIds: z.array(id).describe("Turns that go on from the same one, oldest first"),
        inUse: id,
      }),
    ),
  }),
);
export const BrakeState = answer(
  "BrakeState",
  z.strictObject({
    isOn: z.boolean(),
    sinceMs: timeMs.optional(),
    by: id.optional(),
    reason: z.string().optional(),
  }),
);
export const SessionList = answer(
  "SessionList",
  z.strictObject({ sessions: z.array(SessionSummary), nextCursor }),
);
export const SessionDetail = answer(
  "Session",
  z.strictObject({
    id,
    title: z.string(),
    createdAtMs: timeMs,
    updatedAtMs: timeMs,
    model,
    seq: count.describe("The session's last stored event"),
    epoch: count,
    taint: z
      .strictObject({ untrusted: z.string().optional(), private: z.string().optional() })
      .describe(
        "What it has seen of strangers and holds of private data: where each first came from",
      ),
    spend: z
      .strictObject({ steps: count, tokens: count, costNanoUsd: count, wallMs: count })
      .describe("What it took up to now"),
  }),
);
export const SessionChangeBody = request(
  "SessionChange",
  z.strictObject({
    model: z
      .string()
      .max(300)
      .nullable()
      .describe("A model or an alias; `null`: the default one again"),
  }),
);
const perMillion = z.number().min(0).describe("US dollars for a million tokens");
export const ModelList = answer(
  "ModelList",
  z.strictObject({
    default: z.strictObject({
      name: z.string().describe("As it was written, an alias perhaps"),
      model: z.string(),
    }),
    providers: z.array(
      z.strictObject({
        name: z.string(),
        keys: count.describe("How many keys there are"),
        isUsable: z.boolean().describe("It has the key that it needs"),
      }),
    ),
    aliases: z.array(z.strictObject({ name: z.string(), model: z.string() })),
    models: z.array(
      z.strictObject({
        name: z.string(),
        isUsable: z.boolean(),
        fallbacks: z.array(z.string()),
        price: z
          .strictObject({
            input: perMillion,
            cachedInput: perMillion.optional(),
            cacheWrite: perMillion.optional(),
            output: perMillion,
          })
          .optional()
          .describe("Left out: not known, what it takes counts as free"),
        contextTokens: count.optional(),
        maxOutputTokens: count.optional(),
      }),
    ),
    allow: z
      .array(z.string())
      .optional()
      .describe("What names have to be like that may be chosen; left out: any model may be"),
    pricesAsOf: z.string().describe("The date of the built-in prices"),
  }),
);
const FailureFields = z.strictObject({ code: z.string(), message: z.string() });
const turnState = z.enum(["queued", "running", "waiting", "completed", "cancelled", "failed"]);
const TurnState = answer(
  "TurnState",
  z.strictObject({ id, state: turnState, failure: FailureFields.optional() }),
);
export const TurnDetail = answer(
  "Turn",
  z.strictObject({
    id,
    sessionId: id,
    state: turnState,
    failure: FailureFields.optional(),
    attempts: count.describe("How often it was begun"),
    createdAtMs: timeMs,
    startedAtMs: timeMs.optional(),
    endedAtMs: timeMs.optional(),
  }),
);
export const TurnList = answer(
  "TurnList",
  z.strictObject({ turns: z.array(TurnDetail), nextCursor }),
);
const AgMessage = answer(
  "Message",
  z.strictObject({
    id,
    role: z.enum(["user", "assistant", "tool"]),
    content: z.string().optional(),
    toolCalls: z
      .array(
        z.strictObject({
          id,
          type: z.literal("function"),
          function: z.strictObject({ name: z.string(), arguments: z.string() }),
        }),
      )
      .optional(),
    toolCallId: id.optional(),
    turnId: id,
    createdAtMs: timeMs,
    isComplete: z.literal(false).optional().describe("There where the text was cut off"),
  }),
);
export const MessageList = answer(
  "MessageList",
  z.strictObject({
    messages: z.array(AgMessage),
    seq: count,
    epoch: count,
    turns: z.array(TurnState),
    nextCursor: nextCursor.describe("Where older messages begin"),
  }),
);
export const Accepted = answer(
  "Accepted",
  z.strictObject({
    clientMessageId: z.string(),
    sessionId: id,
    messageId: id,
    turnId: id,
    seq: count,
  }),
);
export const Answered = answer(
  "Answered",
  z.strictObject({
    clientMessageId: z.string(),
    sessionId: id,
    messageId: id,
    turnId: id,
    seq: count,
    turn: TurnDetail,
    messages: z.array(AgMessage).describe("Those of the turn, oldest first"),
  }),
);
export const TaskDetail = answer(
  "Task",
  z.strictObject({
    id,
    userId: id,
    origin: z.union([
      z.strictObject({ kind: z.literal("turn"), sessionId: id, turnId: id, toolCallId: id }),
      z.strictObject({ kind: z.literal("schedule"), scheduleId: id }),
    ]),
    skill: z.string(),
    tool: z.string(),
    skillDigest: z.string(),
    policyHash: z.string(),
    input: shownJson,
    state: z.enum(["pending", "running", "completed", "failed", "cancelled", "timed-out"]),
    output: shownJson.optional(),
    failure: FailureFields.optional(),
    usage: z
      .strictObject({
        wallMs: z.number(),
        cpuMs: z.number(),
        memoryMiB: z.number(),
        outputBytes: z.number(),
      })
      .optional(),
    createdAtMs: timeMs,
    startedAtMs: timeMs.optional(),
    endedAtMs: timeMs.optional(),
  }),
);
const usedTokens = z.strictObject({
  inputTokens: count.describe("All that the model read, what it had in its cache included"),
  outputTokens: count.describe("All that it wrote, reasoning included"),
  cachedInputTokens: count.optional(),
  cacheWriteTokens: count.optional(),
  reasoningTokens: count.optional(),
  isEstimated: z.boolean().optional().describe("Counted here, since the service did not say"),
});
const costNanoUsd = count.describe("In billionths of a US dollar");
export const TimelineAnswer = answer(
  "Timeline",
  z.strictObject({
    turn: TurnDetail,
    entries: z
      .array(
        z.discriminatedUnion("kind", [
          z.strictObject({
            kind: z.literal("model-call"),
            id,
            step: count,
            model: z.string(),
            state: z.enum(["reserved", "answered", "failed", "cancelled"]),
            startedAtMs: timeMs,
            firstTokenAtMs: timeMs.optional(),
            endedAtMs: timeMs.optional(),
            usage: usedTokens.describe("While it is reserved, what it may take at most"),
            costNanoUsd,
            failure: FailureFields.optional(),
          }),
          z.strictObject({
            kind: z.literal("tool-call"),
            taskId: id,
            toolCallId: id.optional(),
            tool: z.string().describe("`<skill>.<tool>`"),
            state: TaskDetail.shape.state,
            startedAtMs: timeMs,
            endedAtMs: timeMs.optional(),
            usage: TaskDetail.shape.usage,
            policyHash: z.string(),
            failure: FailureFields.optional(),
          }),
          z.strictObject({
            kind: z.literal("approval"),
            approvalId: id,
            toolCallId: id,
            tool: z.string().describe("`<skill>.<tool>`"),
            state: z.enum(["pending", "granted", "denied", "expired", "revoked"]),
            startedAtMs: timeMs,
            endedAtMs: timeMs.optional().describe("When it was decided"),
            by: id.optional(),
          }),
        ]),
      )
      .describe("By the time at which each began"),
    totals: z.strictObject({
      steps: count,
      modelCalls: count,
      toolCalls: count,
      approvals: count,
      inputTokens: count,
      outputTokens: count,
      costNanoUsd,
      ms: count.optional().describe("From acceptance to the end"),
    }),
  }),
);
export const TaskList = answer(
  "TaskList",
  z.strictObject({ tasks: z.array(TaskDetail), nextCursor }),
);
const ApprovalCardAnswer = answer(
  "ApprovalCard",
  z.strictObject({
    approvalId: id,
    toolCallId: id,
    tool: z.string().describe("`<skill>.<tool>`"),
    input: shownJson.describe("Exactly what the tool would get"),
    inputHash: z.string(),
    effects: z.array(z.enum(["read", "write", "external"])),
    reaches: z.array(z.string()).describe("What the call may reach under its policy"),
    rule: z.string().describe("The line of the policy, or the rule, that asks"),
    reason: z.string(),
    expiresAtMs: timeMs,
  }),
);
export const ApprovalDetail = answer(
  "Approval",
  z.strictObject({
    id,
    userId: id,
    sessionId: id,
    turnId: id,
    state: z.enum(APPROVAL_STATES),
    card: ApprovalCardAnswer,
    requestedAtMs: timeMs,
    decidedBy: id.optional(),
    decidedAtMs: timeMs.optional(),
    reason: z.string().optional().describe("Why it was denied"),
    scope: z
      .union([
        z.strictObject({ kind: z.literal("once"), isUsed: z.boolean() }),
        z.strictObject({ kind: z.literal("session") }),
        z.strictObject({
          kind: z.literal("pattern"),
          fixed: z.record(z.string(), shownJson),
          usesLeft: count,
          expiresAtMs: timeMs,
        }),
      ])
      .optional(),
  }),
);
export const ApprovalList = answer(
  "ApprovalList",
  z.strictObject({ approvals: z.array(ApprovalDetail), nextCursor }),
);
export const CompactionDetail = answer(
  "Compaction",
  z.strictObject({
    id,
    sessionId: id,
    upToTurnId: id.describe("The last turn that it stands for"),
    summary: z.string(),
    model: z.string().describe('Who wrote it; "extract" where no model did'),
    messages: count,
    tokensBefore: count,
    tokensAfter: count,
    createdAtMs: timeMs,
    undoneBy: id.optional(),
    undoneAtMs: timeMs.optional(),
  }),
);
export const CompactionList = answer(
  "CompactionList",
  z.strictObject({ compactions: z.array(CompactionDetail) }),
);
export const PinList = answer("PinList", z.strictObject({ messageIds: z.array(id) }));
export const NoteDetail = answer(
  "Note",
  z.strictObject({
    id,
    text: z.string(),
    by: z.enum(["user", "agent"]),
    sessionId: id.optional(),
    turnId: id.optional(),
    untrusted: z
      .string()
      .optional()
      .describe("Where strangers' text came from that had been read by then"),
    createdAtMs: timeMs,
  }),
);
export const NoteList = answer("NoteList", z.strictObject({ notes: z.array(NoteDetail) }));
export const ScheduleDetail = answer(
  "Schedule",
  z.strictObject({
    id,
    userId: id,
    name: z.string(),
    when: z.union([
      z.strictObject({ kind: z.literal("cron"), expression: z.string(), timeZone: z.string() }),
      z.strictObject({ kind: z.literal("at"), atMs: timeMs }),
      z.strictObject({ kind: z.literal("every"), everyMs: count, anchorMs: timeMs }),
    ]),
    missed: z.enum(["skip", "once", "all"]),
    action: z.union([
      z.strictObject({ kind: z.literal("message"), text: z.string(), sessionId: id.optional() }),
      z.strictObject({
        kind: z.literal("tool-call"),
        skill: z.string(),
        tool: z.string(),
        input: shownJson,
      }),
    ]),
    state: z.enum(["active", "paused", "ended"]),
    nextAtMs: timeMs.optional(),
    lastFiredAtMs: timeMs.optional(),
    createdAtMs: timeMs,
  }),
);
export const ScheduleList = answer(
  "ScheduleList",
  z.strictObject({ schedules: z.array(ScheduleDetail), nextCursor }),
);
export const Firing = answer("Firing", z.strictObject({ scheduleId: id, dueAtMs: timeMs }));
export const FiringDetail = answer(
  "FiringDetail",
  z.strictObject({
    dueAtMs: timeMs,
    firedAtMs: timeMs.describe("When it was put on record"),
    lateMs: z.int().optional().describe("How long after its time it was begun"),
    state: z
      .enum(["waiting", "running", "done", "failed", "left-out"])
      .describe("`left-out`: the schedule was paused before it was begun"),
    endedAtMs: timeMs.optional(),
    turnId: id.optional(),
    taskId: id.optional(),
    failure: FailureFields.optional(),
  }),
);
export const FiringList = answer("FiringList", z.strictObject({ firings: z.array(FiringDetail) }));
export const UserDetail = answer(
  "User",
  z.strictObject({ id, name: z.string(), role: z.enum(ROLES), createdAtMs: timeMs }),
);
export const UserList = answer(
  "UserList",
  z.strictObject({ users: z.array(UserDetail), nextCursor }),
);
const tokenFields = {
  id,
  kind: z.enum(["browser", "link", "token"]),
  label: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAtMs: timeMs,
  expiresAtMs: timeMs.optional(),
  lastUsedAtMs: timeMs.optional().describe("Up to ten minutes behind"),
};
const TokenDetail = answer("Token", z.strictObject(tokenFields));
export const TokenList = answer(
  "TokenList",
  z.strictObject({ tokens: z.array(TokenDetail), nextCursor }),
);
export const CreatedToken = answer(
  "CreatedToken",
  z.strictObject({ ...tokenFields, secret: z.string().describe("Shown this once") }),
);
const sealed = z.union([
  z.strictObject({
    kind: z.literal("kept"),
    hash: z.string(),
    salt: z.string(),
    value: shownJson,
  }),
  z.strictObject({ kind: z.literal("erased"), hash: z.string() }),
]);
const AuditEntryDetail = answer(
  "AuditEntry",
  z.strictObject({
    seq: z.int().min(1),
    atMs: timeMs,
    action: z.string(),
    decision: z.enum(["allowed", "denied"]),
    policyHash: z.string().optional(),
    actor: sealed,
    subject: sealed,
    detail: sealed,
    prevHash: z.string(),
    hash: z.string(),
  }),
);
export const AuditList = answer(
  "AuditList",
  z.strictObject({ entries: z.array(AuditEntryDetail), nextCursor }),
);
export const AuditVerdictAnswer = answer(
  "AuditVerdict",
  z.union([
    z.strictObject({
      kind: z.literal("intact"),
      entries: count,
      erased: count,
      head: z.strictObject({ seq: count, hash: z.string() }),
    }),
    z.strictObject({ kind: z.literal("broken"), seq: count, flaw: z.string() }),
  ]),
);
export const SkillList = answer(
  "SkillList",
  z.strictObject({
    skills: z.array(
      z.strictObject({
        name: z.string(),
        version: z.string(),
        description: z.string(),
        tools: z.array(
          z.strictObject({
            name: z.string(),
            description: z.string(),
            effects: z.array(z.enum(["read", "write", "external"])),
            examples: z.array(z.string()),
          }),
        ),
      }),
    ),
    promptSkills: z
      .array(
        z.strictObject({
          name: z.string(),
          description: z.string().optional().describe("Left out: it is a stranger's"),
        }),
      )
      .describe("Skills that are text only"),
  }),
);

function shortText(most: number) {
  const expected = `1 to ${most} characters, no control characters`;
  return z
    .string(expecting(expected))
    .min(1, expecting(expected))
    .max(most, expecting(expected))
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, expecting(expected));
}
