import { expect, test } from 'vitest';
import type { Platform } from '../../src/client/platform.js';
import type { StreamEvent } from '../../src/client/events.js';
import { endOf, websocket } from '../../src/client/transport/websocket.js';
import type { End } from '../../src/client/transport/transport.js';
import { FakePlatform } from '../support/fake-platform.js';

class FakeSocket extends EventTarget {
  static last: FakeSocket;
  closed = false;

  constructor(readonly url: URL) {
    super();
    FakeSocket.last = this;
  }

  close(): void {
    this.closed = true;
  }

  message(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
}

function open() {
  const platform: Platform = Object.assign(new FakePlatform(), { WebSocket: FakeSocket as unknown as typeof WebSocket });
  const events: StreamEvent[] = [];
  const ends: End[] = [];
  const close = websocket.open(
    { platform, base: new URL('https://service.example/'), ticket: 't', after: () => 'g-1' },
    { alive: () => undefined, caughtUp: () => undefined, event: (e) => events.push(e), ended: (e) => ends.push(e) },
  );
  return { events, ends, close, socket: FakeSocket.last };
}

test('reads one event a message and survives what is none', () => {
  const { events, socket } = open();
  expect(socket.url.href).toBe('wss://service.example/t/websocket?after=g-1');
  for (const data of ['{"type":"ping","now":1}', '{', '[]', 'null', '{"type":1}', new ArrayBuffer(2)]) socket.message(data);
  expect(events).toEqual([{ type: 'ping', now: 1 }]);
});

test('says nothing more once it is closed', () => {
  const { events, ends, close, socket } = open();
  close();
  socket.message('{"type":"ping","now":1}');
  socket.dispatchEvent(Object.assign(new Event('close'), { code: 1006, reason: '' }));
  expect(socket.closed).toBe(true);
  expect([events, ends]).toEqual([[], []]);
});

test.each([
  [4504, 'no-ticket'],
  [1008, 'refused'],
  [4500, 'refused'],
  [4999, 'refused'],
  [1000, 'lost'],
  [1001, 'lost'],
  [1006, 'lost'],
  [1012, 'lost'],
  [4000, 'lost'],
  [4499, 'lost'],
  [4001, 'lost'],
  [4008, 'lost'],
])('close code %i means %s', (code, kind) => {
  expect(endOf(code, '').kind).toBe(kind);
});

test('a gateway that stops says when to come back', () => {
  expect(endOf(4001, 'the gateway stops; retry in 731 ms')).toEqual({
    kind: 'moved',
    reason: 'the service stops',
    inMs: 731,
  });
});

test.each(['', 'retry in ms', 'retry in 99999999999 ms', 'retry in -5 ms'])(
  'a close code 4001 that says %j does not say when',
  (reason) => {
    expect(endOf(4001, reason).kind).toBe('lost');
  },
);

test('another close code does not say when, whatever its reason', () => {
  expect(endOf(1012, 'retry in 731 ms').kind).toBe('lost');
});
