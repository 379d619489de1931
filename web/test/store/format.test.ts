import { expect, test } from 'vitest';
import { duration, figure } from '../../src/store/format.js';

test.each([
  [-5, '0:00'],
  [999, '0:00'],
  [61_000, '1:01'],
  [3_599_999, '59:59'],
  [3_600_000, '1:00:00'],
  [36_061_000, '10:01:01'],
])('%i ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('unknown is a dash and zero is zero', () => {
  expect([figure(null), figure(undefined), figure(0)]).toEqual(['–', '–', '0']);
});
