import { describe, test } from "vitest";
import { Quarantine } from "../../../../runtime/supervisor/quarantine.ts";

const skill = { name: "bad", digest: "d1" };
const killed = (nowMs: number) => ({ wasKilled: true, nowMs });
const ended = (nowMs: number) => ({ wasKilled: false, nowMs });

describe("Quarantine", () => {
  test("begins with the fifth kill in a minute and ends by itself", ({ expect }) => {
    const quarantine = new Quarantine();
    for (let kill = 1; kill < 5; kill += 1) {
      expect(quarantine.note("alice", skill, killed(kill))).toBeUndefined();
    }
    expect(quarantine.find("alice", "d1", 5)).toBeUndefined();
    expect(quarantine.note("alice", skill, killed(5))).toMatchObject({ name: "bad", kills: 5 });
    expect(quarantine.find("alice", "d1", 6)).toMatchObject({ digest: "d1" });
    expect(quarantine.list(6)).toHaveLength(1);
    expect(quarantine.find("alice", "d1", 11 * 60_000)).toBeUndefined();
  });

  test("does not begin while most calls end well", ({ expect }) => {
    const quarantine = new Quarantine();
    quarantine.note("alice", skill, killed(0));
    for (let call = 0; call < 100; call += 1) quarantine.note("alice", skill, ended(1));
    for (let kill = 0; kill < 10; kill += 1) quarantine.note("alice", skill, killed(2));
    expect(quarantine.find("alice", "d1", 3)).toBeUndefined();
  });

  test("forgets kills that lie further back", ({ expect }) => {
    const quarantine = new Quarantine();
    for (let kill = 0; kill < 10; kill += 1) {
      quarantine.note("alice", skill, killed(kill * 60_001));
    }
    expect(quarantine.list(10 * 60_001)).toEqual([]);
  });

  test("judges users apart whose calls share no process", ({ expect }) => {
    const quarantine = new Quarantine();
    for (let kill = 0; kill < 5; kill += 1) quarantine.note("mallory", skill, killed(kill));
    expect(quarantine.find("mallory", "d1", 9)).toBeDefined();
    expect(quarantine.find("alice", "d1", 9)).toBeUndefined();
  });

  test("ends when an operator releases the skill", ({ expect }) => {
    const quarantine = new Quarantine();
    for (let kill = 0; kill < 5; kill += 1) quarantine.note("alice", skill, killed(kill));
    quarantine.release("d1");
    expect(quarantine.find("alice", "d1", 9)).toBeUndefined();
  });
});
