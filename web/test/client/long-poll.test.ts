import { expect, test } from 'vitest';
import type { StreamEvent } from '../../src/client/events.js';
import { longPoll } from '../../src/client/transport/long-poll.js';
import type { End } from '../../src/client/transport/transport.js';
import { FakePlatform, settle } from '../support/fake-platform.js';

function open(platform: FakePlatform) {
  const seen = { events: [] as StreamEvent[], caughtUp: 0, end: null as End | null };
  let last: string | null = null;
  const close = longPoll.open(
    { platform, base: new URL('http://service.example/'), ticket: 't', after: () => last },
    {
      alive: () => undefined,
      event: (event) => {
        seen.events.push(event);
        last = (event as { id?: string }).id ?? last;
      },
      caughtUp: () => (seen.caughtUp += 1),
      ended: (end) => (seen.end = end),
    },
  );
  return { seen, close };
}

test('asks again after the last id of each answer', async () => {
  const platform = new FakePlatform();
  platform.answers.push(
    () => Response.json([{ type: 'ready', id: 'g-1', now: 1, resumed: false }]),
    () => Response.json([{ type: 'ping', id: 'g-5' }, 'nonsense', null]),
    () => new Response('{}', { status: 404 }),
  );
  const { seen } = open(platform);
  await settle();
  expect(platform.requests.map(({ url }) => new URL(url).searchParams.get('after'))).toEqual([null, 'g-1', 'g-5']);
  expect(seen).toMatchObject({ caughtUp: 2, end: { kind: 'no-ticket' } });
});

test('a service that stops gives what it has and says when to come back', async () => {
  const platform = new FakePlatform();
  const said = { headers: { 'Retry-After': '2' } };
  platform.answers.push(() => Response.json([{ type: 'ping', now: 1, id: 'g-5' }], said));
  const { seen } = open(platform);
  await settle();
  expect(seen).toEqual({
    events: [{ type: 'ping', now: 1, id: 'g-5' }],
    caughtUp: 1,
    end: { kind: 'moved', reason: 'the service stops', inMs: 2_000 },
  });
  expect(platform.requests).toHaveLength(1);
});

test('a service that is away says when to come back, and that is a failure', async () => {
  const platform = new FakePlatform();
  platform.answers.push(() => new Response('{}', { status: 503, headers: { 'Retry-After': '2' } }));
  const { seen } = open(platform);
  await settle();
  expect(seen.end).toMatchObject({ kind: 'lost', retryAfterMs: 2_000 });
});

test('does not spin when the service answers nothing at once', async () => {
  const platform = new FakePlatform();
  platform.answers.push(
    () => Response.json([]),
    () => Response.json([]),
    () => new Response('', { status: 500 }),
  );
  const { seen } = open(platform);
  await settle();
  expect(platform.requests).toHaveLength(1);
  await platform.pass(1_000);
  expect(platform.requests).toHaveLength(2);
  await platform.pass(1_000);
  expect(seen.end).toMatchObject({ kind: 'lost' });
});

test('says nothing more once it is closed', async () => {
  const platform = new FakePlatform();
  platform.answers.push(() => Response.json([{ type: 'ping', now: 1 }]));
  const { seen, close } = open(platform);
  close();
  await settle();
  expect(seen).toEqual({ events: [], caughtUp: 0, end: null });
});
