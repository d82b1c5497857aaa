/** One thing that is wrong in a skill's folder. */
export interface FormatFault {
  /** Relative to the skill's folder. */
  readonly file: string;
  /** Counted from 1, where it can be told. */
  readonly line?: number | undefined;
  /** Where in the file, as in `tools[0].name`; empty for the file itself. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** A folder that is no valid skill. `faults` has everything that could be told at once. */
export class SkillFormatError extends Error {
  override readonly name = "SkillFormatError";
  readonly faults: readonly FormatFault[];

  constructor(folder: string, faults: readonly FormatFault[], options?: ErrorOptions) {
    super(`Cannot load skill "${folder}": ${faults.map(formatFault).join("; ")}`, options);
    this.faults = faults;
  }
}

/** Quotes a value of a file for `found`, shortened where it is long. */
export function quote(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}...`;
}

const MAX_QUOTED_CHARS = 80;

/** A fault in a line. */
export function formatFault({ file, line, path, found, expected }: FormatFault): string {
  const at = line === undefined ? file : `${file}:${line}`;
  const where = path === "" ? at : `${at}: ${path}`;
  return `${where}: found ${found}, expected ${expected}`;
}
