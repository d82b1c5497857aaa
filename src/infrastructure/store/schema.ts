import type { Generated } from "kysely";

/** The tables, as the newest migration leaves them. Times are milliseconds since the epoch. */
export interface Schema {
  user: {
    user_id: string;
    name: string;
    role: string;
    created_at_ms: number;
    /** Counts changes of their notes. */
    context_version: Generated<number>;
  };
  credential: {
    hash: string;
    kind: string;
    user_id: string;
    label: string;
    created_at_ms: number;
    expires_at_ms: number | null;
    credential_id: string;
    /** As `formatScopes` writes them. */
    scopes: string;
    /** The token that opened it. */
    parent_id: string | null;
    last_used_at_ms: number | null;
  };
  /** A request that was made under a key, and how it was answered. */
  idempotency_key: {
    user_id: string;
    key_hash: string;
    fingerprint: string;
    work_id: string;
    begun_at_ms: number;
    held_at_ms: number;
    status: number | null;
    body: string | null;
  };
  session: {
    session_id: string;
    user_id: string;
    title: string;
    created_at_ms: number;
    updated_at_ms: number;
    head_seq: number;
    head_epoch: number;
    model: string | null;
    untrusted_from: string | null;
    private_from: string | null;
    steps: Generated<number>;
    tokens: Generated<number>;
    cost_nano_usd: Generated<number>;
    wall_ms: Generated<number>;
    /** Some turn of it has a parent that is not the turn before it. */
    is_branched: Generated<number>;
    /** The turn that the next one goes on from, where that is not the last one. */
    next_parent_turn_id: string | null;
    /** Counts changes of its pins, its summaries and how its turns hang together. */
    context_version: Generated<number>;
  };
  /** In the order of the conversation by (turn_id, position): turn ids grow with time. */
  message: {
    session_id: string;
    turn_id: string;
    position: number;
    message_id: string;
    role: string;
    parts_json: string;
    is_complete: number;
    created_at_ms: number;
  };
  turn: {
    turn_id: string;
    session_id: string;
    user_id: string;
    user_message_id: string;
    client_message_id: string;
    accepted_seq: number;
    state: string;
    attempts: number;
    epoch: number;
    created_at_ms: number;
    started_at_ms: number | null;
    ended_at_ms: number | null;
    failure_code: string | null;
    failure_message: string | null;
    /** Who runs it, or ran it last. */
    instance_id: string | null;
    is_cancelled: Generated<number>;
    /** Its own choice, where it has one. */
    model: string | null;
    mode: Generated<string>;
    /** Null: the turn before it in its session, if there is one. '': none. */
    parent_turn_id: string | null;
    /** The turn that took its message in; then it has none of its own. */
    joined_turn_id: string | null;
    waiting_since_ms: number | null;
    pauses: Generated<number>;
    ran_ms: Generated<number>;
  };
  /** Every running instance of the program; one whose lease has ended counts as dead. */
  instance: {
    instance_id: string;
    epoch: number;
    started_at_ms: number;
    expires_at_ms: number;
  };
  /** One that a schedule brought about has the empty turn id. */
  task: {
    turn_id: string;
    task_id: string;
    tool_call_id: string;
    skill: string;
    tool: string;
    skill_digest: string;
    policy_hash: string;
    input_json: string;
    state: string;
    output_json: string | null;
    failure_code: string | null;
    failure_message: string | null;
    wall_ms: number;
    cpu_ms: number;
    memory_mib: number;
    output_bytes: number;
    created_at_ms: number;
    ended_at_ms: number | null;
    user_id: string;
    session_id: string | null;
    schedule_id: string | null;
    started_at_ms: number | null;
  };
  /** A task that goes on without its turn, while it runs; the task itself may be gone. */
  background_task: { turn_id: string; task_id: string; instance_id: string };
  /** `next_at_ms` is there while it is active, `state_at_ms` tells since when it is not. */
  schedule: {
    schedule_id: string;
    user_id: string;
    name: string;
    when_json: string;
    missed: string;
    action_json: string;
    state: string;
    next_at_ms: number | null;
    state_at_ms: number | null;
    last_fired_at_ms: number | null;
    created_at_ms: number;
  };
  /** Each time of a schedule, once. `attempt` counts the calls of its skill. */
  schedule_firing: {
    schedule_id: string;
    due_at_ms: number;
    fired_at_ms: number;
    state: string;
    attempt: number;
    started_at_ms: number | null;
    late_ms: number | null;
    ended_at_ms: number | null;
    turn_id: string | null;
    task_id: string | null;
    failure_code: string | null;
    failure_message: string | null;
  };
  /** Jobs, on SQLite. On Postgres they are pg-boss's. */
  job: {
    queue: string;
    job_id: string;
    data_json: string;
    state: string;
    attempt: number;
    ready_at_ms: number;
    lease_until_ms: number | null;
    ended_at_ms: number | null;
    failure_code: string | null;
    failure_message: string | null;
  };
  /** A stretch of a session's event log, written by one run of one turn. */
  event_segment: {
    session_id: string;
    first_seq: number;
    last_seq: number;
    epoch: number;
    turn_id: string;
    events_json: string;
  };
  /** Numbers that outlive the process: `epoch` is the last fencing number that was given out. */
  counter: {
    name: string;
    value: number;
  };
  /** What one skill keeps for one user, in all. */
  skill_kv_space: {
    skill: string;
    user_id: string;
    keys: number;
    bytes: number;
  };
  /** `key` is UTF-8; `bytes` counts key and value. */
  skill_kv: {
    skill: string;
    user_id: string;
    key: Uint8Array;
    bytes: number;
    value: Uint8Array;
  };
  skill_call: {
    record_id: Generated<number>;
    recorded_at_ms: number;
    call_id: string;
    skill: string;
    skill_version: string;
    skill_digest: string;
    tool: string;
    user_id: string;
    policy_hash: string;
    seed: string;
    start_ms: number;
    input_hash: string;
    input_bytes: number;
    outcome: string;
    rule: string | null;
    wall_ms: number;
    cpu_ms: number;
    memory_mib: number;
    output_bytes: number;
    host_calls: number;
  };
  /** The values are there only where the policy has them recorded. */
  host_call: {
    record_id: Generated<number>;
    recorded_at_ms: number;
    call_id: string;
    skill: string;
    skill_digest: string;
    seq: number;
    name: string;
    decision: string;
    rule: string;
    policy_hash: string;
    ms: number;
    args_hash: string;
    args_bytes: number;
    result_hash: string;
    result_bytes: number;
    args_json: string | null;
    result_json: string | null;
  };
  /** What was erased is null. */
  audit_entry: {
    seq: number;
    at_ms: number;
    action: string;
    decision: string;
    policy_hash: string | null;
    actor: string | null;
    actor_salt: string | null;
    actor_hash: string;
    subject: string | null;
    subject_salt: string | null;
    subject_hash: string;
    detail_json: string | null;
    detail_salt: string | null;
    detail_hash: string;
    prev_hash: string;
    hash: string;
  };
  /** One row: the last entry of the audit log. */
  audit_head: {
    head_id: number;
    seq: number;
    hash: string;
  };
  installed_skill: {
    name: string;
    version: string;
    digest: string;
    publisher: string | null;
    manifest_json: string;
    grants_json: string;
    state: string;
    state_since_ms: number;
    state_by: string | null;
    state_reason: string | null;
    installed_at_ms: number;
    installed_by: string;
    revision: number;
  };
  approval: {
    approval_id: string;
    user_id: string;
    session_id: string;
    skill: string;
    skill_digest: string;
    tool: string;
    input_hash: string;
    input_json: string;
    requested_at_ms: number;
    expires_at_ms: number;
    state: string;
    decided_by: string | null;
    decided_at_ms: number | null;
    reason: string | null;
    scope_json: string | null;
    revision: number;
    turn_id: string;
    tool_call_id: string;
    card_json: string;
    revoked_by: string | null;
    revoked_at_ms: number | null;
  };
  /** What of it is not known is null. */
  model_call: {
    turn_id: string;
    model_call_id: string;
    session_id: string;
    user_id: string;
    step: number;
    model: string;
    state: string;
    input_tokens: number;
    output_tokens: number;
    cached_input_tokens: number | null;
    cache_write_tokens: number | null;
    reasoning_tokens: number | null;
    is_estimated: number | null;
    cost_nano_usd: number;
    started_at_ms: number;
    first_token_at_ms: number | null;
    ended_at_ms: number | null;
    failure_code: string | null;
    failure_message: string | null;
  };
  /** What a user, or all users (''), spent on a day, in all its rows together. */
  spend: {
    user_id: string;
    day: string;
    shard: number;
    steps: number;
    tokens: number;
    cost_nano_usd: number;
    wall_ms: number;
  };
  /** One row while it is on. */
  brake: {
    brake_id: number;
    since_ms: number;
    user_id: string;
    reason: string | null;
  };
  compaction: {
    session_id: string;
    compaction_id: string;
    up_to_turn_id: string;
    summary: string;
    model: string;
    messages: number;
    tokens_before: number;
    tokens_after: number;
    created_at_ms: number;
    undone_by: string | null;
    undone_at_ms: number | null;
  };
  pin: {
    session_id: string;
    message_id: string;
    pinned_at_ms: number;
  };
  note: {
    user_id: string;
    note_id: string;
    text: string;
    source: string;
    session_id: string | null;
    turn_id: string | null;
    untrusted_from: string | null;
    created_at_ms: number;
  };
  transcript: {
    user_id: string;
    hash: string;
    session_id: string;
    turn_id: string;
  };
  mcp_pin: {
    server: string;
    accept: number;
    tool: string;
    digest: string;
  };
}
