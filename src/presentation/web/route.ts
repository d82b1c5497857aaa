/** What the page shows, as its address says. */
export type Route =
  | { readonly kind: "new" }
  | { readonly kind: "session"; readonly sessionId: string };

const SESSION = /^#\/c\/([A-Za-z0-9_-]{1,64})$/u;

export function parseRoute(hash: string): Route {
  const sessionId = SESSION.exec(hash)?.[1];
  return sessionId === undefined ? { kind: "new" } : { kind: "session", sessionId };
}

export function toHash(route: Route): string {
  return route.kind === "new" ? "#/" : `#/c/${route.sessionId}`;
}
