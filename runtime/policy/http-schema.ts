import { z } from "zod";

/** An exact host, or one leading `*.` for the names below at least two labels. */
const host = z
  .string()
  .max(255)
  .regex(
    /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u,
    "expected a lower-case host name, or one that begins with *.",
  )
  .regex(
    /^(?!\*\.(?:[^.]+|[\d.]+)$)/u,
    'expected a wildcard under a name of two labels or more, as in "*.example.org"',
  );

/** Which requests are meant. Paths are prefixes that end at a segment. */
export const httpTarget = {
  host,
  schemes: z
    .array(z.enum(["https", "http"]))
    .min(1)
    .optional(),
  ports: z.array(z.int().min(1).max(65_535)).min(1).optional(),
  methods: z.array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])).min(1),
  paths: z
    .array(
      z
        .string()
        .max(1_000)
        .regex(/^\/[^?#\\]*$/u, 'expected a path that begins with "/", without query'),
    )
    .min(1),
};

type Scheme = "https" | "http";
const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = { https: 443, http: 80 };

/** What a rule or an ask that does not name schemes or ports means: https, each scheme's own. */
export function toSchemesAndPorts(target: {
  readonly schemes?: readonly Scheme[] | undefined;
  readonly ports?: readonly number[] | undefined;
}) {
  const { schemes = ["https"], ports = schemes.map((scheme) => DEFAULT_PORTS[scheme]) } = target;
  return { schemes, ports };
}

/** A scheme, a host and perhaps a port, as in "https://api.github.com". */
export const httpsOrigin = z
  .url({ protocol: /^https$/u, error: 'expected an origin, as in "https://api.example.org"' })
  .refine(isOrigin, 'expected an origin and nothing after it, as in "https://api.example.org"');

function isOrigin(url: string): boolean {
  return URL.parse(url)?.origin === url;
}

export const secretName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/u, "expected upper case, as in API_TOKEN");
