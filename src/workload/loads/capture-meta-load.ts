import { SamsungCaptureMeta } from '../consumers/samsung-capture-meta.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** Requests that read a few words of a buffer. */
export interface CaptureMetaLoad {
  readonly consumer: 'samsung-capture-meta';
  readonly lengthBytes: number;
  readonly bufferCount: number;
  readonly wordCount: number;
}

export function captureMetaLoad(description: CaptureMetaLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, description);
  const control = new SamsungCaptureMeta(context.kernel, { mapsPerRequest: context.caller === 'as-is' });
  return {
    step: async (index) => void (await control.request(buffers.at(index), description.wordCount)),
    close: async () => {
      await control.close();
      buffers.close();
    },
  };
}
