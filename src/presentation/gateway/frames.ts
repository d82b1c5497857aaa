import { z } from "zod";
import { parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { Access } from "./access.ts";
import type { Parsed } from "./bounded-json.ts";
import { parseJson } from "./bounded-json.ts";

/** The longest frame and the longest request body, in bytes. */
export const MAX_FRAME_BYTES = 65_536;

const CLIENT_ID_FORM = '1 to 64 letters, digits, "-" or "_"';
const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/u;
const MAX_TEXT_CHARS = 32_768;

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

const Token = z
  .string(expecting("a token"))
  .min(1, expecting("a token"))
  .max(512, expecting("a token of at most 512 characters"));

const ClientFrame = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("hello"), token: Token.optional() }),
    z.strictObject({
      type: z.literal("send"),
      clientMessageId: ClientMessageId,
      text: MessageText,
      sessionId: idOf("session", parseSessionId).optional(),
    }),
    z.strictObject({
      type: z.literal("subscribe"),
      sessionId: idOf("session", parseSessionId),
      after: wholeNumber,
      epoch: wholeNumber.optional(),
    }),
    z.strictObject({ type: z.literal("cancel"), turnId: idOf("turn", parseTurnId) }),
    z.strictObject({
      type: z.literal("ping"),
      id: z.union(
        [z.string().max(64), z.int()],
        expecting("an integer or a string of at most 64 characters"),
      ),
    }),
  ],
  expecting('"hello", "send", "subscribe", "cancel" or "ping"'),
);

/** What each frame asks of its sender: one that is not listed here is an error of types. */
export const FRAME_ACCESS: Readonly<Record<ClientFrame["type"], Access>> = {
  hello: "anyone",
  ping: "signed-in",
  send: { scope: "sessions:write", role: "member" },
  subscribe: { scope: "sessions:read", role: "member" },
  cancel: { scope: "sessions:write", role: "member" },
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
  const field = { send: "clientMessageId", subscribe: "sessionId", cancel: "turnId" };
  const name = Object.entries(field).find(([type]) => type === frame["type"])?.[1];
  const ref = name === undefined ? undefined : frame[name];
  return typeof ref === "string" && CLIENT_ID.test(ref) ? ref : undefined;
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
