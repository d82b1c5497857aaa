import type { CredentialId } from "#domain/shared/id.ts";

/**
 * Tells everybody who holds a line open that these credentials are good no longer, and to look
 * whether the others still are what they were. Told in this process at once, to others as soon as
 * may be: nobody relies on hearing it.
 */
export type CredentialsRevoked = (credentialIds: readonly CredentialId[]) => void;
