/** Getting a ticket: the one request that says who may see what. */

import type { Platform } from './platform.js';

export interface TicketScope {
  /** Names; `"*"` is all. */
  readonly agents: readonly string[];
  readonly queues: readonly string[];
  readonly callers: boolean;
  readonly summaryEvents: boolean;
}

export type TicketAnswer =
  | { readonly kind: 'ticket'; readonly ticket: string }
  /** Asking again would not help: not allowed, or the request is wrong. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

/** `POST /ticket`. Never throws. */
export async function requestTicket(
  platform: Platform,
  base: URL,
  scope: TicketScope,
  token: string | null,
  signal: AbortSignal,
): Promise<TicketAnswer> {
  try {
    const headers: Record<string, string> = { 'Content-Type': 'application/json' };
    if (token !== null) headers['Authorization'] = `Bearer ${token}`;
    const response = await platform.fetch(new URL('ticket', base), {
      method: 'POST',
      headers,
      body: JSON.stringify(scope),
      cache: 'no-store',
      signal,
    });
    if (response.ok) {
      const ticket: unknown = await response.json();
      if (typeof ticket === 'string' && ticket !== '') return { kind: 'ticket', ticket };
      return { kind: 'failed', reason: 'the service gave no ticket', retryAfterMs: 0 };
    }
    const reason = await problemText(response);
    const again = response.status >= 500 || response.status === 429 || response.status === 408;
    return again
      ? { kind: 'failed', reason, retryAfterMs: retryAfterMs(response) }
      : { kind: 'refused', reason };
  } catch (error) {
    return { kind: 'failed', reason: failureText(error), retryAfterMs: 0 };
  }
}

/** What a failed request says of itself. */
export function failureText(error: unknown): string {
  return error instanceof Error && error.name !== 'TypeError' ? error.message : 'the service cannot be reached';
}

/** `Retry-After` in milliseconds; 0 when there is none. */
export function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

/** The words of an `application/problem+json` answer, else its status. */
export async function problemText(response: Response): Promise<string> {
  const status = `the service answered ${response.status}`;
  try {
    const problem = (await response.json()) as { detail?: unknown; title?: unknown };
    if (typeof problem.detail === 'string' && problem.detail !== '') return problem.detail;
    return typeof problem.title === 'string' && problem.title !== '' ? problem.title : status;
  } catch {
    return status;
  }
}
