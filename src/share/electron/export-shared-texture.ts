import { outOfRange, wrongType } from '../../base/argument-error.ts';
import { closeAll } from '../../linux/calls/close-all.ts';
import { FrameLayout } from '../../picture/frame-layout.ts';
import { formatFourcc } from '../../picture/fourcc.ts';
import {
  DRM_FORMAT_ABGR16161616F,
  DRM_FORMAT_ABGR8888,
  DRM_FORMAT_ARGB8888,
  DRM_FORMAT_NV12,
  DRM_FORMAT_P010,
} from '../../uapi/drm-fourcc.ts';
import type { Fourcc } from '../../uapi/fourcc-code.ts';
import { exportAll } from '../connection/export-all.ts';

/** Electron's names of pixel formats. */
export type SharedTexturePixelFormat = 'bgra' | 'rgba' | 'rgbaf16' | 'nv12' | 'p010le';

/** A plane, as Electron has it. */
export interface SharedTexturePlane {
  /** In bytes, from the start of one row to the start of the next. */
  readonly stride: number;
  /** In bytes, from the start of its file. */
  readonly offset: number;
  /** In bytes, including any bytes after each row. */
  readonly size: number;
  /** Of the file that it lies in: that of the {@link SharedTexture}, which closes it. */
  readonly fd: number;
}

/** What Electron's documentation calls `SharedTextureImportTextureInfo`, on Linux. */
export interface SharedTextureInfo {
  /** The order is that of the bytes. */
  readonly pixelFormat: SharedTexturePixelFormat;
  /** Of the whole picture. */
  readonly codedSize: {
    /** In pixels. */
    readonly width: number;
    /** In pixels. */
    readonly height: number;
  };
  /** The memory. */
  readonly handle: {
    /** As on Linux. */
    readonly nativePixmap: {
      /** One per plane of the format, in its order. */
      readonly planes: readonly SharedTexturePlane[];
      /** The number of the layout's modifier, in decimal. */
      readonly modifier: string;
      /** Not known of buffers from elsewhere. */
      readonly supportsZeroCopyWebGpuImport: false;
    };
  };
}

/** A picture for Electron, with descriptors of its own. */
export interface SharedTexture {
  /** For `sharedTexture.importSharedTexture({ textureInfo })`. */
  readonly textureInfo: SharedTextureInfo;
  /**
   * Closes the descriptors: call it once Electron has imported them, as it duplicates them. The
   * buffers stay open. Idempotent.
   */
  close(): void;
  /** For `using`: closes. */
  [Symbol.dispose](): void;
}

const ACTION = 'export the picture to Electron';

/** Electron names bytes in their order in memory, DRM from the highest bit of a word. */
const PIXEL_FORMATS = new Map<Fourcc, SharedTexturePixelFormat>([
  [DRM_FORMAT_ARGB8888, 'bgra'],
  [DRM_FORMAT_ABGR8888, 'rgba'],
  [DRM_FORMAT_ABGR16161616F, 'rgbaf16'],
  [DRM_FORMAT_NV12, 'nv12'],
  [DRM_FORMAT_P010, 'p010le'],
]);

/**
 * What Electron's `sharedTexture.importSharedTexture()` takes, of a picture in buffers. GPUs import
 * dma-bufs: allocate from a heap of the kernel, or where `/dev/udmabuf` can be opened.
 *
 * @param layout of a format that Electron knows: `ARGB8888` (its `bgra`), `ABGR8888` (`rgba`),
 *   `ABGR16161616F` (`rgbaf16`), `NV12` or `P010` (`p010le`)
 * @throws {TypeError | RangeError} for anything else
 * @throws {DmaBufError} as `exportFd()` of its buffers
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { FrameLayout, describeFrame } from 'dmabuf/picture';
 * import { exportSharedTexture } from 'dmabuf/share';
 *
 * const heap = openHeap('system');
 * const description = describeFrame('ARGB8888', { width: 640, height: 480 });
 * const buffer = heap.allocate(description.length, { shareable: true });
 * {
 *   using texture = exportSharedTexture(new FrameLayout(description, [buffer]));
 *   const { pixelFormat, handle } = texture.textureInfo;
 *   console.log(pixelFormat, handle.nativePixmap.planes[0]?.stride); // bgra 2560
 *   // In Electron: sharedTexture.importSharedTexture({ textureInfo: texture.textureInfo })
 * }
 * buffer.close();
 * heap.close();
 * ```
 */
export function exportSharedTexture(layout: FrameLayout): SharedTexture {
  if (!FrameLayout.isLayout(layout))
    throw wrongType({ action: ACTION, name: 'layout' }, { must: 'be a FrameLayout', received: layout });
  const pixelFormat = pixelFormatOf(layout);
  const fds = exportAll(layout.buffers);
  const planes = layout.planes.map(({ buffer, offset, stride, length }) => ({
    stride,
    offset,
    size: length,
    fd: fds[layout.buffers.indexOf(buffer)]?.borrow() as number,
  }));
  const { width, height, modifier } = layout;
  const nativePixmap = { planes, modifier: String(modifier), supportsZeroCopyWebGpuImport: false } as const;
  const textureInfo = { pixelFormat, codedSize: { width, height }, handle: { nativePixmap } };
  const close = (): void => closeAll(fds);
  return { textureInfo, close, [Symbol.dispose]: close };
}

function pixelFormatOf({ fourcc }: FrameLayout): SharedTexturePixelFormat {
  const pixelFormat = PIXEL_FORMATS.get(fourcc);
  if (pixelFormat !== undefined) return pixelFormat;
  const known = [...PIXEL_FORMATS.keys()].map(formatFourcc);
  throw outOfRange(
    { action: ACTION, name: 'layout.fourcc' },
    {
      must: `be one of ${known.join(', ')}`,
      received: fourcc,
      shown: formatFourcc(fourcc),
      remedy: 'Electron has no other formats: convert it with createBlitter()',
    },
  );
}
