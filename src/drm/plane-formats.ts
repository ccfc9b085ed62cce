import { formatFourcc } from '../picture/fourcc.ts';
import { drmFormatModifier, drmFormatModifierBlob } from '../uapi/drm-mode.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import type { PlaneFormat } from './display-card.ts';

const FOURCC_BYTES = 4;
/** So many formats one record of modifiers speaks of. */
const FORMATS_PER_RECORD = 64;

/** Formats of a plane whose driver does not tell of modifiers. */
export function formatsWithoutModifiers(fourccs: readonly number[]): PlaneFormat[] {
  return fourccs.map((fourcc) => formatOf(fourcc, undefined));
}

/**
 * What a plane's property IN_FORMATS says: formats, and for each how its pixels may lie
 * (`struct drm_format_modifier_blob` in include/uapi/drm/drm_mode.h; `create_in_format_blob` in
 * drivers/gpu/drm/drm_plane.c).
 *
 * @returns undefined for a blob that is too short for what it says of itself
 */
export function parseInFormats(blob: Uint8Array): PlaneFormat[] | undefined {
  if (blob.length < drmFormatModifierBlob.size) return undefined;
  const { countFormats, formatsOffset, countModifiers, modifiersOffset } = drmFormatModifierBlob.read(blob);
  const end = Math.max(
    formatsOffset + countFormats * FOURCC_BYTES,
    modifiersOffset + countModifiers * drmFormatModifier.size,
  );
  if (end > blob.length) return undefined;
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  const modifiers: bigint[][] = Array.from({ length: countFormats }, () => []);
  for (let index = 0; index < countModifiers; index += 1) {
    const record = drmFormatModifier.read(blob.subarray(modifiersOffset + index * drmFormatModifier.size));
    for (let bit = 0; bit < FORMATS_PER_RECORD; bit += 1)
      if (((record.formats >> BigInt(bit)) & 1n) === 1n) modifiers[record.offset + bit]?.push(record.modifier);
  }
  return modifiers.map((list, index) => formatOf(view.getUint32(formatsOffset + index * FOURCC_BYTES, true), list));
}

function formatOf(fourcc: number, modifiers: bigint[] | undefined): PlaneFormat {
  return Object.freeze({
    fourcc: fourcc as Fourcc,
    name: formatFourcc(fourcc),
    modifiers: modifiers && Object.freeze(modifiers),
  });
}
