/** 2^10, 2^20 and 2^30 bytes: memory is counted in powers of two. */
export const KiB = 1024;
/** 2^20 bytes. */
export const MiB: number = 1024 * KiB;
/** 2^30 bytes. */
export const GiB: number = 1024 * MiB;
/** 2^40 bytes. */
export const TiB: number = 1024 * GiB;

export const SIZE_UNITS = [
  { suffix: 'TiB', bytes: TiB },
  { suffix: 'GiB', bytes: GiB },
  { suffix: 'MiB', bytes: MiB },
  { suffix: 'KiB', bytes: KiB },
] as const;

/** As `formatSize`, of a value that is known to be a number. */
export function sizeText(bytes: number): string {
  const unit = SIZE_UNITS.find((candidate) => bytes >= candidate.bytes);
  if (unit === undefined) return `${bytes} B`;
  const value = bytes / unit.bytes;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit.suffix}`;
}
