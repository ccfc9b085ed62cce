const INT64_END = 2 ** 63;
const SECONDS = /^(?<whole>\d{1,10})(?:\.(?<fraction>\d{1,20}))?$/u;
const NS_DIGITS = 9;
const NS = 1_000_000_000n;

/** The nearest whole number. Null for what is not known, and for what does not fit into 64 bits. */
export function toInt64(value: number | null | undefined): bigint | null {
  if (value === undefined || value === null || !(Math.abs(value) < INT64_END)) return null;
  return BigInt(Math.round(value));
}

/**
 * A time in seconds as nanoseconds, digit by digit as it is printed: times the number 10⁹, a time
 * of this year would be off by 100 ns. Null for what is not known or out of range.
 */
export function secondsToNs(seconds: number | undefined): bigint | null {
  if (seconds === undefined) return null;
  const { whole, fraction = '' } = SECONDS.exec(String(seconds))?.groups ?? {};
  if (whole === undefined) return toInt64(seconds * Number(NS));
  return BigInt(whole) * NS + BigInt(fraction.slice(0, NS_DIGITS).padEnd(NS_DIGITS, '0'));
}
