/** An agent's one state, from his phone, his calls and his queues. Pure. */

import type { Call, DeviceStatus, ExtensionWord, MemberWord } from '../client/events.js';
import type { Agent, Member } from './state.js';

export type AgentState = 'ringing' | 'incall' | 'hold' | 'paused' | 'available' | 'offline' | 'unknown';

export interface Standing {
  readonly state: AgentState;
  readonly call: Call | null;
  /** Of the pause. */
  readonly reason: string | null;
  /** When it began; null if nothing tells. */
  readonly since: number | null;
}

/** How a word of Asterisk is shown. */
export function stateOf(word: MemberWord | DeviceStatus | ExtensionWord): AgentState {
  switch (word) {
    case 'not_inuse':
      return 'available';
    case 'inuse':
    case 'busy':
    case 'ringinuse':
      return 'incall';
    case 'ringing':
      return 'ringing';
    case 'onhold':
      return 'hold';
    case 'paused':
      return 'paused';
    case 'loggedoff':
    case 'unavailable':
      return 'offline';
    default:
      return 'unknown';
  }
}

/** A call says most, then the phone, then the queues. */
export function standing(agent: Agent | undefined, members: readonly Member[]): Standing {
  const call = agent?.calls?.[0] ?? null;
  if (call !== null) {
    const state = call.state === 'ringing' ? 'ringing' : call.state === 'held' ? 'hold' : 'incall';
    return { state, call, reason: null, since: call.since };
  }
  const signedIn = members.filter((member) => member.status !== 'loggedoff');
  const phone = stateOf(agent?.extension ?? signedIn[0]?.deviceStatus ?? 'unknown');
  const at = (state: AgentState, of: readonly Member[], reason: string | null = null): Standing => ({
    state,
    call: null,
    reason,
    since: of.reduce<number | null>((latest, { since }) => (since === null ? latest : Math.max(latest ?? 0, since)), null),
  });
  if (phone === 'incall' || phone === 'ringing' || phone === 'hold') {
    return at(phone, signedIn.filter((member) => stateOf(member.status) === phone));
  }
  const paused = signedIn.filter((member) => member.status === 'paused');
  if (signedIn.length > 0 && paused.length === signedIn.length) {
    return at('paused', paused, paused.find((member) => member.pausedReason)?.pausedReason ?? null);
  }
  if (phone === 'offline' || (members.length > 0 && signedIn.length === 0)) return at('offline', members);
  return at(phone, signedIn.filter((member) => stateOf(member.status) === phone));
}
