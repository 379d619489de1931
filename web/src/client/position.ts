/**
 * Event ids, `<generation>-<sequence>`: the place in the service's log.
 *
 * Within a generation they rise, so an id not above the last one is a repetition. Another generation is
 * another log, whose sequence says nothing about the old one.
 */

interface Position {
  readonly generation: string;
  readonly sequence: number;
}

function parse(id: string): Position | null {
  const dash = id.lastIndexOf('-');
  const sequence = Number(id.slice(dash + 1));
  if (dash < 1 || !Number.isSafeInteger(sequence)) return null;
  return { generation: id.slice(0, dash), sequence };
}

/** Whether an event with this id was already delivered when `last` was the newest id delivered. */
export function isRepeated(id: string, last: string | null): boolean {
  if (last === null) return false;
  if (id === last) return true;
  const [a, b] = [parse(id), parse(last)];
  return a !== null && b !== null && a.generation === b.generation && a.sequence <= b.sequence;
}
