/** The parts of a browser's window that signing in touches. */
export interface LoginWindow {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { replaceState(data: unknown, unused: string, url: string): void };
}

/**
 * Takes the token out of a login link (`/#token=...`). The address bar and the history lose it
 * before anything else happens.
 */
export function takeLinkToken({ location, history }: LoginWindow): string | undefined {
  if (!location.hash.startsWith("#token=")) return undefined;
  const token = new URLSearchParams(location.hash.slice(1)).get("token")?.trim();
  history.replaceState(null, "", location.pathname + location.search);
  return token === "" ? undefined : token;
}
