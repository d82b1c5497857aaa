import type { UserId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import { hasRole, type UserRole } from "#domain/user/user.ts";
import type { HttpReply } from "../http-reply.ts";
import { problem } from "../problem.ts";
import { insufficientRole } from "../replies.ts";

/**
 * Calls `answer` with whose things a request is about: the sender's own, or where it names another
 * user, that one's, if the sender's role is at least `least`.
 */
export function asOwner<T>(
  { user }: Principal,
  { userId, least }: { readonly userId: UserId | undefined; readonly least: UserRole },
  answer: (userId: UserId) => T,
): T | HttpReply {
  if (userId === undefined || userId === user.id) return answer(user.id);
  return hasRole(user, least) ? answer(userId) : problem(insufficientRole(least));
}
