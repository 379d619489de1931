/**
 * `reduce(state, event)`: the state after an event. Pure; an event of no interest gives the same state back.
 *
 * Each state event is a full value, so a repeated one changes nothing. What is `gone` keeps its row, with its
 * natural last value, where the page named it; where the page asked for all (`"*"`) the row goes.
 */

import type { Call, PhoneNumber, StreamEvent } from '../client/events.js';
import { empty, keyOf, type Agent, type Queue, type State } from './state.js';

export function reduce(state: State, event: StreamEvent): State {
  switch (event.type) {
    case 'reset':
      return empty(state.scope);
    case 'pbxStatus': {
      const { pbx: name, status, since, reason } = event;
      const value = event.gone ? null : { name, status, since, reason };
      return { ...state, pbxs: put(state.pbxs, name, value) };
    }
    case 'queueCount':
      return putQueue(state, event, { count: event.count });
    case 'queueCallers':
      return putQueue(state, event, { callers: event.callers });
    case 'agentName':
      return putAgent(state, event, event.gone ? { name: null } : { name: event.name });
    case 'extensionStatus':
      return putAgent(state, event, event.gone ? { extension: null } : { extension: event.status });
    case 'phoneNumber':
      return putAgent(state, event, event.gone ? { calls: null } : { calls: callsOf(event) });
    case 'queueMemberStatus': {
      const { pbx, agent, queue, status, deviceStatus, pausedReason, callsTaken, since } = event;
      const anyone = isAll(state.scope.agents) || isAll(state.scope.queues);
      const member = { pbx, agent, queue, status, deviceStatus, pausedReason, callsTaken, since };
      const key = keyOf(pbx, agent);
      const of = put(state.members.get(key) ?? new Map(), keyOf(pbx, queue), event.gone && anyone ? null : member);
      return { ...state, members: put(state.members, key, of.size === 0 ? null : of) };
    }
    default:
      return state;
  }
}

/** Whether a list of names asks for all. */
export function isAll(names: readonly string[]): boolean {
  return names.includes('*');
}

function put<V>(map: ReadonlyMap<string, V>, key: string, value: V | null): ReadonlyMap<string, V> {
  const copy = new Map(map);
  if (value === null) copy.delete(key);
  else copy.set(key, value);
  return copy;
}

interface OfQueue {
  readonly pbx: string;
  readonly queue: string;
  readonly gone?: boolean;
}

function putQueue(state: State, event: OfQueue, news: Partial<Queue>): State {
  const key = keyOf(event.pbx, event.queue);
  const before = state.queues.get(key) ?? { pbx: event.pbx, name: event.queue, count: null, callers: null };
  const value = event.gone && isAll(state.scope.queues) ? null : { ...before, ...news };
  return { ...state, queues: put(state.queues, key, value) };
}

interface OfAgent {
  readonly pbx: string;
  readonly agent: string;
}

function putAgent(state: State, event: OfAgent, news: Partial<Agent>): State {
  const key = keyOf(event.pbx, event.agent);
  const { pbx, agent } = event;
  const before = state.agents.get(key) ?? { pbx, agent, name: null, extension: null, calls: null };
  const after = { ...before, ...news };
  const nothingLeft = after.name === null && after.extension === null && after.calls === null;
  const value = nothingLeft && isAll(state.scope.agents) ? null : after;
  return { ...state, agents: put(state.agents, key, value) };
}

/** The calls, the one in front first. */
function callsOf(event: PhoneNumber): readonly Call[] {
  const front = event.calls.find((call) => call.uniqueId === event.uniqueId);
  return front === undefined ? event.calls : [front, ...event.calls.filter((call) => call !== front)];
}
