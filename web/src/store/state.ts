/** What a page knows of the call centre: one value, never changed in place. */

import type { Call, DeviceStatus, ExtensionWord, MemberWord, PbxWord, WaitingCaller } from '../client/events.js';

/** What the ticket asked for, in the order of the page's address; `"*"` is all. */
export interface Scope {
  readonly agents: readonly string[];
  readonly queues: readonly string[];
}

export interface Pbx {
  readonly name: string;
  readonly status: PbxWord;
  readonly since: number;
  readonly reason: string | null;
}

/** null is "not known", never zero. */
export interface Queue {
  readonly pbx: string;
  readonly name: string;
  readonly count: number | null;
  readonly callers: readonly WaitingCaller[] | null;
}

export interface Agent {
  readonly pbx: string;
  readonly agent: string;
  readonly name: string | null;
  readonly extension: ExtensionWord | null;
  /** null: not known; empty: no call. The call in front comes first. */
  readonly calls: readonly Call[] | null;
}

export interface Member {
  readonly pbx: string;
  readonly agent: string;
  readonly queue: string;
  readonly status: MemberWord;
  readonly deviceStatus: DeviceStatus;
  readonly pausedReason: string | null;
  readonly callsTaken: number;
  readonly since: number | null;
}

export interface State {
  readonly scope: Scope;
  readonly pbxs: ReadonlyMap<string, Pbx>;
  /** By `keyOf(pbx, queue)`. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** By `keyOf(pbx, agent)`. */
  readonly agents: ReadonlyMap<string, Agent>;
  /** By agent, then by queue: the same two keys. */
  readonly members: ReadonlyMap<string, ReadonlyMap<string, Member>>;
}

/** A key of something on a PBX. No name holds a line feed. */
export function keyOf(pbx: string, name: string): string {
  return `${pbx}\n${name}`;
}

/** Nothing known yet. */
export function empty(scope: Scope): State {
  return { scope, pbxs: new Map(), queues: new Map(), agents: new Map(), members: new Map() };
}

/**
 * The same rows with every figure unknown: for a page that has been without a connection for so long that
 * even a greyed figure would mislead.
 */
export function forget(state: State): State {
  const over = <V, W>(map: ReadonlyMap<string, V>, fn: (value: V) => W) =>
    new Map([...map].map(([key, value]) => [key, fn(value)] as const));
  return {
    ...state,
    queues: over(state.queues, (queue) => ({ ...queue, count: null, callers: null })),
    agents: over(state.agents, (agent) => ({ ...agent, extension: null, calls: null })),
    members: over(state.members, (queues) =>
      over(queues, (member) => ({
        ...member,
        status: 'unknown' as const,
        deviceStatus: 'unknown' as const,
        pausedReason: null,
        since: null,
      })),
    ),
  };
}
