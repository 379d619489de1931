/** What the pages show, computed from the state. Pure. */

import { standing, type AgentState, type Standing } from './agent-state.js';
import { isAll } from './reduce.js';
import { keyOf, type Agent, type Member, type Pbx, type Queue, type State } from './state.js';

export interface AgentRow {
  readonly key: string;
  readonly pbx: string;
  readonly agent: string;
  readonly name: string | null;
  readonly about: Agent | undefined;
  /** By queue key. */
  readonly members: ReadonlyMap<string, Member>;
  readonly standing: Standing;
}

export interface Totals {
  /** null when no queue has told its count. */
  readonly waiting: number | null;
  readonly longestSince: number | null;
  readonly states: ReadonlyMap<AgentState, number>;
}

const naturally = new Intl.Collator(undefined, { numeric: true }).compare;

/** Sorted by the order of the page's address, then by name. `101@hq` there names 101 on the PBX hq. */
function inOrder<T>(items: Iterable<T>, names: readonly string[], nameOf: (item: T) => [string, string]): T[] {
  const places = new Map(names.map((name, at) => [name, at] as const));
  const placed = [...items].map((item) => {
    const [pbx, name] = nameOf(item);
    const place = Math.min(places.get(name) ?? names.length, places.get(`${name}@${pbx}`) ?? names.length);
    return { item, pbx, name, place };
  });
  placed.sort((a, b) => a.place - b.place || naturally(a.name, b.name) || naturally(a.pbx, b.pbx));
  return placed.map(({ item }) => item);
}

export function queuesInOrder(state: State): Queue[] {
  return inOrder(state.queues.values(), state.scope.queues, (queue) => [queue.pbx, queue.name]);
}

/** All agents that anything is known of, in order. */
export function agentsInOrder(state: State): AgentRow[] {
  const keys = new Set([...state.agents.keys(), ...state.members.keys()]);
  const none: ReadonlyMap<string, Member> = new Map();
  const rows = [...keys].map((key): AgentRow => {
    const about = state.agents.get(key);
    const members = state.members.get(key) ?? none;
    const [pbx = '', agent = ''] = key.split('\n');
    return { key, pbx, agent, name: about?.name ?? null, about, members, standing: standing(about, [...members.values()]) };
  });
  return inOrder(rows, state.scope.agents, (row) => [row.pbx, row.agent]);
}

/** Agents' states within a queue, of those that are signed in to it. */
export function statesInQueue(rows: readonly AgentRow[], queue: Queue): ReadonlyMap<AgentState, number> {
  const key = keyOf(queue.pbx, queue.name);
  const counts = new Map<AgentState, number>();
  for (const row of rows) {
    const member = row.members.get(key);
    if (member === undefined || member.status === 'loggedoff') continue;
    const state = member.status === 'paused' && row.standing.call === null ? 'paused' : row.standing.state;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

/** When the caller who waits longest came; null when nobody waits or callers are not told. */
export function longestSince(queue: Queue): number | null {
  if (queue.count === 0) return null; // the last caller has gone; the list that says so is on its way
  const since = (queue.callers ?? []).map((caller) => caller.since);
  return since.length === 0 ? null : Math.min(...since);
}

export function totals(queues: readonly Queue[], rows: readonly AgentRow[]): Totals {
  const counts = queues.flatMap((queue) => queue.count ?? []);
  const longest = queues.flatMap((queue) => longestSince(queue) ?? []);
  const states = new Map<AgentState, number>();
  for (const { standing } of rows) states.set(standing.state, (states.get(standing.state) ?? 0) + 1);
  return {
    waiting: counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0),
    longestSince: longest.length === 0 ? null : Math.min(...longest),
    states,
  };
}

/** The PBXs whose figures are not live. */
export function pbxsNotLive(state: State): Pbx[] {
  return [...state.pbxs.values()].filter((pbx) => pbx.status !== 'online');
}

/** When a PBX's figures stopped being live; null while they are. */
export function notLiveSince(state: State, pbx: string): number | null {
  const status = state.pbxs.get(pbx);
  return status === undefined || status.status === 'online' ? null : status.since;
}

/** The listed names that no PBX has told anything of yet. */
export function unheard(state: State): { agents: string[]; queues: string[] } {
  const missing = (names: readonly string[], known: Iterable<{ pbx: string; name: string }>) => {
    if (isAll(names)) return [];
    const heard = new Set([...known].flatMap(({ pbx, name }) => [name, `${name}@${pbx}`]));
    return names.filter((name) => !heard.has(name));
  };
  const agents = agentsInOrder(state).map(({ pbx, agent }) => ({ pbx, name: agent }));
  return { agents: missing(state.scope.agents, agents), queues: missing(state.scope.queues, state.queues.values()) };
}
