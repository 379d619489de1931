import { beforeEach, describe, expect, test } from 'vitest';
import type { QueueCount, Ready, StreamEvent } from '../../src/client/events.js';
import { PbxClient, type PbxClientOptions } from '../../src/client/pbx-client.js';
import { FakePlatform, settle } from '../support/fake-platform.js';
import { FakeTransport } from '../support/fake-transport.js';

let platform: FakePlatform;
let transport: FakeTransport;
let heard: StreamEvent[];
let states: string[];

const count = (n: number, id?: string): QueueCount => ({
  type: 'queueCount',
  pbx: 'demo',
  queue: 'sales',
  count: n,
  ...(id === undefined ? {} : { id }),
});
const ready = (id: string, more: Partial<Ready> = {}): Ready => ({ type: 'ready', resumed: false, now: 5_000_000, id, ...more });
const counts = () => heard.flatMap((event) => (event.type === 'queueCount' ? [event.count] : []));

async function begin(options: Partial<PbxClientOptions> = {}): Promise<PbxClient> {
  const client = new PbxClient({
    baseUrl: 'http://service.example/',
    agents: ['101'],
    queues: ['sales'],
    platform,
    transports: { websocket: transport },
    ...options,
  });
  client.on('*', (event) => heard.push(event));
  client.onStatus((status) => states.push(status.state));
  client.start();
  await settle();
  return client;
}

beforeEach(() => {
  platform = new FakePlatform();
  transport = new FakeTransport();
  heard = [];
  states = [];
});

describe('beginning', () => {
  test('asks for a ticket with the scope, then streams with it', async () => {
    await begin({ callers: true });
    expect(platform.requests[0]?.url).toBe('http://service.example/ticket');
    expect(platform.requests[0]?.body).toEqual({ agents: ['101'], queues: ['sales'], callers: true, summaryEvents: false });
    expect(transport.last.ticket).toBe('t1');
    expect(transport.last.after).toBeNull();
  });

  test('sends the key it is given', async () => {
    await begin({ getToken: () => 'secret' });
    expect(platform.requests[0]?.headers.get('Authorization')).toBe('Bearer secret');
  });

  test('is live only when the snapshot is complete', async () => {
    const client = await begin();
    transport.say(count(3));
    expect(client.state).toBe('connecting');
    transport.say(ready('g-9'));
    expect(client.state).toBe('live');
    expect(counts()).toEqual([3]);
  });

  test('a refused ticket ends it, with the reason', async () => {
    platform.answers.push(() => Response.json({ detail: 'no key' }, { status: 401 }));
    const client = await begin();
    expect(client.status).toMatchObject({ state: 'closed', reason: 'no key' });
    expect(platform.nextTimer).toBeNull();
  });

  test('a busy service is asked again, not before it said', async () => {
    platform.answers.push(() => new Response('', { status: 503, headers: { 'Retry-After': '7' } }));
    const client = await begin();
    expect(client.state).toBe('waiting');
    await platform.pass(6_999);
    expect(platform.requests).toHaveLength(1);
    await platform.pass(1);
    expect(transport.streams).toHaveLength(1);
  });

  test('a ticket request that hangs is given up', async () => {
    platform.answers.push(() => new Promise<Response>(() => undefined));
    const client = await begin();
    await platform.pass(15_000);
    expect(client.state).toBe('waiting');
  });
});

describe('coming back', () => {
  test('resumes after the last id with the same ticket', async () => {
    const client = await begin();
    transport.say(ready('g-9'), count(1, 'g-10'));
    transport.end({ kind: 'lost', reason: 'gone' });
    expect(client.state).toBe('waiting');
    await platform.pass(500);
    expect(transport.last).toMatchObject({ ticket: 't1', after: 'g-10' });
    transport.say(count(2, 'g-11'), ready('g-11', { resumed: true }));
    expect(client.state).toBe('live');
    expect(counts()).toEqual([1, 2]);
    expect(heard.some((event) => event.type === 'reset')).toBe(false);
  });

  test('waits longer after each failure, and never longer than the limit', async () => {
    platform.randomValue = 0.999_999;
    await begin();
    const waits: (number | null)[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      transport.end({ kind: 'lost', reason: 'gone' });
      waits.push(platform.nextTimer);
      await platform.pass(platform.nextTimer ?? 0);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test('a connection that held makes the next failure the first again', async () => {
    platform.randomValue = 0.999_999;
    await begin();
    for (let failure = 0; failure < 4; failure += 1) {
      transport.end({ kind: 'lost', reason: 'gone' });
      await platform.pass(platform.nextTimer ?? 0);
    }
    transport.say(ready('g-9'));
    await platform.pass(10_000);
    transport.end({ kind: 'lost', reason: 'gone' });
    expect(platform.nextTimer).toBe(1000);
  });

  test('waking tries at once', async () => {
    await begin();
    transport.end({ kind: 'lost', reason: 'gone' });
    platform.wake();
    expect(transport.streams).toHaveLength(2);
  });

  test('an expired ticket is replaced, and the position kept', async () => {
    await begin();
    transport.say(ready('g-9'));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    transport.end({ kind: 'no-ticket' });
    await platform.pass(500);
    expect(transport.last).toMatchObject({ ticket: 't2', after: 'g-9' });
  });

  test('`closed` before the stream was live means an expired ticket', async () => {
    const client = await begin();
    transport.say({ type: 'closed' }, { type: 'close' });
    expect(client.state).toBe('waiting');
    await platform.pass(500);
    expect(transport.last.ticket).toBe('t2');
  });

  test('a ticket that is not valid any more on a live stream is for good', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    transport.end({ kind: 'no-ticket' });
    expect(client.status).toMatchObject({ state: 'closed', reason: 'the ticket is not valid any more' });
    expect(platform.nextTimer).toBeNull();
  });

  test('`closed` on a live stream is for good', async () => {
    const client = await begin();
    transport.say(ready('g-9'), { type: 'closed', reason: 'ticket revoked' }, { type: 'close' });
    expect(client.status).toMatchObject({ state: 'closed', reason: 'ticket revoked' });
    await platform.pass(600_000);
    platform.wake();
    expect(transport.streams).toHaveLength(1);
  });

  test('a refusal is for good', async () => {
    const client = await begin();
    transport.end({ kind: 'refused', reason: 'not allowed' });
    expect(client.state).toBe('closed');
    expect(platform.nextTimer).toBeNull();
  });

  test('a stream that ended says nothing more', async () => {
    await begin();
    const old = transport.last;
    transport.say(ready('g-9'));
    transport.end({ kind: 'lost', reason: 'gone' });
    old.sink.event(count(7, 'g-10'));
    old.sink.ended({ kind: 'refused', reason: 'late' });
    expect(counts()).toEqual([]);
    expect(old.open).toBe(false);
  });

  test('closing ends everything', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    client.close();
    expect(transport.last.open).toBe(false);
    expect(client.state).toBe('closed');
    expect(platform.nextTimer).toBeNull();
  });
});

describe('a service that stops', () => {
  const stops = (inMs: number) => transport.end({ kind: 'moved', reason: 'the service stops', inMs });

  test('is come back to when it said, and resumed after the last id', async () => {
    platform.randomValue = 0.999_999;
    const client = await begin();
    transport.say(ready('g-9'), count(1, 'g-10'));
    stops(731);
    expect(client.status).toMatchObject({ state: 'waiting', reason: 'the service stops', retryAt: 5_000_731 });
    await platform.pass(730);
    expect(transport.streams).toHaveLength(1);
    await platform.pass(1);
    expect(transport.last).toMatchObject({ ticket: 't1', after: 'g-10' });
  });

  test('adds nothing to the waiting after failures, and takes nothing from it', async () => {
    platform.randomValue = 0.999_999;
    await begin();
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(1_000);
    stops(200);
    await platform.pass(200);
    expect(transport.streams).toHaveLength(3);
    transport.end({ kind: 'lost', reason: 'gone' });
    expect(platform.nextTimer).toBe(2_000);
  });

  test.each([
    [0, 100],
    [99, 100],
    [30_001, 30_000],
    [999_999_999, 30_000],
  ])('is believed within bounds: %i ms is %i ms', async (said, waited) => {
    await begin();
    transport.say(ready('g-9'));
    stops(said);
    expect(platform.nextTimer).toBe(waited);
  });
});

describe('silence', () => {
  test('makes it stale, then a new connection is tried', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    await platform.pass(37_499);
    expect(client.state).toBe('live');
    await platform.pass(3);
    expect(client.state).toBe('stale');
    expect(transport.streams).toHaveLength(2);
    expect(transport.streams[0]?.open).toBe(false);
    expect(client.status.liveUntil).toBe(5_000_000);
    transport.say(ready('g-9', { resumed: true, now: 5_038_000 }));
    expect(client.state).toBe('live');
  });

  test('pings keep it live', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    for (let ping = 1; ping <= 10; ping += 1) {
      await platform.pass(15_000);
      transport.say({ type: 'ping', now: 5_000_000 + ping * 15_000 });
    }
    expect(client.state).toBe('live');
    expect(transport.streams).toHaveLength(1);
  });

  test('a machine that slept is stale at once, though its timers stood still', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    platform.wallOffset += 3_600_000;
    platform.wake();
    expect(client.state).toBe('stale');
  });

  test('a connection that never speaks is given up', async () => {
    const client = await begin();
    await platform.pass(37_502);
    expect(client.state).toBe('waiting');
  });
});

describe('each event once', () => {
  test('a repeated or older id is dropped', async () => {
    await begin();
    transport.say(ready('g-9'), count(1, 'g-9'), count(2, 'g-10'), count(3, 'g-10'), count(4, 'g-11'));
    expect(counts()).toEqual([2, 4]);
  });

  test('`ready` says where to go on, and never turns back', async () => {
    await begin();
    transport.say(ready('g-9'), count(1, 'g-10'), ready('g-8'), count(1, 'g-10'));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    expect(transport.last.after).toBe('g-10');
    expect(counts()).toEqual([1]);
  });

  test('`ready` alone moves the position on', async () => {
    await begin();
    transport.say(ready('g-9'), ready('g-30', { resumed: true }));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    expect(transport.last.after).toBe('g-30');
  });

  test('what else an id of `ready` says is given back, and is no other log', async () => {
    await begin();
    transport.say(ready('g.2-9'), count(1, 'g-9'), count(2, 'g-10'), ready('g.3-10'), ready('g-10'));
    expect(counts()).toEqual([2]);
    transport.say(ready('g.1-10'));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    expect(transport.last.after).toBe('g.1-10');
  });

  test('ids compare as numbers, and only within a generation', async () => {
    await begin();
    transport.say(ready('a-b-9'), count(1, 'a-b-10'), count(2, 'c-3'), count(3, 'c-3'));
    expect(counts()).toEqual([1, 2]);
  });

  test('a reset is passed on, and nothing is live until the new snapshot is complete', async () => {
    const client = await begin();
    transport.say(ready('g-9'), count(1, 'g-10'), { type: 'reset' });
    expect(client.state).toBe('connecting');
    transport.last.sink.caughtUp();
    expect(client.state).toBe('connecting');
    transport.say(count(5), ready('g-3'), count(6, 'g-4'));
    expect(client.state).toBe('live');
    expect(counts()).toEqual([1, 5, 6]);
  });

  test('who lost the stream in the middle of a reset gives back no place', async () => {
    await begin();
    transport.say(ready('g-9'), { type: 'reset', id: 'reset' }, count(5));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    expect(transport.last.after).toBeNull();
  });

  test('a half-given snapshot is cleared before the next one begins', async () => {
    await begin();
    transport.say(count(5));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    transport.say(count(6), ready('g-9'));
    expect(heard.map((event) => event.type)).toEqual(['queueCount', 'reset', 'queueCount', 'ready']);
  });

  test('an answered poll is live again without `ready`', async () => {
    const client = await begin();
    transport.say(ready('g-9'));
    transport.end({ kind: 'lost', reason: 'gone' });
    await platform.pass(500);
    expect(client.state).toBe('connecting');
    transport.last.sink.caughtUp();
    expect(client.state).toBe('live');
  });

  test('types it does not know are passed on', async () => {
    await begin();
    const strange = { type: 'somethingNew', pbx: 'demo' } as unknown as StreamEvent;
    transport.say(ready('g-9'), strange);
    expect(heard.at(-1)).toBe(strange);
  });
});

describe('the clock', () => {
  test('is the service’s, whatever this machine says', async () => {
    const client = await begin();
    expect(client.now()).toBe(platform.wall());
    transport.say(ready('g-9', { now: 5_000_000 }));
    await platform.pass(1_000);
    expect(client.now()).toBe(5_001_000);
    platform.wallOffset = 0;
    expect(client.now()).toBe(5_001_000);
  });

  test('a delayed ping does not turn it back, a set clock does', async () => {
    const client = await begin();
    transport.say(ready('g-9', { now: 5_000_000 }), { type: 'ping', now: 4_999_500 });
    expect(client.now()).toBe(5_000_000);
    transport.say({ type: 'ping', now: 5_000_200 });
    expect(client.now()).toBe(5_000_200);
    transport.say({ type: 'ping', now: 1_000_000 });
    expect(client.now()).toBe(1_000_000);
  });
});
