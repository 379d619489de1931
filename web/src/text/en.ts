/** Every word that the pages say. */

import type { PbxWord } from '../client/events.js';
import type { ClientState } from '../client/pbx-client.js';
import type { Tech } from '../client/transport/transport.js';
import type { AgentState } from '../store/agent-state.js';

export const STATE: Readonly<Record<AgentState, string>> = {
  ringing: 'Ringing',
  incall: 'In call',
  hold: 'On hold',
  paused: 'Paused',
  available: 'Available',
  offline: 'Offline',
  unknown: 'Unknown',
};

export const NOT_SIGNED_IN = 'Signed out';

export const NOT_LIVE = 'Not live';
export const PARTLY_LIVE = 'Partly live';

export const CONNECTION: Readonly<Record<ClientState, string>> = {
  idle: 'Not started',
  connecting: 'Connecting',
  live: 'Live',
  stale: NOT_LIVE,
  waiting: 'Reconnecting',
  closed: 'Ended',
};

export const TECH: Readonly<Record<Tech, string>> = {
  websocket: 'WebSocket',
  sse: 'SSE',
  'long-poll': 'Long poll',
};

export const PBX: Readonly<Record<PbxWord, string>> = {
  online: 'is online',
  syncing: 'is being read anew',
  offline: 'is offline',
  auth_failed: 'refuses the login',
};

export const ANONYMOUS = 'Withheld';

export function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
