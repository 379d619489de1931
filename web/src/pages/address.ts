/** Page addresses: `/client/<tech>/<agents>/<queues>`, lists separated by commas, names percent-encoded. Pure. */

import type { Tech } from '../client/transport/transport.js';
import type { Scope } from '../store/state.js';

export const TECHS: readonly Tech[] = ['websocket', 'sse', 'long-poll'];

export interface ClientAddress {
  readonly tech: Tech;
  readonly scope: Scope;
}

/** Read a path; an unknown transport is the WebSocket, a missing list is empty. */
export function readAddress(path: string): ClientAddress {
  const [, , tech = '', agents = '', queues = ''] = path.split('/');
  return {
    tech: TECHS.find((known) => known === tech) ?? 'websocket',
    scope: { agents: readList(agents), queues: readList(queues) },
  };
}

export function clientPath(tech: Tech, scope: Scope): string {
  const list = (names: readonly string[]) => names.map(encodeURIComponent).join(',');
  return `/client/${tech}/${list(scope.agents)}/${list(scope.queues)}`;
}

/** The list is split before it is decoded, so a name may hold an encoded comma. */
function readList(text: string): string[] {
  const names = text.split(',').map((name) => decode(name).trim());
  return [...new Set(names)].filter((name) => name !== '');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
