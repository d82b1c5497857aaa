import { canonicalJson } from "#domain/shared/canonical-json.ts";
import type { JsonValue } from "#domain/shared/json.ts";

/** What is wrong at one place of a value. */
export interface JsonFault {
  /** A JSON pointer; "" is the whole value. */
  readonly path: string;
  /** What should be there, in words. */
  readonly expected: string;
  /** What is there, shortened. */
  readonly found: string;
}

type JsonObject = { readonly [key: string]: JsonValue };
type Check = (value: JsonValue, limit: JsonValue, work: Work) => string | undefined;

const MAX_FAULTS = 20;
const TOLD_FAULTS = 5;
const FOUND_CHARS = 80;
const MAX_DEPTH = 64;
const MAX_STEPS = 2_000_000;
/** So much of a value's text is turned into canonical form in a step. */
const CHARS_OF_STEP = 64;

/**
 * Holds a value to the plain keywords of a JSON Schema and says what is wrong; no faults: none was
 * found. The schema may be a stranger's: patterns, references and alternatives are left to where the
 * call is made, and what takes more than `MAX_STEPS` is a fault of its own.
 */
export function checkJson(schema: JsonValue, value: JsonValue): readonly JsonFault[] {
  const faults: JsonFault[] = [];
  const work = new Work();
  check({ schema, value, path: "" }, { faults, work }, 0);
  if (!work.isOver) return faults;
  const expected = `what is checked within ${MAX_STEPS} steps`;
  return [{ path: "", expected, found: "more" }];
}

/** Says of each fault where it is, what was expected there and what was sent. */
export function inWords(faults: readonly JsonFault[]): string {
  const words = faults
    .slice(0, TOLD_FAULTS)
    .map(({ path, expected, found }) => `at "${path}" expected ${expected}, got ${found}`);
  const more = faults.length - words.length;
  return [...words, ...(more > 0 ? [`${more} more`] : [])].join("; ");
}

/** What one check has done, and what it need not do again for each item. */
class Work {
  readonly #members = new Map<JsonValue, Members>();
  readonly #properties = new Map<JsonValue, ReadonlyMap<string, JsonValue>>();
  readonly #consts = new Map<JsonValue, readonly JsonValue[]>();
  #steps = 0;

  get isOver(): boolean {
    return this.#steps > MAX_STEPS;
  }

  spend(steps: number): void {
    this.#steps += steps;
  }

  /** Whether `value` is one of `allowed`; only values like some of these are put in a form to compare. */
  isAmong(value: JsonValue, allowed: readonly JsonValue[]): boolean {
    const { plain, deep } = this.#membersOf(allowed);
    if (typeof value !== "object" || value === null) return plain.has(value);
    if (deep.size === 0) return false;
    const text = canonicalJson(value);
    this.spend(text.length / CHARS_OF_STEP);
    return deep.has(text);
  }

  isConst(value: JsonValue, only: JsonValue): boolean {
    if (typeof only !== "object" || only === null) return value === only;
    const known = this.#consts.get(only) ?? [only];
    this.#consts.set(only, known);
    return this.isAmong(value, known);
  }

  propertiesOf(properties: JsonValue | undefined): ReadonlyMap<string, JsonValue> {
    if (!isObject(properties)) return NO_PROPERTIES;
    const known = this.#properties.get(properties);
    const found = known ?? new Map(Object.entries(properties));
    if (known === undefined) this.#properties.set(properties, found);
    return found;
  }

  #membersOf(allowed: readonly JsonValue[]): Members {
    const known = this.#members.get(allowed);
    if (known !== undefined) return known;
    const isDeep = (each: JsonValue) => typeof each === "object" && each !== null;
    const members = {
      plain: new Set(allowed.filter((each) => !isDeep(each))),
      deep: new Set(allowed.filter(isDeep).map(canonicalJson)),
    };
    this.#members.set(allowed, members);
    return members;
  }
}

interface Members {
  readonly plain: ReadonlySet<JsonValue>;
  /** In canonical form. */
  readonly deep: ReadonlySet<string>;
}

const NO_PROPERTIES: ReadonlyMap<string, JsonValue> = new Map();

interface Checking {
  readonly faults: JsonFault[];
  readonly work: Work;
}

interface Place {
  readonly schema: JsonValue | undefined;
  readonly value: JsonValue;
  readonly path: string;
}

function check({ schema, value, path }: Place, checking: Checking, depth: number): void {
  const { faults, work } = checking;
  work.spend(1);
  if (isDone(checking) || depth > MAX_DEPTH) return;
  if (schema === false) return void faults.push(fault(path, "nothing", value));
  if (!isObject(schema)) return;
  const wrong = Object.entries(CHECKS).find(([keyword, isWrong]) => {
    const limit = schema[keyword];
    return limit !== undefined && isWrong(value, limit, work) !== undefined;
  });
  if (wrong !== undefined) {
    const [keyword, say] = wrong;
    const expected = say(value, schema[keyword] as JsonValue, work) ?? keyword;
    return void faults.push(fault(path, expected, value));
  }
  if (isArray(value)) checkItems(value, { schema, path }, checking, depth);
  else if (isObject(value)) checkMembers(value, { schema, path }, checking, depth);
}

function isDone({ faults, work }: Checking): boolean {
  return faults.length >= MAX_FAULTS || work.isOver;
}

type ObjectPlace = Pick<Place, "path"> & { readonly schema: JsonObject };

function checkItems(
  items: readonly JsonValue[],
  { schema, path }: ObjectPlace,
  checking: Checking,
  depth: number,
): void {
  const { items: each, prefixItems } = schema;
  // Where the first ones have schemas of their own, or each one (an older draft), it is not plain.
  if (each === undefined || prefixItems !== undefined || isArray(each)) return;
  for (const [index, value] of items.entries()) {
    check({ schema: each, value, path: `${path}/${index}` }, checking, depth + 1);
    if (isDone(checking)) return;
  }
}

function checkMembers(
  object: JsonObject,
  { schema, path }: ObjectPlace,
  checking: Checking,
  depth: number,
): void {
  const { required, additionalProperties, patternProperties } = schema;
  const { faults, work } = checking;
  const given = new Map(Object.entries(object));
  for (const name of isArray(required) ? required : []) {
    work.spend(1);
    if (isDone(checking)) return;
    if (typeof name !== "string" || given.has(name)) continue;
    faults.push({ path: `${path}/${escape(name)}`, expected: "a value", found: "nothing" });
  }
  const known = work.propertiesOf(schema["properties"]);
  for (const [name, value] of given) {
    if (isDone(checking)) return;
    const at = `${path}/${escape(name)}`;
    if (known.has(name)) check({ schema: known.get(name), value, path: at }, checking, depth + 1);
    else if (patternProperties === undefined && additionalProperties === false) {
      const names = [...known.keys()].map((each) => `"${each}"`).join(", ") || "none";
      faults.push(fault(at, `no such member; there are ${names}`, value));
    } else if (patternProperties === undefined) {
      check({ schema: additionalProperties, value, path: at }, checking, depth + 1);
    }
  }
}

/** Each says what was expected where the value is not that. The first that fails counts. */
const CHECKS: Readonly<Record<string, Check>> = {
  type: (value, limit, work) => {
    work.spend(isArray(limit) ? limit.length : 1);
    const types = (isArray(limit) ? limit : [limit]).filter((each) => typeof each === "string");
    const isKnown = types.length > 0 && types.every((each) => TYPES.has(each));
    if (!isKnown || types.some((type) => isOfType(value, type))) return undefined;
    return types.join(" or ");
  },
  enum: (value, limit, work) => {
    if (!isArray(limit) || work.isAmong(value, limit)) return undefined;
    return `one of ${limit.map((each) => JSON.stringify(each)).join(", ")}`;
  },
  const: (value, limit, work) => {
    return work.isConst(value, limit) ? undefined : JSON.stringify(limit);
  },
  minimum: ofNumber((value, limit) => value >= limit, "at least"),
  maximum: ofNumber((value, limit) => value <= limit, "at most"),
  exclusiveMinimum: ofNumber((value, limit) => value > limit, "more than"),
  exclusiveMaximum: ofNumber((value, limit) => value < limit, "less than"),
  minLength: ofSize(lengthOf, (size, limit) => size >= limit, "at least", "characters"),
  maxLength: ofSize(lengthOf, (size, limit) => size <= limit, "at most", "characters"),
  minItems: ofSize(itemsOf, (size, limit) => size >= limit, "at least", "items"),
  maxItems: ofSize(itemsOf, (size, limit) => size <= limit, "at most", "items"),
  minProperties: ofSize(membersOf, (size, limit) => size >= limit, "at least", "members"),
  maxProperties: ofSize(membersOf, (size, limit) => size <= limit, "at most", "members"),
};

const TYPES = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);

function isOfType(value: JsonValue, type: string): boolean {
  if (value === null) return type === "null";
  if (isArray(value)) return type === "array";
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function ofNumber(isFine: (value: number, limit: number) => boolean, words: string): Check {
  return (value, limit) => {
    if (typeof value !== "number" || typeof limit !== "number") return undefined;
    return isFine(value, limit) ? undefined : `${words} ${limit}`;
  };
}

function ofSize(
  sizeOf: (value: JsonValue) => number | undefined,
  isFine: (size: number, limit: number) => boolean,
  ...[words, what]: [string, string]
): Check {
  return (value, limit) => {
    const size = sizeOf(value);
    if (size === undefined || typeof limit !== "number") return undefined;
    return isFine(size, limit) ? undefined : `${words} ${limit} ${what}`;
  };
}

function lengthOf(value: JsonValue): number | undefined {
  if (typeof value !== "string") return undefined;
  let length = 0;
  for (const _ of value) length += 1;
  return length;
}

function itemsOf(value: JsonValue): number | undefined {
  return isArray(value) ? value.length : undefined;
}

function membersOf(value: JsonValue): number | undefined {
  return isObject(value) ? Object.keys(value).length : undefined;
}

function fault(path: string, expected: string, value: JsonValue): JsonFault {
  const text = JSON.stringify(value);
  const found = text.length <= FOUND_CHARS ? text : `${text.slice(0, FOUND_CHARS)}…`;
  return { path, expected, found };
}

function escape(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
