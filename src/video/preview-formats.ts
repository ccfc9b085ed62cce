import { BLIT_FORMATS } from '../blit/blit-format.ts';
import type { BlitFormatName } from '../blit/blit-format.ts';
import type { DisplayPlane } from '../drm/display-card.ts';
import { findPixelFormat } from '../picture/pixel-format.ts';
import type { PixelFormatName } from '../picture/pixel-format-table.ts';
import type { FormatDescription } from '../v4l2/describe-formats.ts';

/** A camera's format, by DRM's name of its pixels. */
export interface PreviewFormat {
  readonly name: PixelFormatName;
  readonly description: FormatDescription;
}

const BLITTED: ReadonlySet<string> = new Set(BLIT_FORMATS);

/** The first format of a camera that a plane shows. */
export function findShownFormat(formats: readonly FormatDescription[], plane: DisplayPlane): PreviewFormat | undefined {
  const shown = new Set<number>(plane.formats.map(({ fourcc }) => fourcc));
  return findFormat(formats, (name) => shown.has(findPixelFormat(name)?.fourcc ?? 0));
}

/** The first format of a camera that a blit reads. */
export function findBlittedFormat(formats: readonly FormatDescription[]): PreviewFormat | undefined {
  return findFormat(formats, (name) => BLITTED.has(name));
}

/** A format of a plane that a blit writes: the one with most colours that there is everywhere. */
export function findWrittenFormat(plane: DisplayPlane): BlitFormatName | undefined {
  const shown = new Set<number>(plane.formats.map(({ fourcc }) => fourcc));
  const isShown = (name: BlitFormatName): boolean => shown.has(findPixelFormat(name)?.fourcc ?? 0);
  return ['XRGB8888' as const, ...BLIT_FORMATS].find(isShown);
}

function findFormat(
  formats: readonly FormatDescription[],
  suits: (name: PixelFormatName) => boolean,
): PreviewFormat | undefined {
  for (const description of formats) {
    const { name, emulated } = description;
    if (name !== undefined && !emulated && suits(name)) return { name, description };
  }
  return undefined;
}
