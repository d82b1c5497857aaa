/* How often what models are given beside messages has changed; see `ContextVersion`. */
export const statements = [
  `ALTER TABLE session ADD COLUMN context_version BIGINT NOT NULL DEFAULT 0`,
  `ALTER TABLE "user" ADD COLUMN context_version BIGINT NOT NULL DEFAULT 0`,
];
