import type { ResumingClient } from "./resuming-client.ts";

interface StoredMessage {
  readonly id: string;
  readonly role: string;
  readonly turnId: string;
  readonly content?: string;
}

interface Page {
  readonly messages: readonly StoredMessage[];
  readonly nextCursor?: string;
}

interface Server {
  readonly url: string;
  readonly token: string;
}

/**
 * Compares what a client was told with what the server has: each message it sent is there once,
 * under the id that every `accepted` named, with one answer that fits, whose text and end the
 * client has seen once. An empty list is a conversation in which nothing was lost or doubled.
 */
export async function listConversationFaults(
  server: Server,
  client: ResumingClient,
  fits: (question: string, answer: string) => boolean,
): Promise<string[]> {
  const stored = await readMessages(server, client.sessionId);
  const faults = [...client.faults];
  const texts = stored.filter(({ role }) => role === "user").map(({ content }) => content);
  const sentTexts = client.sent.map(({ text }) => text);
  if (texts.join("\n") !== sentTexts.join("\n")) {
    faults.push(`stored ${JSON.stringify(texts)}, sent ${JSON.stringify(sentTexts)}`);
  }
  for (const { text, accepted } of client.sent) {
    const ids = new Set(accepted.map(({ messageId, turnId }) => `${messageId} ${turnId}`));
    if (ids.size !== 1) faults.push(`"${text}" was accepted as ${[...ids].join(", ")}`);
    const { turnId = "", messageId } = accepted[0] ?? {};
    if (!stored.some(({ id }) => id === messageId)) faults.push(`"${text}" is not stored`);
    const answers = stored
      .filter((each) => each.role === "assistant" && each.turnId === turnId && each.content)
      .map(({ content = "" }) => content);
    if (answers.length !== 1 || !fits(text, answers[0] ?? "")) {
      faults.push(`"${text}" was answered ${JSON.stringify(answers)}`);
    }
    const ends = client.ends.get(turnId) ?? 0;
    if (ends !== 1) faults.push(`"${text}" ended ${ends} times before the client`);
  }
  for (const { id, role, content } of stored) {
    const seen = client.texts.get(id);
    if (role === "assistant" && content && seen !== undefined && seen !== content) {
      faults.push(`the client has "${seen}" where "${content}" is stored`);
    }
  }
  return faults;
}

async function readMessages(server: Server, sessionId = ""): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  const address = `${server.url}/api/v1/sessions/${sessionId}/messages?limit=200`;
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const response = await fetch(`${address}${cursor && `&cursor=${cursor}`}`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    if (!response.ok) throw new Error(`Cannot read messages: ${await response.text()}`);
    const page = (await response.json()) as Page;
    messages.unshift(...page.messages);
    cursor = page.nextCursor;
  }
  return messages;
}
