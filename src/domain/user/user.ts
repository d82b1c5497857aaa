import { parseUserId, type UserId } from "../shared/id.ts";

/** Each role may do what the ones before it may. */
export const ROLES = ["member", "operator", "admin"] as const;

export type UserRole = (typeof ROLES)[number];

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly role: UserRole;
  readonly createdAtMs: number;
}

/** What an administrator may change of a user. */
export interface UserChange {
  readonly name?: string | undefined;
  readonly role?: UserRole | undefined;
}

/** The administrator whom every installation has from its first start. */
export const ADMIN: Omit<User, "createdAtMs"> = {
  id: parseUserId("admin"),
  name: "Admin",
  role: "admin",
};

export function hasRole({ role }: Pick<User, "role">, least: UserRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** The user as changed, or `last-admin` where nobody would be left to manage users. */
export function changeUser(
  user: User,
  { name = user.name, role = user.role }: UserChange,
  admins: number,
): User | "last-admin" {
  if (role !== "admin" && isLastAdmin(user, admins)) return "last-admin";
  return { ...user, name, role };
}

/** Whether `user` is the only one of the `admins` that there are. */
export function isLastAdmin({ role }: Pick<User, "role">, admins: number): boolean {
  return role === "admin" && admins <= 1;
}

const MAX_NAME_CHARS = 80;
const CONTROL = /\p{Cc}/u;

/** Whether people may be called so: 1 to 80 characters, no control characters, no outer space. */
export function isUserName(name: string): boolean {
  const isFitting = name.length > 0 && name.length <= MAX_NAME_CHARS && name.trim() === name;
  return isFitting && name.isWellFormed() && !CONTROL.test(name);
}
