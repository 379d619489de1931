import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '../../src/client/events.js';
import { eventOf, sse } from '../../src/client/transport/sse.js';
import { SseParser } from '../../src/client/transport/sse-parser.js';
import type { End } from '../../src/client/transport/transport.js';
import { FakePlatform, settle } from '../support/fake-platform.js';

const STREAM = 'event: queueCount\ndata: {"pbx":"demo",\ndata: "count":1}\nid: g-7\n\n: a comment\n\nevent: close\ndata: {}\n\n';

describe('the parser', () => {
  test.each(['\n', '\r\n', '\r'])('reads messages cut anywhere, with line ends %j', (end) => {
    const text = STREAM.replaceAll('\n', end);
    for (let cut = 1; cut < text.length; cut += 1) {
      const parser = new SseParser();
      // A last line that ends in a carriage return waits for what follows it.
      const messages = [...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut)), ...parser.feed(':\n')];
      expect(messages).toEqual([
        { type: 'queueCount', data: '{"pbx":"demo",\n"count":1}', id: 'g-7' },
        { type: 'close', data: '{}', id: null },
      ]);
    }
  });

  test('hostile text stays text', () => {
    const name = '</script><img src=x onerror=alert(1)>\u2028\n\nevent: closed\n\n';
    const [message] = new SseParser().feed(`event: agentName\ndata: ${JSON.stringify({ name })}\n\n`);
    expect(message && eventOf(message)).toEqual({ type: 'agentName', name });
  });

  test('an id belongs to its own message alone', () => {
    const messages = new SseParser().feed('id: g-1\ndata: 1\n\ndata: 2\n\n');
    expect(messages.map((message) => message.id)).toEqual(['g-1', null]);
  });
});

/** Open the stream against one answer; what came of it. */
async function against(response: Response): Promise<{ url: string; events: StreamEvent[]; end: End | null }> {
  const platform = new FakePlatform();
  platform.answers.push(() => response);
  const events: StreamEvent[] = [];
  let end: End | null = null;
  sse.open(
    { platform, base: new URL('http://service.example/x/'), ticket: 'a/b', after: () => 'g-1' },
    { alive: () => undefined, caughtUp: () => undefined, event: (e) => events.push(e), ended: (e) => (end = e) },
  );
  await settle();
  return { url: platform.requests[0]?.url ?? '', events, end };
}

describe('the stream', () => {
  test('gives every type, and says when it is lost', async () => {
    const { url, events, end } = await against(new Response('event: somethingNew\ndata: {"a":1}\nid: g-2\n\n'));
    expect(url).toBe('http://service.example/x/a%2Fb/sse?after=g-1');
    expect(events).toEqual([{ type: 'somethingNew', a: 1, id: 'g-2' }]);
    expect(end).toMatchObject({ kind: 'lost' });
  });

  const PRELUDE = 'retry: 2000\n\n';
  const PING = 'event: ping\ndata: {"now":1}\n\n';

  test.each([
    ['after an event', `${PRELUDE}${PING}retry: 731\n\n`],
    ['before the first event', `${PRELUDE}retry: 731\n\n`],
    ['in a stream that began without one', `${PING}retry: 731\n\n`],
  ])('a service that stops says when to come back, %s', async (_, text) => {
    expect((await against(new Response(text))).end).toEqual({ kind: 'moved', reason: 'the service stops', inMs: 731 });
  });

  test.each([
    ['stands at the beginning alone', PRELUDE],
    ['stands at the beginning, and events follow', `${PRELUDE}${PING}`],
    ['has an event behind it', `${PRELUDE}${PING}retry: 731\n\n${PING}`],
    ['is no number', `${PRELUDE}${PING}retry: soon\n\n`],
  ])('an end is a loss when `retry` %s', async (_, text) => {
    expect((await against(new Response(text))).end).toMatchObject({ kind: 'lost' });
  });

  test.each([
    [404, 'no-ticket'],
    [403, 'refused'],
    [503, 'lost'],
    [429, 'lost'],
  ])('a status of %i means %s', async (status, kind) => {
    expect((await against(new Response('{}', { status }))).end).toMatchObject({ kind });
  });
});
