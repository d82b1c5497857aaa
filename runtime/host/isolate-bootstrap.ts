/**
 * Runs first in every context. It comes to a function of the one way out, `callHost`, a function
 * from strings to a string, "=" and an answer or "!" and why there is none. What it needs of the
 * realm it takes before the guest can change it. Gives back a function that the guest never sees:
 * it invokes the guest, delivers an answer, or takes what the guest answered.
 */
export const ISOLATE_BOOTSTRAP = `"use strict";
(callHost) => {
const { apply, construct, defineProperty } = Reflect;
const { getOwnPropertyDescriptors: descriptorsOf } = Object;
const { parse, stringify } = JSON;
const { slice, charCodeAt, codePointAt } = String.prototype;
const { fromCharCode } = String;
const toText = String;
const toNumber = Number;
const NativeDate = Date;
const NativeError = Error;
const NativePromise = Promise;
const Bytes = Uint8Array;
const { prototype: formatPrototype } = Intl.DateTimeFormat;
const MAX_MESSAGE_CHARS = 500;
const CHARS_AT_ONCE = 8192;
const settlers = { __proto__: null };
let answer;
let startMs;

// The host's own errors stay outside: their stacks name files. One that has no stack left throws.
function ask(name, text, body) {
  const reply = replyOf(name, text, body);
  const rest = apply(slice, reply, [1]);
  if (reply[0] === "!") throw new NativeError(rest);
  return rest;
}

function replyOf(name, text, body) {
  try {
    return callHost(name, text, body);
  } catch {
    throw new NativeError("The host had no room for the call");
  }
}

// Asks the broker: what comes of it is delivered while the guest awaits.
function send(name, args, body, toValue) {
  return new NativePromise((resolve, reject) => {
    const seq = ask("send", stringify([name, args]), body);
    settlers[seq] = { __proto__: null, resolve, reject, toValue };
  });
}

function deliver(seq, isOk, text, body, chars) {
  const settler = settlers[seq];
  if (settler === undefined) return;
  delete settlers[seq];
  if (isOk) settler.resolve(settler.toValue(parse(text), body, chars));
  else settler.reject(new NativeError(text));
}

// A body goes out as "t" and text or as "b" and a character for each byte.
function toBody(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return "t" + value;
  const bytes = new Bytes(value);
  let text = "b";
  for (let at = 0; at < bytes.length; at += CHARS_AT_ONCE) {
    text += apply(fromCharCode, undefined, bytes.subarray(at, at + CHARS_AT_ONCE));
  }
  return text;
}

// A body comes in as text and, where it is no UTF-8, as a character for each byte as well.
function toBytes(text, chars) {
  if (chars === undefined) return new Bytes(encode(text));
  const bytes = new Bytes(chars.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = apply(charCodeAt, chars, [at]);
  return bytes;
}

function encode(text) {
  const bytes = [];
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = apply(codePointAt, text, [at]);
    if (code < 0x80) bytes[count++] = code;
    else {
      if (code < 0x800) bytes[count++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) bytes[count++] = 0xe0 | (code >> 12);
        else {
          bytes[count++] = 0xf0 | (code >> 18);
          bytes[count++] = 0x80 | ((code >> 12) & 0x3f);
          at += 1;
        }
        bytes[count++] = 0x80 | ((code >> 6) & 0x3f);
      }
      bytes[count++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes;
}

// Memory the isolate's limit does not see, timers by shared memory, work that outlives the call.
for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef"]) {
  delete globalThis[name];
}
// Resizable buffers escape the limit as well: the options argument is dropped.
replace("ArrayBuffer", { construct: (target, args, type) => construct(target, [args[0]], type) });

const found = (value, body, chars) => (value.found ? toBytes(body, chars) : undefined);
const host = {
  log: (text) => void ask("log", toText(text)),
  now: () => toNumber(ask("now", "")),
  random: () => toNumber(ask("random", "")),
  config: { get: (name) => send("config", { name: toText(name) }, "", ({ value }) => value ?? undefined) },
  kv: {
    get: (key) => send("kv-get", { key: toText(key) }, "", found),
    getText: (key) =>
      send("kv-get", { key: toText(key) }, "", (value, body) => (value.found ? body : undefined)),
    set: (key, value) => send("kv-set", { key: toText(key) }, toBody(value), () => undefined),
    delete: (key) => send("kv-delete", { key: toText(key) }, "", ({ found }) => found),
    list: (prefix = "") => send("kv-list", { prefix: toText(prefix), limit: 1000 }, "", ({ keys }) => keys),
  },
  http: {
    fetch: (url, { method, headers, body, secrets } = {}) =>
      send("http", { url: toText(url), method, headers, secrets }, toBody(body), toReply),
  },
  schedule: (request) => send("schedule", request, "", (value) => value),
};

function toReply({ status, url, headers }, body, chars) {
  return {
    status,
    url,
    headers,
    text: () => body,
    json: () => parse(body),
    bytes: () => toBytes(body, chars),
  };
}

// The realm's own clock and dice are the granted ones; its clock stands still during a call.
const dateNow = () => (startMs ??= host.now());
replace("Date", {
  apply: () => toText(new NativeDate(dateNow())),
  construct: (target, args, type) => construct(target, args.length === 0 ? [dateNow()] : args, type),
});
define(NativeDate, "now", dateNow);
define(Math, "random", host.random);
const { format, formatToParts } = descriptorsOf(formatPrototype);
defineProperty(formatPrototype, "format", {
  get() {
    const formatDate = apply(format.get, this, []);
    return (date) => formatDate(date === undefined ? dateNow() : date);
  },
});
define(formatPrototype, "formatToParts", function (date) {
  return apply(formatToParts.value, this, [date === undefined ? dateNow() : date]);
});

function replace(name, traps) {
  const native = globalThis[name];
  // Without a prototype: a trap that the guest puts on it would be given \`native\`.
  const guarded = new Proxy(native, { __proto__: null, ...traps });
  define(native.prototype, "constructor", guarded);
  define(globalThis, name, guarded);
}

function define(target, name, value) {
  defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
}

function messageOf(error) {
  try {
    const isObject = typeof error === "object" && error !== null;
    const text = isObject && "message" in error ? error.message : error;
    return apply(slice, toText(text), [0, MAX_MESSAGE_CHARS]);
  } catch {
    return "The skill threw a value that cannot be shown";
  }
}

function toAnswer(value, maxChars) {
  if (typeof value === "string" && value.length > maxChars) return "size:" + value.length;
  let text;
  try {
    text = value === undefined ? "null" : stringify(value);
  } catch (error) {
    return "invalid:" + messageOf(error);
  }
  if (text === undefined) return "invalid:it is no JSON value";
  return text.length > maxChars ? "size:" + text.length : "ok:" + text;
}

async function run(namespace, tool, input, maxChars) {
  try {
    answer = toAnswer(await namespace.run(tool, parse(input), { ...host }), maxChars);
  } catch (error) {
    answer = "failed:" + messageOf(error);
  }
}

return (order, ...values) => {
  if (order === "invoke") run(...values);
  else if (order === "deliver") deliver(...values);
  else return answer;
};
};`;
