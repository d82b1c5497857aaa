import type { LoadTokenizer } from "#application/ports/tokenizer.ts";
import type { CountTokens } from "#domain/spend/estimate-tokens.ts";

/** The tokenizer takes time that grows with the square of a word's length: longer texts are cut. */
const PIECE_CHARS = 512;
/** Longer texts are counted by as many characters, in pieces from all over them. */
const MAX_COUNTED_CHARS = 8_192;
/** Words that it remembers; hostile texts are all new words. */
const REMEMBERED_WORDS = 20_000;
/** Nothing in a text is a command to the model. */
const AS_PLAIN_TEXT = { disallowedSpecial: new Set<string>() };

let loading: Promise<CountTokens> | undefined;

/**
 * Counts for models of OpenAI as they do (o200k). For all others nobody publishes how: there is
 * nothing to load. Loading it takes a fifth of a second of the thread and about 60 MB.
 */
export const loadTokenizer: LoadTokenizer = async (model) => {
  if (!model.startsWith("openai/")) return undefined;
  loading ??= load();
  return loading;
};

async function load(): Promise<CountTokens> {
  const { countTokens, setMergeCacheSize } = await import("gpt-tokenizer/encoding/o200k_base");
  setMergeCacheSize(REMEMBERED_WORDS);
  return (text) => countPieces(text, (piece) => countTokens(piece, AS_PLAIN_TEXT));
}

/** A cut costs a token at most, and mostly none: pieces end behind a space where there is one. */
function countPieces(text: string, count: CountTokens): number {
  const isWhole = text.length <= MAX_COUNTED_CHARS;
  const strideChars = isWhole ? 0 : Math.floor(text.length / (MAX_COUNTED_CHARS / PIECE_CHARS));
  let counted = 0;
  let tokens = 0;
  for (let start = 0; start < text.length && counted < MAX_COUNTED_CHARS; ) {
    const piece = text.slice(start, endOfPiece(text, start));
    tokens += count(piece);
    counted += piece.length;
    start += Math.max(piece.length, strideChars);
  }
  return isWhole ? tokens : Math.ceil((tokens * text.length) / counted);
}

function endOfPiece(text: string, start: number): number {
  const end = start + PIECE_CHARS;
  if (end >= text.length) return text.length;
  const space = text.lastIndexOf(" ", end);
  return space > start + PIECE_CHARS / 2 ? space : end;
}
