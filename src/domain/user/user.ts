import { parseUserId, type UserId } from "../shared/id.ts";

export type UserRole = "admin" | "operator" | "member";

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly role: UserRole;
  readonly createdAtMs: number;
}

/** The administrator whom every installation has from its first start. */
export const ADMIN: Omit<User, "createdAtMs"> = {
  id: parseUserId("admin"),
  name: "Admin",
  role: "admin",
};
