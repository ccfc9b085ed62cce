import { DeviceMapping } from '../kernel/device-mapping.ts';
import { sharedOf } from './load.ts';
import type { Load, LoadContext } from './load.ts';

/** What a user of a shared buffer does with it. */
export type BufferUse = 'vmap' | 'cpu-access' | 'attachment' | 'mmap';

/** One of several threads or processes that use one buffer. */
export interface DmaBufUserLoad {
  readonly consumer: 'dma-buf-user';
  /** By name: the same in all loads that have it. */
  readonly buffer: string;
  readonly lengthBytes: number;
  readonly use: BufferUse;
}

const SITE = { path: ['dma_buf_user'] };
const READ_BYTES = 64;

/** Each use is whole: what is mapped in a step is unmapped in it, so that every mapping is cold. */
export function dmaBufUserLoad({ buffer: name, use }: DmaBufUserLoad, context: LoadContext): Load {
  const { kernel } = context;
  const buffer = sharedOf(context).buffer(name);
  const steps: Readonly<Record<BufferUse, () => Promise<void>>> = {
    vmap: async () => {
      const view = await kernel.vmapUnlocked(buffer, SITE);
      view.subarray(0, READ_BYTES).slice();
      await kernel.vunmapUnlocked(buffer, SITE);
    },
    'cpu-access': async () =>
      await Promise.resolve(kernel.cpuAccess(buffer, 'read', (access) => void access.subarray(0, READ_BYTES).slice())),
    attachment: async () => {
      const mapping = await DeviceMapping.make(kernel, buffer, 'dma-buf-user');
      await mapping.end();
    },
    mmap: async () => await Promise.resolve(kernel.mmap(buffer).close()),
  };
  return { step: steps[use], close: async () => await Promise.resolve() };
}
