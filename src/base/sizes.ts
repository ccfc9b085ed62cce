/** 2^10, 2^20 and 2^30 bytes: memory is counted in powers of two. */
export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const GiB: number = 1024 * MiB;
export const TiB: number = 1024 * GiB;

const UNITS = [
  { suffix: 'TiB', bytes: TiB },
  { suffix: 'GiB', bytes: GiB },
  { suffix: 'MiB', bytes: MiB },
  { suffix: 'KiB', bytes: KiB },
] as const;

const SIZE_PATTERN = /^(?<number>\d+(?:\.\d+)?)\s*(?:(?<unit>[kmgt])(?:i?b)?|b)?$/iu;

/**
 * Reads a size as people write it: `4096`, `64KiB`, `8MiB`, `1.5GiB`; `8M` and `8MB` mean `8MiB`, as with `dd` and `ls -h`.
 *
 * @returns whole bytes
 * @throws {RangeError} when the text is no size, or not a whole number of bytes
 */
export function parseSize(text: string): number {
  const groups = SIZE_PATTERN.exec(text.trim())?.groups;
  const unit = UNITS.find((candidate) => candidate.suffix[0] === groups?.['unit']?.toUpperCase());
  const bytes = Number(groups?.['number'] ?? Number.NaN) * (unit?.bytes ?? 1);
  if (!Number.isSafeInteger(bytes)) {
    throw new RangeError(
      `Cannot read a size as it must be bytes or a number with KiB, MiB, GiB or TiB: current value is "${text}"`,
    );
  }
  return bytes;
}

/** `8388608` as `8 MiB`: the largest unit that the value fills, with one decimal where it is not whole. */
export function formatSize(bytes: number): string {
  const unit = UNITS.find((candidate) => bytes >= candidate.bytes);
  if (unit === undefined) return `${bytes} B`;
  const value = bytes / unit.bytes;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit.suffix}`;
}
