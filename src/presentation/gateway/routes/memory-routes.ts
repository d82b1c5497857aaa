import type { z } from "zod";
import { MAX_NOTES, type Note } from "#domain/memory/note.ts";
import { NoteBody, NoteDetail, NoteList } from "../api-schemas.ts";
import { json, NO_CONTENT } from "../http-reply.ts";
import { problem } from "../problem.ts";
import * as reply from "../replies.ts";
import { type Route, route } from "../route.ts";
import type { GatewayDeps } from "../use-cases.ts";

const READ = { scope: "memory:read", role: "member" } as const;
const WRITE = { scope: "memory:write", role: "member" } as const;

/** Notes about the user, which models are told in all of their sessions. */
export function createMemoryRoutes(deps: GatewayDeps): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/memory",
      access: READ,
      name: "listNotes",
      summary: "What is remembered of you, oldest first, with where it comes from",
      answers: { 200: { summary: "All of it", schema: NoteList } },
      async answer({ principal: { user } }) {
        return json(200, { notes: (await deps.listNotes(user.id)).map(toNote) });
      },
    }),
    route({
      method: "post",
      path: "/memory",
      access: WRITE,
      name: "addNote",
      summary: `Has something remembered; at most ${MAX_NOTES} notes`,
      body: { schema: NoteBody, example: { text: "I am a vegetarian" } },
      answers: { 201: { summary: "The note", schema: NoteDetail } },
      problems: ["conflict"],
      async answer({ principal: { user }, body: { text } }) {
        const note = await deps.addNote({ userId: user.id, text });
        return note === "too-many" ? problem(reply.TOO_MANY_NOTES) : json(201, toNote(note));
      },
    }),
    route({
      method: "delete",
      path: "/memory/{noteId}",
      access: WRITE,
      name: "deleteNote",
      summary: "Has a note forgotten",
      answers: { 204: { summary: "It is gone" } },
      async answer({ principal: { user }, params: { noteId } }) {
        const result = await deps.deleteNote({ userId: user.id, noteId });
        return result === "removed" ? NO_CONTENT : problem(reply.notFound("note"));
      },
    }),
  ];
}

function toNote({ id, text, source, createdAtMs }: Note): z.output<typeof NoteDetail> {
  if (source.kind === "user") return { id, text, by: "user", createdAtMs };
  const { sessionId, turnId, untrusted } = source;
  const origin = untrusted === undefined ? {} : { untrusted };
  return { id, text, by: "agent", sessionId, turnId, ...origin, createdAtMs };
}
