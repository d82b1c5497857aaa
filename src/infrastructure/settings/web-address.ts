const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/u;

/** Whether a host, as a URL or a person names it, is this machine whatever the network. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Secrets stand in no settings file: an address with a user or a password in it is refused. */
export function hasNoCredentials(address: string): boolean {
  const { username, password } = new URL(address);
  return username === "" && password === "";
}
