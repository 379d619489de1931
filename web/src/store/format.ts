/** Figures as text. Pure. */

/** What is not known. */
export const UNKNOWN = '–';

/** `m:ss`, from one hour `h:mm:ss`; never below zero. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : String(value);
}

/** `14:31:52` in the reader's own time zone. */
export function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}
