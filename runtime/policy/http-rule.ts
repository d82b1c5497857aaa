import type { HttpRule } from "./grants.ts";

/** A request as the one who sends it has parsed it: what is compared is what is sent. */
export interface HttpQuestion {
  /** "http" or "https". */
  readonly scheme: string;
  /** Lower case, as in `new URL(...).hostname`. */
  readonly host: string;
  readonly port: number;
  /** Upper case. */
  readonly method: string;
  /** As in `new URL(...).pathname`: still encoded, without the query. */
  readonly path: string;
}

/** Whether a rule that allows means `request`; in doubt it does not. */
export function isAllowedBy(rule: HttpRule, request: HttpQuestion): boolean {
  return (
    isHostOf(rule.host, request.host) &&
    isSameKind(rule, request) &&
    isOneOf(rule.paths, (prefix) => isAllowedPath(prefix, request.path))
  );
}

/** Whether a rule that denies means `request`; in doubt it does. */
export function isDeniedBy(rule: HttpRule, request: HttpQuestion): boolean {
  return (
    isHostOf(rule.host, request.host.replace(/\.$/u, "")) &&
    isSameKind(rule, request) &&
    isOneOf(rule.paths, (prefix) => isDeniedPath(prefix, request.path))
  );
}

/** Whether every request that `other` means is meant by `rule` as well. */
export function isCovering(rule: HttpRule, other: HttpRule): boolean {
  return (
    isHostOf(rule.host, other.host) &&
    isSuperset(rule.schemes, other.schemes) &&
    isSuperset(rule.ports, other.ports) &&
    isSuperset(rule.methods, other.methods) &&
    (rule.paths === undefined ||
      rule.paths.includes("/") ||
      (other.paths?.every((path) => isOneOf(rule.paths, (prefix) => isUnder(prefix, path))) ??
        false))
  );
}

/** The rule that means what both mean; none where no request is meant by both. */
export function meetRules(one: HttpRule, other: HttpRule): readonly HttpRule[] {
  const host = meetHosts(one.host, other.host);
  if (host === undefined) return [];
  const parts = {
    schemes: meet(one.schemes, other.schemes),
    ports: meet(one.ports, other.ports),
    methods: meet(one.methods, other.methods),
    paths: meetPaths(one.paths, other.paths),
  };
  const isEmpty = Object.values(parts).some((values) => values?.length === 0);
  return isEmpty ? [] : [{ ...one, host, ...parts }];
}

function meetHosts(one: string, other: string): string | undefined {
  if (isHostOf(one, other)) return other;
  return isHostOf(other, one) ? one : undefined;
}

function meet<T>(one: readonly T[] | undefined, other: readonly T[] | undefined) {
  if (one === undefined || other === undefined) return one ?? other;
  return one.filter((each) => other.includes(each));
}

/** Of two prefixes the longer one, where one is under the other. */
function meetPaths(one: HttpRule["paths"], other: HttpRule["paths"]): HttpRule["paths"] {
  if (one === undefined || other === undefined) return one ?? other;
  const isIn = (prefix: string, path: string) => prefix === "/" || isUnder(prefix, path);
  return [
    ...one.filter((path) => other.some((prefix) => isIn(prefix, path))),
    ...other.filter((path) => !one.includes(path) && one.some((prefix) => isIn(prefix, path))),
  ];
}

/** `*.example.org` has the names below it, not the name itself. */
function isHostOf(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1);
}

function isSameKind(rule: HttpRule, { scheme, port, method }: HttpQuestion): boolean {
  return (
    isOneOf(rule.schemes, (each) => each === scheme) &&
    isOneOf(rule.ports, (each) => each === port) &&
    isOneOf(rule.methods, (each) => each === method)
  );
}

/** Absent means any. */
function isOneOf<T>(values: readonly T[] | undefined, isIt: (value: T) => boolean): boolean {
  return values === undefined || values.some(isIt);
}

function isSuperset<T>(values: readonly T[] | undefined, others: readonly T[] | undefined) {
  if (values === undefined) return true;
  return others?.every((each) => values.includes(each)) ?? false;
}

/**
 * A path that the server may read as another one cannot be held to a prefix. URL parsers resolve
 * plain dot segments, but leave alone what many servers decode, once or twice, and resolve after
 * us: `/v1/..%2fadmin`, `/v1/%2e%2e%5cadmin`, `/v1/..;/admin`, and `%c0%af`, which is no UTF-8 but a
 * slash to a lenient decoder. Where any path is allowed there is nothing to get around.
 */
function isAllowedPath(prefix: string, path: string): boolean {
  return prefix === "/" || (!isAmbiguous(path) && isUnder(prefix, path));
}

/** The other way around: `//Admin` and `/%61dmin` may well be `/admin` to the server. */
function isDeniedPath(prefix: string, path: string): boolean {
  return isAmbiguous(path) || isUnder(prefix.toLowerCase(), toPlainPath(path));
}

const DOT = String.raw`(?:\.|%(?:25)*2e)`;
const SEGMENT_END = String.raw`(?:/|;|%(?:25)*3b|$)`;
const AMBIGUOUS = new RegExp(
  String.raw`\\|%(?:25)*(?:2f|5c|00|c0|c1|e0%(?:25)*[89])|/${DOT}{1,2}${SEGMENT_END}`,
  "iu",
);

function isAmbiguous(path: string): boolean {
  return AMBIGUOUS.test(path);
}

/** Prefixes end at a segment: "/v1" has "/v1" and "/v1/x", "/v1/" only what is below. */
function isUnder(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

function toPlainPath(path: string): string {
  const plain = path.replaceAll(/%(?:25)*([2-7][0-9a-f])/giu, (_code, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
  return plain
    .toLowerCase()
    .replaceAll(/;[^/]*/gu, "")
    .replaceAll(/\/{2,}/gu, "/");
}
