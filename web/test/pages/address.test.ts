import { expect, test } from 'vitest';
import { clientPath, readAddress } from '../../src/pages/address.js';

test('names come back as they were, whatever they hold', () => {
  const scope = { agents: ['101', 'a,b', 'č/d', '148@hq'], queues: ['*'] };
  expect(readAddress(clientPath('sse', scope))).toEqual({ tech: 'sse', scope });
});

test('a broken or missing part is survived', () => {
  expect(readAddress('/client/long-poll/%E0%A4%A,101,,101')).toEqual({
    tech: 'long-poll',
    scope: { agents: ['%E0%A4%A', '101'], queues: [] },
  });
  expect(readAddress('/client/nonsense/1/2').tech).toBe('websocket');
});
