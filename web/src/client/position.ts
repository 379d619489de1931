/**
 * Event ids, `<generation>-<sequence>`: the place in the service's log.
 *
 * Within a generation they rise, so an id not above the last one is a repetition. Another generation is
 * another log, whose sequence says nothing about the old one. The id of a poll's `ready` may have a mark behind
 * the generation (`<generation>.<mark>-<sequence>`), which is for the service alone: what counts is the place.
 */

interface Position {
  readonly generation: string;
  readonly sequence: number;
}

function parse(id: string): Position | null {
  const dash = id.lastIndexOf('-');
  const sequence = Number(id.slice(dash + 1));
  if (dash < 1 || !Number.isSafeInteger(sequence)) return null;
  return { generation: id.slice(0, dash).split('.', 1)[0] ?? '', sequence };
}

/** How far `id` lies behind `last` in the same log, negative when before it; null when that cannot be said. */
function distance(id: string, last: string): number | null {
  const [a, b] = [parse(id), parse(last)];
  return a === null || b === null || a.generation !== b.generation ? null : a.sequence - b.sequence;
}

/** Whether an event with this id was already delivered when `last` was the newest id delivered. */
export function isRepeated(id: string, last: string | null): boolean {
  if (last === null) return false;
  const ahead = distance(id, last);
  return ahead === null ? id === last : ahead <= 0;
}

/** Whether going on after `id` would repeat what came up to `last`. */
export function isBefore(id: string, last: string | null): boolean {
  return last !== null && (distance(id, last) ?? 0) < 0;
}
