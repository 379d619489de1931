/** Waiting times between attempts: full jitter, so that a thousand boards do not come back at once. */

export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: BackoffLimits = { minMs: 500, maxMs: 30_000 };

/** A waiting time after so many failures in a row (from 1): somewhere between the least and the doubled ceiling. */
export function backoffMs(failures: number, random: number, limits: BackoffLimits = DEFAULT_BACKOFF): number {
  const ceiling = Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(failures, 20));
  return Math.round(limits.minMs + random * Math.max(0, ceiling - limits.minMs));
}
