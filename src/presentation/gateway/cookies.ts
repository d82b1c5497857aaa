const NAME = "nexflow_session";

/** The browser session's secret in a `Cookie` header. */
export function readSessionCookie(header: string): string | undefined {
  const pairs = header.split(";").map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${NAME}=`));
  return found?.slice(NAME.length + 1) || undefined;
}

/** The `Set-Cookie` header that keeps a browser session. */
export function writeSessionCookie(
  { secret, expiresAtMs }: { readonly secret: string; readonly expiresAtMs: number },
  isSecure: boolean,
): string {
  const expires = new Date(expiresAtMs).toUTCString();
  return `${NAME}=${secret}; Expires=${expires}; ${attributes(isSecure)}`;
}

/** The `Set-Cookie` header that makes the browser forget its session. */
export function clearSessionCookie(isSecure: boolean): string {
  return `${NAME}=; Max-Age=0; ${attributes(isSecure)}`;
}

function attributes(isSecure: boolean): string {
  return `Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}
