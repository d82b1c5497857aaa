/**
 * Runs first in every context, as the body of a strict function: `$0` is the one way out, a
 * function from strings to a string, "=" and an answer or "!" and why there is none. What it needs
 * of the realm it takes before the guest can change it. Gives back `invoke` and `take`, which the
 * guest never sees.
 */
export const ISOLATE_BOOTSTRAP = `"use strict";
const callHost = $0;
const { apply, construct, defineProperty } = Reflect;
const { getOwnPropertyDescriptors: descriptorsOf } = Object;
const { parse, stringify } = JSON;
const { slice } = String.prototype;
const toText = String;
const toNumber = Number;
const NativeDate = Date;
const NativeError = Error;
const { prototype: formatPrototype } = Intl.DateTimeFormat;
const MAX_MESSAGE_CHARS = 500;
let answer;
let startMs;

// The host's own errors stay outside: their stacks name files. One that has no stack left throws.
function ask(name, text) {
  const reply = replyOf(name, text);
  const rest = apply(slice, reply, [1]);
  if (reply[0] === "!") throw new NativeError(rest);
  return rest;
}

function replyOf(name, text) {
  try {
    return callHost(name, text);
  } catch {
    throw new NativeError("The host had no room for the call");
  }
}

// Memory the isolate's limit does not see, timers by shared memory, work that outlives the call.
for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef"]) {
  delete globalThis[name];
}
// Resizable buffers escape the limit as well: the options argument is dropped.
replace("ArrayBuffer", { construct: (target, args, type) => construct(target, [args[0]], type) });

// The realm's own clock and dice are the granted ones; its clock stands still during a call.
const host = {
  log: (text) => void ask("log", toText(text)),
  now: () => toNumber(ask("now", "")),
  random: () => toNumber(ask("random", "")),
};
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

return {
  invoke: (namespace, tool, input, maxChars) => void run(namespace, tool, input, maxChars),
  take: () => answer,
};`;
