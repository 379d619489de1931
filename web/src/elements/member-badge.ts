/** An agent's standing in one queue. */

import { html, type TemplateResult } from 'lit';
import { stateOf } from '../store/agent-state.js';
import { UNKNOWN } from '../store/format.js';
import type { Member } from '../store/state.js';
import { NOT_SIGNED_IN, STATE } from '../text/en.js';
import { stateBadge } from './state-badge.js';

export function memberBadge(member: Member | undefined): TemplateResult {
  if (member === undefined) return html`<span class="none">${UNKNOWN}</span>`;
  if (member.status === 'loggedoff') return html`<span class="none">${NOT_SIGNED_IN}</span>`;
  const state = stateOf(member.status);
  return stateBadge(state, state === 'paused' && member.pausedReason ? member.pausedReason : STATE[state]);
}
