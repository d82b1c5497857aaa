/** The password of an address, as it stands there and as it is meant; and with its user's name. */
export function secretsInUrl(address = ""): readonly string[] {
  if (!URL.canParse(address)) return [];
  const { username, password } = new URL(address);
  // Some services take a token in place of a name.
  const given = password === "" && username.length >= TOKEN_CHARS ? username : password;
  return given === "" ? [] : [...new Set([given, decode(given)])];
}

const TOKEN_CHARS = 16;

/** What a percent-encoded text means; itself where it means nothing. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
