/** Whether SemVer `version` is in `range`; see `findRangeFault` for what a range is. */
export function isInRange(version: string, range: string): boolean {
  const found = parseVersion(version);
  const comparators = range.split(" ").map(parseComparator);
  if (found === undefined) return false;
  return comparators.every((each) => each !== undefined && isMatch(found, each));
}

/**
 * Why `range` is none, or undefined. A range is comparators with a space between them, which all
 * must hold: `>=1.2.0`, `>1.2.0`, `<=1.2.0`, `<1.2.0`, `=1.2.0` or `1.2.0`, `^1.2.0`, `~1.2.0`.
 * Pre-releases compare as in SemVer: 2.0.0-rc.1 is less than 2.0.0.
 */
export function findRangeFault(range: string): string | undefined {
  const wrong = range.split(" ").find((text) => parseComparator(text) === undefined);
  return wrong === undefined ? undefined : `expected versions as in ">=1.2.0 <2.0.0" or "^1.2.0"`;
}

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

interface Comparator {
  readonly operator: string;
  readonly version: Version;
}

function parseComparator(text: string): Comparator | undefined {
  const { operator = "", rest = "" } =
    /^(?<operator>>=|<=|[><=^~]|)(?<rest>\d.*)$/u.exec(text)?.groups ?? {};
  const version = parseVersion(rest);
  return version && { operator, version };
}

function parseVersion(text: string): Version | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([\dA-Za-z.-]+))?(?:\+[\dA-Za-z.-]+)?$/u.exec(
    text,
  );
  if (match === null) return undefined;
  const [, major, minor, patch, pre] = match;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    pre: pre === undefined ? [] : pre.split("."),
  };
}

function isMatch(found: Version, { operator, version }: Comparator): boolean {
  const order = compare(found, version);
  switch (operator) {
    case ">=":
      return order >= 0;
    case ">":
      return order > 0;
    case "<=":
      return order <= 0;
    case "<":
      return order < 0;
    case "^":
      return order >= 0 && compare(found, nextBreaking(version)) < 0;
    case "~":
      return order >= 0 && compare(found, nextMinor(version)) < 0;
    default:
      return order === 0;
  }
}

/** The first version with which `^` ends: the leftmost number that is not 0 goes up. */
function nextBreaking({ numbers: [major, minor, patch] }: Version): Version {
  if (major > 0) return lowest(major + 1, 0, 0);
  return minor > 0 ? lowest(0, minor + 1, 0) : lowest(0, 0, patch + 1);
}

function nextMinor({ numbers: [major, minor] }: Version): Version {
  return lowest(major, minor + 1, 0);
}

/** Before all its pre-releases: "^1.2.0" has no 2.0.0-rc.1. */
function lowest(major: number, minor: number, patch: number): Version {
  return { numbers: [major, minor, patch], pre: ["0"] };
}

function compare(one: Version, other: Version): number {
  for (const [index, number] of one.numbers.entries()) {
    const difference = number - (other.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePre(one.pre, other.pre);
}

function comparePre(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) return other.length - one.length;
  for (const [index, id] of one.entries()) {
    const difference = compareIds(id, other[index]);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/** Numbers before words; the one that is missing first. */
function compareIds(one: string, other: string | undefined): number {
  if (other === undefined) return 1;
  const [isNumber, isOtherNumber] = [one, other].map((id) => /^\d+$/u.test(id));
  if (isNumber === true && isOtherNumber === true) return Number(one) - Number(other);
  if (isNumber !== isOtherNumber) return isNumber === true ? -1 : 1;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
