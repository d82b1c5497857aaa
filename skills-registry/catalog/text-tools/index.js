// Text tools. One module without imports: that is what an isolate runs.

const TOOLS = { count, diff, slug, hash, case: changeCase };

export async function run(tool, input) {
  return TOOLS[tool](input);
}

// count

function count({ text }) {
  return {
    characters: countSegments(text, "grapheme", () => true),
    words: countSegments(text, "word", (segment) => segment.isWordLike),
    lines: splitLines(text).length,
    sentences: countSegments(text, "sentence", ({ segment }) => /[\p{L}\p{N}]/u.test(segment)),
    bytes: toUtf8(text).length,
  };
}

function countSegments(text, granularity, isCounted) {
  let counted = 0;
  for (const segment of new Intl.Segmenter("en", { granularity }).segment(text)) {
    if (isCounted(segment)) counted += 1;
  }
  return counted;
}

// diff

const MAX_EDITS = 1_500;

function diff({ before, after, context = 3 }) {
  const a = splitLines(before);
  const b = splitLines(after);
  const { edits, minimal } = findEdits(a, b);
  const added = edits.filter(({ kind }) => kind === "+").length;
  const removed = edits.filter(({ kind }) => kind === "-").length;
  const unified = toHunks(edits, context).map(formatHunk).join("");
  return { equal: added + removed === 0, added, removed, minimal, unified };
}

/** Each line keeps its end, so that a missing last one shows. */
function splitLines(text) {
  return text.match(/[^\n]*\n|[^\n]+$/gu) ?? [];
}

function findEdits(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  const most = Math.min(a.length, b.length) - start;
  while (end < most && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const middleA = a.slice(start, a.length - end);
  const middleB = b.slice(start, b.length - end);
  const middle = findShortest(middleA, middleB);
  const edits = [
    ...a.slice(0, start).map(keep),
    ...(middle ?? [...middleA.map(remove), ...middleB.map(insert)]),
    ...a.slice(a.length - end).map(keep),
  ];
  return { edits, minimal: middle !== undefined };
}

const keep = (line) => ({ kind: " ", line });
const remove = (line) => ({ kind: "-", line });
const insert = (line) => ({ kind: "+", line });

/** Myers' algorithm: `trace[d]` has how far each diagonal comes with d edits. */
function findShortest(a, b) {
  const trace = [];
  let reach = new Int32Array(3);
  for (let d = 0; d <= Math.min(MAX_EDITS, a.length + b.length); d += 1) {
    const next = new Int32Array(2 * d + 3);
    for (let k = -d; k <= d; k += 2) {
      let x = d === 0 ? 0 : isDown(reach, d, k) ? at(reach, d, k + 1) : at(reach, d, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next[k + d + 1] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, [...trace, reach]);
    }
    trace.push(reach);
    reach = next;
  }
  return undefined;
}

/** How far diagonal k came with d - 1 edits. */
function at(reach, d, k) {
  return reach[k + d] ?? -1;
}

function isDown(reach, d, k) {
  return k === -d || (k !== d && at(reach, d, k - 1) < at(reach, d, k + 1));
}

function walkBack(a, b, trace) {
  const edits = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const k = x - y;
    const down = d > 0 && isDown(trace[d], d, k);
    const previousX = d === 0 ? 0 : at(trace[d], d, down ? k + 1 : k - 1);
    const previousY = d === 0 ? 0 : previousX - (down ? k + 1 : k - 1);
    const startX = d === 0 ? 0 : down ? previousX : previousX + 1;
    while (x > startX) edits.push(keep(a[(x -= 1)]));
    y = startX - k;
    if (d > 0) edits.push(down ? insert(b[previousY]) : remove(a[previousX]));
    x = previousX;
    y = previousY;
  }
  return edits.reverse();
}

/** Groups changes whose contexts touch. */
function toHunks(edits, context) {
  const hunks = [];
  let oldLine = 1;
  let newLine = 1;
  const numbered = edits.map((edit) => {
    const place = { ...edit, oldLine, newLine };
    if (edit.kind !== "+") oldLine += 1;
    if (edit.kind !== "-") newLine += 1;
    return place;
  });
  let lastEnd = -1;
  for (const [index, { kind }] of numbered.entries()) {
    if (kind === " ") continue;
    const start = Math.max(0, index - context);
    const end = Math.min(numbered.length, index + context + 1);
    if (start <= lastEnd) hunks.at(-1).push(...numbered.slice(lastEnd, end));
    else hunks.push(numbered.slice(start, end));
    lastEnd = end;
  }
  return hunks;
}

function formatHunk(hunk) {
  const [first] = hunk;
  const oldRange = formatRange(first.oldLine, hunk.filter(({ kind }) => kind !== "+").length);
  const newRange = formatRange(first.newLine, hunk.filter(({ kind }) => kind !== "-").length);
  const lines = hunk.map(({ kind, line }) =>
    line.endsWith("\n") ? kind + line : `${kind}${line}\n\\ No newline at end of file\n`,
  );
  return `@@ -${oldRange} +${newRange} @@\n${lines.join("")}`;
}

/** A range without lines is named by the line before it. */
function formatRange(start, length) {
  if (length === 0) return `${start - 1},0`;
  return length === 1 ? `${start}` : `${start},${length}`;
}

// slug

/** Pairs of a letter and what stands for it. */
const LETTERS = new Map(
  [
    "ß ss,æ ae,œ oe,ø o,ł l,đ d,ð d,þ th,ı i,ħ h",
    "а a,б b,в v,г g,ґ g,д d,е e,є ye,ж zh,з z,и i,і i,к k,л l,м m,н n,о o,п p,р r,с s,т t,у u",
    "ф f,х kh,ц ts,ч ch,ш sh,щ shch,ъ ,ы y,ь ,э e,ю yu,я ya",
    "α a,β v,γ g,δ d,ε e,ζ z,η i,θ th,ι i,κ k,λ l,μ m,ν n,ξ x,ο o,π p,ρ r,σ s,ς s,τ t,υ y,φ f",
    "χ ch,ψ ps,ω o",
  ].flatMap((line) => line.split(",").map((pair) => pair.split(" "))),
);
/** Letters that lose their meaning with their mark. */
const MARKED = new Map(Object.entries({ й: "y", ё: "yo", ї: "yi" }));

function slug({ text, maxLength = 100 }) {
  const worded = text.replaceAll("&", " and ").replaceAll(/['\u2019]/gu, "");
  const plain = Array.from(worded.normalize("NFC").toLowerCase(), toAscii).join("");
  const joined = plain.replaceAll(/[^a-z0-9]+/gu, "-").replaceAll(/^-|-$/gu, "");
  const cut = joined.slice(0, maxLength + 1);
  const isCutInWord = joined.length > maxLength && cut.lastIndexOf("-") > 0;
  const kept = isCutInWord ? cut.slice(0, cut.lastIndexOf("-")) : cut.slice(0, maxLength);
  return { slug: kept };
}

function toAscii(letter) {
  const marked = MARKED.get(letter);
  if (marked !== undefined) return marked;
  const bare = letter.normalize("NFKD").replaceAll(/\p{M}/gu, "");
  return Array.from(bare.toLowerCase(), (part) => LETTERS.get(part) ?? part).join("");
}

// hash

const HASHES = { sha256, sha1, md5, crc32 };

function hash({ text, algorithm = "sha256" }) {
  return { algorithm, hex: HASHES[algorithm](toUtf8(text)) };
}

/** Half of a surrogate pair becomes U+FFFD, as everywhere. */
function toUtf8(text) {
  const bytes = [];
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0);
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return Uint8Array.from(bytes);
}

function tail(code) {
  return 0x80 | (code & 0x3f);
}

/** The first bits of the fraction of the roots of the first primes, as the standard has them. */
function rootBits(count, root) {
  const bits = [];
  for (let n = 2; bits.length < count; n += 1) {
    if (isPrime(n)) bits.push(Math.floor((n ** (1 / root) % 1) * 2 ** 32) | 0);
  }
  return bits;
}

function isPrime(n) {
  for (let factor = 2; factor * factor <= n; factor += 1) if (n % factor === 0) return false;
  return true;
}

function sha256(bytes) {
  const constants = rootBits(64, 3);
  const state = rootBits(8, 2);
  const words = new Int32Array(64);
  for (const block of blocks(bytes, false)) {
    for (let i = 0; i < 64; i += 1) {
      words[i] = i < 16 ? block.getInt32(i * 4) : expand256(words, i);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const s1 = right(e, 6) ^ right(e, 11) ^ right(e, 25);
      const first = (h + s1 + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      const s0 = right(a, 2) ^ right(a, 13) ^ right(a, 22);
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) state[i] = (state[i] + value) | 0;
  }
  return toHex(state, false);
}

function expand256(words, i) {
  const early = words[i - 15];
  const late = words[i - 2];
  const s0 = right(early, 7) ^ right(early, 18) ^ (early >>> 3);
  const s1 = right(late, 17) ^ right(late, 19) ^ (late >>> 10);
  return words[i - 16] + s0 + words[i - 7] + s1;
}

function sha1(bytes) {
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Int32Array(80);
  for (const block of blocks(bytes, false)) {
    for (let i = 0; i < 80; i += 1) {
      const mixed = words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16];
      words[i] = i < 16 ? block.getInt32(i * 4) : left(mixed, 1);
    }
    let [a, b, c, d, e] = state;
    for (let i = 0; i < 80; i += 1) {
      const sum = (left(a, 5) + mixSha1(i, b, c, d) + e + words[i]) | 0;
      e = d;
      d = c;
      c = left(b, 30);
      b = a;
      a = sum;
    }
    for (const [i, value] of [a, b, c, d, e].entries()) state[i] = (state[i] + value) | 0;
  }
  return toHex(state, false);
}

function mixSha1(i, b, c, d) {
  if (i < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (i < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (i < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

const MD5_SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

function md5(bytes) {
  const constants = Array.from({ length: 64 }, (_, i) =>
    Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0,
  );
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (const block of blocks(bytes, true)) {
    let [a, b, c, d] = state;
    for (let i = 0; i < 64; i += 1) {
      const word = block.getInt32(md5Word(i) * 4, true);
      const sum = (a + mixMd5(i, b, c, d) + constants[i] + word) | 0;
      a = d;
      d = c;
      c = b;
      b = (b + left(sum, MD5_SHIFTS[i >> 4][i & 3])) | 0;
    }
    for (const [i, value] of [a, b, c, d].entries()) state[i] = (state[i] + value) | 0;
  }
  return toHex(state, true);
}

function mixMd5(i, b, c, d) {
  if (i < 16) return (b & c) | (~b & d);
  if (i < 32) return (d & b) | (~d & c);
  return i < 48 ? b ^ c ^ d : c ^ (b | ~d);
}

/** Which word of the block a step takes. */
function md5Word(i) {
  if (i < 16) return i;
  if (i < 32) return (5 * i + 1) % 16;
  return (i < 48 ? 3 * i + 5 : 7 * i) % 16;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
}

/** Blocks of 64 bytes, the last padded: a one bit, zeros, the length in bits. */
function* blocks(bytes, isLittleEndian) {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  const bits = BigInt(bytes.length) * 8n;
  view.setBigUint64(padded.length - 8, bits, isLittleEndian);
  for (let at = 0; at < padded.length; at += 64) yield new DataView(padded.buffer, at, 64);
}

function toHex(words, isLittleEndian) {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  for (const [i, word] of words.entries()) view.setInt32(i * 4, word, isLittleEndian);
  const bytes = new Uint8Array(view.buffer);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function left(word, bits) {
  return (word << bits) | (word >>> (32 - bits));
}

function right(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

// case

const STYLES = {
  camel: (text) => {
    const pascal = toWords(text).map(capitalise).join("");
    const [first = ""] = toWords(text);
    return first.toLowerCase() + pascal.slice(first.length);
  },
  pascal: (text) => toWords(text).map(capitalise).join(""),
  snake: (text) => toWords(text).join("_").toLowerCase(),
  kebab: (text) => toWords(text).join("-").toLowerCase(),
  constant: (text) => toWords(text).join("_").toUpperCase(),
  title: (text) => text.replaceAll(/[\p{L}\p{N}][\p{L}\p{N}\p{M}'\u2019]*/gu, capitalise),
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
};

function changeCase({ text, style }) {
  return { text: STYLES[style](text) };
}

/** "parseHTTPResponse 2xx" is parse, HTTP, Response, 2xx. */
function toWords(text) {
  return text.match(/\p{Lu}+(?!\p{Ll})\p{N}*|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}]+|\p{Lu}/gu) ?? [];
}

function capitalise(word) {
  const [first = "", ...rest] = word;
  return first.toUpperCase() + rest.join("").toLowerCase();
}
