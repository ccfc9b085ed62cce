import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { BufferView } from '../../heap/view.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';
import { nullWhereRefused } from '../kernel/null-where-refused.ts';

const DRIVER = 'tegra';
const SUBMIT = ['host1x_job_pin', 'tegra_drm_submit'];

/**
 * NVIDIA Tegra's driver, which writes addresses into a command buffer as it is submitted: mapped
 * for one use, never kept (drivers/gpu/drm/tegra/gem.c, tegra_bo_mmap). Left out: pinning for the
 * device, and what it does with the commands.
 *
 * @param words what to write, by the index of the 32-bit word
 * @throws {DmaBufError} `ENOMEM` where it cannot be mapped
 */
export async function submitToTegra(
  kernel: KernelFunctions,
  commands: DmaBuf,
  words: ReadonlyMap<number, number>,
): Promise<void> {
  const view = await mapCommands(kernel, commands);
  if (view === undefined) throw new DmaBufError('Cannot submit as the commands cannot be mapped', { code: 'ENOMEM' });
  try {
    const written = view.as(Uint32Array);
    for (const [index, word] of words) written[index] = word;
  } finally {
    await kernel.vunmapUnlocked(commands, { path: ['tegra_bo_munmap', ...SUBMIT], driver: DRIVER });
  }
}

async function mapCommands(kernel: KernelFunctions, commands: DmaBuf): Promise<BufferView | undefined> {
  const site = { path: ['tegra_bo_mmap', ...SUBMIT], driver: DRIVER };
  return await nullWhereRefused(async () => await kernel.vmapUnlocked(commands, site));
}
