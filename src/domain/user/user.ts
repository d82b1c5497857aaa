import type { UserId } from "../shared/id.ts";

export type UserRole = "admin" | "operator" | "member";

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly role: UserRole;
  readonly createdAtMs: number;
}
