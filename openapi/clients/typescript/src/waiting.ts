// How long to wait before the next try, and how.

/** Longest wait that grows by itself, in milliseconds. */
const LONGEST = 15_000;
/** Longest time that a timer takes, in milliseconds; above it fires at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;
/** First wait when the server asks for none, in milliseconds. */
const FIRST = 500;

/** A wait before try `tries` (from 0): random up to a bound that doubles, so that many clients do not come back at once. */
export function backOff(tries: number, asked: number | undefined, random: () => number): number {
  const first = asked ?? FIRST;
  return random() * Math.min(Math.max(LONGEST, first), first * 2 ** tries);
}

/** The wait that a refusal asks for, in milliseconds. */
export function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after");
  return seconds !== null && /^[0-9]+$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** Ends a connection on which nothing comes, not even a heartbeat, while a promise is waited for. */
export async function unlessSilent<T>(
  milliseconds: number,
  connection: AbortController,
  promise: Promise<T>,
): Promise<T> {
  const silent = new Error(`nothing came for ${milliseconds} ms`);
  const timer = setTimeout(() => connection.abort(silent), milliseconds);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits, unless the caller gives up: then their reason is thrown. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
