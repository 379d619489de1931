import { describe, expect, test } from 'vitest';
import type { PhoneNumber, QueueMemberStatus, StreamEvent } from '../../src/client/events.js';
import { reduce } from '../../src/store/reduce.js';
import { agentsInOrder, longestSince, pbxsNotLive, queuesInOrder, statesInQueue, totals, unheard } from '../../src/store/select.js';
import { empty, forget, type Scope, type State } from '../../src/store/state.js';

const NAMED: Scope = { agents: ['102', '101'], queues: ['support', 'sales'] };
const ALL: Scope = { agents: ['*'], queues: ['*'] };

const after = (scope: Scope, ...events: StreamEvent[]): State => events.reduce(reduce, empty(scope));
const member = (agent: string, queue: string, more: Partial<QueueMemberStatus> = {}): QueueMemberStatus => ({
  type: 'queueMemberStatus',
  pbx: 'demo',
  agent,
  queue,
  status: 'not_inuse',
  deviceStatus: 'not_inuse',
  paused: false,
  pausedReason: null,
  penalty: 0,
  callsTaken: 0,
  lastCall: null,
  since: 1000,
  ...more,
});
const call = (uniqueId: string, more = {}) => ({
  uniqueId,
  number: '+38591123456',
  name: null,
  queue: null,
  direction: 'inbound' as const,
  state: 'connected' as const,
  since: 500,
  ...more,
});
const phone = (agent: string, ...calls: PhoneNumber['calls']): PhoneNumber => ({
  type: 'phoneNumber',
  pbx: 'demo',
  agent,
  number: calls[0]?.number ?? null,
  name: null,
  queue: null,
  direction: null,
  uniqueId: calls[0]?.uniqueId ?? null,
  since: null,
  calls,
});
const count = (queue: string, n: number, pbx = 'demo'): StreamEvent => ({ type: 'queueCount', pbx, queue, count: n });
const about = (agent: string, status: 'inuse' | 'not_inuse' | 'unavailable' | 'ringing'): StreamEvent => ({
  type: 'extensionStatus',
  pbx: 'demo',
  agent,
  status,
});

describe('reduce', () => {
  test('keeps the newest value of each state', () => {
    const state = after(NAMED, count('sales', 3), count('sales', 0));
    expect(queuesInOrder(state)).toEqual([{ pbx: 'demo', name: 'sales', count: 0, callers: null }]);
  });

  test('never changes the state it is given', () => {
    const before = after(NAMED, count('sales', 3), member('101', 'sales'));
    const copy = structuredClone(before);
    reduce(before, member('101', 'sales', { status: 'paused' }));
    reduce(before, count('sales', 4));
    expect(before).toEqual(copy);
  });

  test('an event repeated changes nothing', () => {
    const events = [count('sales', 3), member('101', 'sales'), phone('101', call('1'))];
    expect(after(NAMED, ...events, ...events)).toEqual(after(NAMED, ...events));
  });

  test('ignores what it does not know', () => {
    const state = after(NAMED, count('sales', 3));
    expect(reduce(state, { type: 'somethingNew' } as unknown as StreamEvent)).toBe(state);
  });

  test('reset forgets everything but the scope', () => {
    expect(after(NAMED, count('sales', 3), member('101', 'sales'), { type: 'reset' })).toEqual(empty(NAMED));
  });

  test('text stays text', () => {
    const name = '<img src=x onerror=alert(1)>';
    const [row] = agentsInOrder(after(NAMED, { type: 'agentName', pbx: 'demo', agent: '101', name }));
    expect(row?.name).toBe(name);
  });

  test('the same name on two PBXs is two queues', () => {
    const state = after(ALL, count('sales', 1, 'hq'), count('sales', 2, 'branch'));
    expect(queuesInOrder(state).map(({ pbx, count: n }) => [pbx, n])).toEqual([
      ['branch', 2],
      ['hq', 1],
    ]);
  });
});

describe('what is gone', () => {
  const gone: StreamEvent[] = [
    { ...count('sales', 0), gone: true } as StreamEvent,
    member('101', 'sales', { status: 'loggedoff', gone: true }),
    { type: 'agentName', pbx: 'demo', agent: '101', name: '101', gone: true },
    { ...phone('101'), gone: true },
  ];
  const before = [count('sales', 2), member('101', 'sales'), phone('101', call('1'))];

  test('goes when all was asked for', () => {
    expect(after(ALL, ...before, ...gone)).toEqual(empty(ALL));
  });

  test('stays, with its last value, when it was asked for by name', () => {
    const state = after(NAMED, ...before, ...gone);
    expect(queuesInOrder(state)[0]?.count).toBe(0);
    expect(agentsInOrder(state)[0]?.standing.state).toBe('offline');
  });
});

describe('the standing of an agent', () => {
  const standingOf = (...events: StreamEvent[]) => agentsInOrder(after(NAMED, ...events))[0]?.standing;

  test('a call in front says most', () => {
    const held = call('1', { state: 'held' });
    const talking = call('2', { since: 900 });
    const event = { ...phone('101', held, talking), uniqueId: '2' };
    expect(standingOf(about('101', 'inuse'), event)).toMatchObject({ state: 'incall', call: talking, since: 900 });
  });

  test('a busy phone is in call though no call was told', () => {
    expect(standingOf(about('101', 'inuse'), phone('101'), member('101', 'sales', { status: 'inuse', since: 7 }))).toMatchObject({
      state: 'incall',
      since: 7,
    });
  });

  test('paused in every queue is paused, with the reason', () => {
    const paused = { status: 'paused' as const, paused: true, pausedReason: 'Lunch' };
    expect(standingOf(about('101', 'not_inuse'), member('101', 'sales', paused))).toMatchObject({ state: 'paused', reason: 'Lunch' });
    expect(standingOf(about('101', 'not_inuse'), member('101', 'sales', paused), member('101', 'support'))?.state).toBe('available');
  });

  test('signed in nowhere is offline, nothing known is unknown', () => {
    expect(standingOf(about('101', 'not_inuse'), member('101', 'sales', { status: 'loggedoff' }))?.state).toBe('offline');
    expect(standingOf({ type: 'agentName', pbx: 'demo', agent: '101', name: 'Ana' })?.state).toBe('unknown');
  });
});

describe('what the pages show', () => {
  test('names keep the order of the address', () => {
    const state = after(NAMED, count('sales', 1), count('support', 2), member('101', 'sales'), member('102', 'sales'));
    expect(queuesInOrder(state).map((queue) => queue.name)).toEqual(['support', 'sales']);
    expect(agentsInOrder(state).map((row) => row.agent)).toEqual(['102', '101']);
  });

  test('with all asked for, names are in natural order', () => {
    const state = after(ALL, ...['20', '3', '100'].map((agent) => member(agent, 'sales')));
    expect(agentsInOrder(state).map((row) => row.agent)).toEqual(['3', '20', '100']);
  });

  test('an unknown sum is unknown, not zero', () => {
    expect(totals([], []).waiting).toBeNull();
    const state = after(NAMED, count('sales', 0), count('support', 2));
    expect(totals(queuesInOrder(state), []).waiting).toBe(2);
  });

  test('the longest wait is the oldest caller’s, and nobody’s in an empty queue', () => {
    const caller = (since: number) => ({ uniqueId: String(since), number: '1', name: null, position: 1, since });
    const callers: StreamEvent = { type: 'queueCallers', pbx: 'demo', queue: 'sales', callers: [caller(9), caller(4)] };
    const [waiting] = queuesInOrder(after(NAMED, callers, count('sales', 2)));
    const [none] = queuesInOrder(after(NAMED, callers, count('sales', 0)));
    expect([waiting && longestSince(waiting), none && longestSince(none)]).toEqual([4, null]);
  });

  test('a queue counts who is signed in to it', () => {
    const state = after(NAMED, count('sales', 0), member('101', 'sales'), member('102', 'sales', { status: 'loggedoff' }));
    const [queue] = queuesInOrder(state);
    expect(queue && [...statesInQueue(agentsInOrder(state), queue)]).toEqual([['available', 1]]);
  });

  test('a PBX that is not online is not live', () => {
    const status = (word: 'online' | 'offline'): StreamEvent => ({ type: 'pbxStatus', pbx: 'demo', status: word, since: 1, reason: null });
    expect(pbxsNotLive(after(NAMED, status('offline')))).toHaveLength(1);
    expect(pbxsNotLive(after(NAMED, status('offline'), status('online')))).toHaveLength(0);
  });

  test('names that nobody knows are told', () => {
    const state = after({ agents: ['101@demo', '9'], queues: ['*'] }, member('101', 'sales'));
    expect(unheard(state)).toEqual({ agents: ['9'], queues: [] });
  });

  test('forgetting keeps the rows and no figure', () => {
    const state = forget(after(NAMED, count('sales', 3), member('101', 'sales'), about('101', 'inuse'), phone('101', call('1'))));
    expect(queuesInOrder(state)[0]?.count).toBeNull();
    expect(agentsInOrder(state)[0]?.standing).toMatchObject({ state: 'unknown', call: null, since: null });
  });
});
