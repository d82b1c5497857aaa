import { isSecretInLogs, isWord } from "../telemetry/secret-masker.ts";
import { decode, secretsInUrl } from "../telemetry/url-secrets.ts";
import { isStdio, type McpServerSettings, type McpSettings } from "./mcp-settings.ts";

/*
 * What stands in `mcp.yaml` itself, where it had better stand in the environment. Not every value is
 * a secret: a folder or a date that is masked would be missing in all that a server says. Whether a
 * value is long enough is for each masker to say: the log's takes shorter ones than that of speech.
 */

const SECRET_NAME =
  /token|secret|passw|passphrase|pwd|key|auth|credential|cookie|signature|private|bearer/iu;
const FLAG = /^-{1,2}([A-Za-z][\w-]*)(?:=(.*))?$/su;
/** As generated ones are: one run of at least 16 characters with letters and digits in it. */
const TOKEN = /^(?=.*\d)(?=.*[A-Za-z])[\w.~+/=:-]{16,}$/u;
/** As titles and versions in addresses are: "mcp-server-v2", "2026-01-01-report.pdf". */
const SLUG = /^(?:(?:[A-Za-z]+|v?\d{1,8})(?:[-_.~+]|$))+$/u;
const SCHEME = /^(?:basic|bearer|bot|token|api-?key)\s+(.+)$/isu;
const SWITCH = /^(?:true|false|yes|no|on|off|none|null)$/iu;
/** "MAX_TOKENS" and "TOKEN_TTL" are names of numbers. */
const NAME_OF_NUMBER = /^max|^min|tokens$|limit|size|count|length|ttl|timeout|expir/iu;
const PLACE = /^(?:\.{0,2}\/|~\/|[A-Za-z]:\\)/u;

/** The values that are secrets by their name or by what they look like. */
export function secretsIn({ servers }: McpSettings): readonly string[] {
  return [...new Set(Object.values(servers).flatMap(secretsOfServer))];
}

function secretsOfServer(entry: McpServerSettings): readonly string[] {
  if (isStdio(entry)) {
    return [...valuesOf(entry.env), ...argumentsOf(entry.args)].flatMap(secretsOf);
  }
  return [...valuesOf(entry.headers).flatMap(secretsOf), ...secretsInAddress(entry.url)];
}

function valuesOf(given: Readonly<Record<string, object>>): readonly (readonly [string, string])[] {
  return Object.entries(given).flatMap(([name, entry]) =>
    "value" in entry ? [[name, String(entry.value)] as const] : [],
  );
}

/** "--api-key x" and "--api-key=x" have a name, others none. */
function argumentsOf(args: readonly string[]): readonly (readonly [string, string])[] {
  return args.flatMap((arg, at): (readonly [string, string])[] => {
    const [, flag, value] = FLAG.exec(arg) ?? [];
    if (flag !== undefined) return value === undefined ? [] : [[flag, value]];
    const [, before = "", given] = FLAG.exec(args[at - 1] ?? "") ?? [];
    return [[given === undefined ? before : "", arg]];
  });
}

function secretsOf([name, value]: readonly [string, string]): readonly string[] {
  if (/^[a-z][\w+.-]*:\/\//iu.test(value)) return secretsInAddress(value);
  const words = value.split(/[\s;,]+/u).flatMap((word) => [word, word.replace(/^[\w.-]+=/u, "")]);
  if (SECRET_NAME.test(name) && !isHarmless(name, value)) {
    // "Bearer abc" and "a=1; b=2": what follows is one without what it stands behind.
    const [, shown = value] = SCHEME.exec(value) ?? [];
    return [value, shown, ...words.filter((word) => isSecretInLogs(word) && !isWord(word))];
  }
  return words.filter((word) => TOKEN.test(word) && !PLACE.test(word));
}

function secretsInAddress(address: string): readonly string[] {
  if (!URL.canParse(address)) return [];
  const { pathname, searchParams } = new URL(address);
  return [
    ...secretsInUrl(address),
    ...[...searchParams].flatMap(secretsOf),
    ...pathname.split("/").flatMap(secretsInSegment),
  ];
}

/** "/s/<token>/mcp": such a segment has no name, only looks. */
function secretsInSegment(segment: string): readonly string[] {
  const meant = decode(segment);
  return TOKEN.test(meant) && !SLUG.test(meant) ? [segment, meant] : [];
}

function isHarmless(name: string, value: string): boolean {
  if (SWITCH.test(value) || (/^\d+$/u.test(value) && NAME_OF_NUMBER.test(name))) return true;
  return /(?:file|path|dir|folder)$/iu.test(name) && PLACE.test(value);
}
