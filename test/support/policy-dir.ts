/** The policies that are shipped. */
export const POLICY_DIR = new URL("../../sandbox-policies", import.meta.url).pathname;
