/** The values of secrets by name. */
export type SecretValues = ReadonlyMap<string, string>;

/** Shorter ones cannot be told from ordinary text in what comes back. */
const MIN_CHARS = 8;
const MAX_CHARS = 4_096;

/** Checks values that an operator gave. Throws `RangeError`, which never shows a value. */
export function parseSecretValues(secrets: Readonly<Record<string, string>>): SecretValues {
  const values = new Map(Object.entries(secrets));
  for (const [name, value] of values) {
    if (value.length < MIN_CHARS || value.length > MAX_CHARS) {
      throw new RangeError(
        `Cannot use secret "${name}": expected ${MIN_CHARS} to ${MAX_CHARS} characters`,
      );
    }
    if (!/^[\u0021-\u007e](?:[\u0020-\u007e]*[\u0021-\u007e])?$/u.test(value)) {
      throw new RangeError(
        `Cannot use secret "${name}": expected visible ASCII text in one line, no space around it`,
      );
    }
  }
  return values;
}
