import { HttpRefusal, refuse } from "./http-refusal.ts";

/** Where a request goes. The URL is parsed once: what is checked is what is dialled. */
export interface HttpTarget {
  /** Without a fragment. */
  readonly href: string;
  readonly origin: string;
  readonly scheme: "http" | "https";
  /** As in a URL: lower case, an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

const MAX_URL_CHARS = 8_192;

/** The target `text` names, relative to `base` where there is one. Throws `HttpRefusal`. */
export function parseTarget(text: string, base?: HttpTarget): HttpTarget {
  if (text.length > MAX_URL_CHARS) {
    throw new HttpRefusal(
      `Cannot use the URL: it has ${text.length} characters, expected ${MAX_URL_CHARS}`,
    );
  }
  // The parser drops tabs and line ends wherever they are: others who read the text would not.
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) {
    throw refuse("Cannot use the URL: expected no control characters and no half characters");
  }
  const url = URL.parse(text, base?.href);
  if (url === null)
    throw new HttpRefusal("Cannot use the URL: expected an absolute http or https URL");
  return toTarget(url);
}

function toTarget(url: URL): HttpTarget {
  const { protocol, hostname, username, password, pathname, search } = url;
  if (protocol !== "http:" && protocol !== "https:") {
    throw refuse(`Cannot use the URL: its scheme is "${protocol}", expected http: or https:`);
  }
  if (username !== "" || password !== "") {
    throw refuse("Cannot use the URL: expected no user name and no password in it");
  }
  // "localhost." and "localhost" are one host and two names.
  if (hostname === "" || hostname.endsWith(".")) {
    throw refuse(
      `Cannot use the URL: its host is "${hostname}", expected a name without a last dot`,
    );
  }
  url.hash = "";
  const scheme = protocol === "https:" ? "https" : "http";
  return {
    href: url.href,
    origin: url.origin,
    scheme,
    host: hostname,
    port: Number(url.port || (scheme === "https" ? 443 : 80)),
    path: pathname,
    query: search,
  };
}
