import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for `names`, host names or IPv4 addresses, that vouches for itself. */
export function createSelfSignedCertificate(names: readonly string[]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const name = sequence(der(0x31, sequence(oid("550403"), utf8(names[0] ?? ""))));
  const nowMs = Date.now();
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // X.509 v3
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    name,
    sequence(time(nowMs - 86_400_000), time(nowMs + 86_400_000)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAlternativeNames(names))),
  );
  const signature = Buffer.concat([Buffer.of(0), sign("sha256", toBeSigned, privateKey)]);
  const bytes = sequence(toBeSigned, algorithm, der(0x03, signature));
  const lines = bytes.toString("base64").match(/.{1,64}/gu) ?? [];
  return {
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function subjectAlternativeNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    /^[\d.]+$/u.test(name)
      ? der(0x87, Buffer.from(name.split(".").map(Number)))
      : der(0x82, Buffer.from(name)),
  );
  return sequence(oid("551d11"), der(0x04, sequence(...each)));
}

function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), toLength(content.length), content]);
}

/** As short as can be: another way to write it is no DER. */
function toLength(bytes: number): Buffer {
  if (bytes < 128) return Buffer.of(bytes);
  return bytes < 256 ? Buffer.of(0x81, bytes) : Buffer.of(0x82, bytes >> 8, bytes & 255);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

/** As in 20261122214500Z. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/gu, "").slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}
