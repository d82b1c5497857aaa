import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

// ECMAScript's, and the console of V8 that is connected to nothing.
const LIST = `
  const names = new Set();
  for (let each = globalThis; each !== null; each = Object.getPrototypeOf(each)) {
    if (each !== Object.prototype) for (const name of Reflect.ownKeys(each)) names.add(String(name));
  }
  return [...names].filter((name) => !known.has(name));`;
const KNOWN = `
  Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean
  String Symbol Date Promise RegExp Error AggregateError EvalError RangeError
  ReferenceError SyntaxError TypeError URIError SuppressedError globalThis JSON Math
  Intl ArrayBuffer Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array
  Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array
  BigInt64Array DataView Map BigInt Set Iterator WeakMap WeakSet Proxy Reflect
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval
  isFinite isNaN console DisposableStack AsyncDisposableStack
  Symbol(Symbol.toStringTag) constructor`;

export const listsWhatTheRealmHas: Attack = {
  name: "lists-what-the-realm-has",
  group: "escape",
  about: "Looks for globals beyond the language's own",
  source: "vm2 docs/ATTACKS.md, category 1",
  skill: { body: `const known = new Set(${JSON.stringify(KNOWN)}.trim().split(/\\s+/)); ${LIST}` },
  expect: ["ok"],
  verify: gives([]),
};
