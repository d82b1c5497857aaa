import { z } from "zod";
import { parseApprovalId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Access } from "./access.ts";
import type { Parsed } from "./bounded-json.ts";
import { parseJson } from "./bounded-json.ts";

/** The longest frame and the longest request body, in bytes. */
export const MAX_FRAME_BYTES = 65_536;

const CLIENT_ID_FORM = '1 to 64 letters, digits, "-" or "_"';
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/u;
export const MAX_TEXT_CHARS = 32_768;

const TEXT_FORM = "1 to 32,768 characters, none of them U+0000 or half a surrogate pair";

const wholeNumber = z.int(expecting("an integer from 0")).min(0, expecting("an integer from 0"));

/** The name a client gives its message, as a frame and the header `Idempotency-Key` carry it. */
export const ClientMessageId = z
  .string(expecting(CLIENT_ID_FORM))
  .regex(CLIENT_ID, expecting(CLIENT_ID_FORM));

export const MessageText = z
  .string(expecting(TEXT_FORM))
  .min(1, expecting(TEXT_FORM))
  .max(MAX_TEXT_CHARS, expecting(TEXT_FORM))
  .refine(isText, expecting(TEXT_FORM));

/** What is to become of a message where a turn of its session is unfinished. */
export const SendMode = z.enum(
  ["queue", "steer", "interrupt"],
  expecting('"queue", "steer" or "interrupt"'),
);

const Token = z
  .string(expecting("a token"))
  .min(1, expecting("a token"))
  .max(512, expecting("a token of at most 512 characters"));

/** What was parsed as JSON is JSON, and `z.json()` has a `$ref` that is good at one place only. */
export const anyJson = z
  .unknown()
  .refine((value) => value !== undefined, expecting("any JSON value"))
  .transform((value) => value as JsonValue);

const HASH_FORM = "the card's inputHash, 64 hexadecimal digits";

/** Of the arguments that who decides has seen. */
export const InputHash = z
  .string(expecting(HASH_FORM))
  .regex(/^[0-9a-f]{64}$/u, expecting(HASH_FORM));

const REASON_FORM = "a reason of 1 to 1,000 characters";

export const DenyReason = z
  .string(expecting(REASON_FORM))
  .min(1, expecting(REASON_FORM))
  .max(1_000, expecting(REASON_FORM))
  .refine(isText, expecting(REASON_FORM));

const MAX_FIXED = 32;
const FIXED_FORM = `1 to ${MAX_FIXED} arguments with their values`;
const USES_FORM = "an integer from 1 to 1000";
const MINUTES_FORM = "minutes from 1 to 10080";

export const GrantScope = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("once") }),
    z.strictObject({ kind: z.literal("session") }),
    z.strictObject({
      kind: z.literal("pattern"),
      fixed: z
        .record(z.string(), anyJson, expecting(FIXED_FORM))
        .refine(isFixed, expecting(FIXED_FORM))
        .describe("Arguments that a call must have as the one that was shown"),
      uses: z
        .int(expecting(USES_FORM))
        .min(1, expecting(USES_FORM))
        .max(1_000, expecting(USES_FORM)),
      minutes: z
        .int(expecting(MINUTES_FORM))
        .min(1, expecting(MINUTES_FORM))
        .max(10_080, expecting(MINUTES_FORM)),
    }),
  ],
  expecting('a scope of the kind "once", "session" or "pattern"'),
);

const ClientFrame = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("hello"), token: Token.optional() }),
    z.strictObject({
      type: z.literal("send"),
      clientMessageId: ClientMessageId,
      text: MessageText,
      sessionId: idOf("session", parseSessionId).optional(),
      mode: SendMode.optional(),
    }),
    z.strictObject({
      type: z.literal("subscribe"),
      sessionId: idOf("session", parseSessionId),
      after: wholeNumber,
      epoch: wholeNumber.optional(),
    }),
    z.strictObject({ type: z.literal("cancel"), turnId: idOf("turn", parseTurnId) }),
    z.strictObject({
      type: z.literal("decide"),
      approvalId: idOf("approval", parseApprovalId),
      inputHash: InputHash,
      decision: z.discriminatedUnion(
        "kind",
        [
          z.strictObject({ kind: z.literal("grant"), scope: GrantScope }),
          z.strictObject({ kind: z.literal("deny"), reason: DenyReason.optional() }),
        ],
        expecting('a decision of the kind "grant" or "deny"'),
      ),
    }),
    z.strictObject({
      type: z.literal("ping"),
      id: z.union(
        [z.string().max(64), z.int()],
        expecting("an integer or a string of at most 64 characters"),
      ),
    }),
  ],
  expecting('"hello", "send", "subscribe", "cancel", "decide" or "ping"'),
);

/** What each frame asks of its sender: one that is not listed here is an error of types. */
export const FRAME_ACCESS: Readonly<Record<ClientFrame["type"], Access>> = {
  hello: "anyone",
  ping: "signed-in",
  send: { scope: "sessions:write", role: "member" },
  subscribe: { scope: "sessions:read", role: "member" },
  cancel: { scope: "sessions:write", role: "member" },
  decide: { scope: "approvals:write", role: "member" },
};

export type ClientFrame = Readonly<z.output<typeof ClientFrame>>;

/** Parses one frame of a client. Never throws. */
export function parseClientFrame(text: string): Parsed<ClientFrame> {
  return parseJson(ClientFrame, text);
}

const PLAIN_PING = /^\{"type":"ping","id":(?:-?[1-9]\d{0,14}|0|"[\w-]{0,64}")\}$/;
const VOWEL_AT = '{"type":"p'.length;

/** Whether `text` is a `ping` as most clients write it: the fast path past the parser. */
export function isPlainPing(text: string): boolean {
  return text.length < 100 && PLAIN_PING.test(text);
}

/** Makes of a plain `ping` its `pong`, in the bytes it came in. */
export function turnIntoPong(ping: ArrayBuffer): ArrayBuffer {
  new Uint8Array(ping)[VOWEL_AT] = 0x6f;
  return ping;
}

/** What an error about the frame `raw` should name: the id by which its client knows it. */
export function refOf(raw: unknown): string | undefined {
  const frame = (raw ?? {}) as Record<string, unknown>;
  const field = {
    send: "clientMessageId",
    subscribe: "sessionId",
    cancel: "turnId",
    decide: "approvalId",
  };
  const name = Object.entries(field).find(([type]) => type === frame["type"])?.[1];
  const ref = name === undefined ? undefined : frame[name];
  return typeof ref === "string" && CLIENT_ID.test(ref) ? ref : undefined;
}

function isFixed(fixed: object): boolean {
  const count = Object.keys(fixed).length;
  return count >= 1 && count <= MAX_FIXED;
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** The id of a `what`, as its own parser reads it. */
export function idOf<Id>(what: string, parse: (raw: string) => Id) {
  const expected = `the id of a ${what}`;
  return z
    .string(expecting(expected))
    .max(64, expecting(expected))
    .transform((raw, context) => {
      try {
        return parse(raw);
      } catch {
        context.addIssue({ code: "custom", message: expected });
        return z.NEVER;
      }
    });
}

/** What a schema says where something else was given. */
export function expecting(expected: string) {
  return { error: expected };
}
