import { DeviceMapping } from '../kernel/device-mapping.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** CPU access to a buffer that stays mapped and attached. */
export interface MappedSyncLoad {
  readonly consumer: 'dma-buf-sync';
  readonly lengthBytes: number;
  /** How many devices have it mapped meanwhile. */
  readonly attachmentCount: number;
}

const SITE = { path: ['dma_buf_sync'] };
const READ_BYTES = 64;

/** What was made is given back in reverse order, also where starting fails. */
export async function mappedSyncLoad(description: MappedSyncLoad, context: LoadContext): Promise<Load> {
  const { kernel } = context;
  const buffers = new BufferSet(context, { lengthBytes: description.lengthBytes, bufferCount: 1 });
  const buffer = buffers.at(0);
  const enders: (() => Promise<void>)[] = [async () => await Promise.resolve(buffers.close())];
  const close = async (): Promise<void> => {
    for (const end of enders.splice(0).toReversed()) await end();
  };
  try {
    for (let count = 0; count < description.attachmentCount; count += 1) {
      const mapping = await DeviceMapping.make(kernel, buffer, `device-${count}`);
      enders.push(async () => await mapping.end());
    }
    await kernel.vmapUnlocked(buffer, SITE);
    enders.push(async () => await kernel.vunmapUnlocked(buffer, SITE));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    step: async () =>
      await Promise.resolve(
        kernel.cpuAccess(buffer, 'readwrite', (access) => void access.subarray(0, READ_BYTES).slice()),
      ),
    close,
  };
}
