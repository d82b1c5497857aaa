import type {
  TranscriptPlace,
  TranscriptRepository,
} from "#domain/transcript/transcript-repository.ts";

/** Transcripts in memory. */
export function openMemoryTranscripts(): TranscriptRepository {
  const places = new Map<string, TranscriptPlace>();
  return {
    find: async ({ userId, hash }) => places.get(`${userId} ${hash}`),
    remember: async ({ userId, hash }, place) => void places.set(`${userId} ${hash}`, place),
  };
}
