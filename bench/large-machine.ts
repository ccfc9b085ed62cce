/** Machines with many dma-bufs, in the form in which they are read: in memory, and as files. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { KernelBuffer } from '../src/machine/buffers/kernel-buffer.ts';
import type { ProcessHoldings } from '../src/machine/buffers/process-holdings.ts';

/** The size of a machine. */
export interface MachineSize {
  readonly processCount: number;
  /** Of all processes together, a multiple of their number. Of dma-bufs only. */
  readonly descriptorCount: number;
  readonly bufferCount: number;
}

const SIZE_BYTES = 4096;
const EXPORTER = 'system';
const REFERENCES = 3;

/** Each process has the next buffers. After the last buffer comes the first again. */
function inodeOf({ processCount, descriptorCount, bufferCount }: MachineSize, process: number, fd: number): number {
  return ((process * (descriptorCount / processCount) + fd) % bufferCount) + 1;
}

/** The input of the joins in `machine/buffers`. */
export function machineHoldings(size: MachineSize): {
  readonly before: KernelBuffer[];
  readonly processes: ProcessHoldings[];
} {
  const look = { size: SIZE_BYTES, exporter: EXPORTER, name: undefined, references: REFERENCES };
  const processes = Array.from({ length: size.processCount }, (_, index): ProcessHoldings => ({
    pid: index + 1,
    comm: 'process',
    startTicks: 100,
    isKernelThread: false,
    isWhole: true,
    descriptors: Array.from({ length: size.descriptorCount / size.processCount }, (__, fd) => ({
      ...look,
      fd,
      inode: inodeOf(size, index, fd),
    })),
    mappings: [],
    indistinctCount: 0,
    unreadableCount: 0,
  }));
  const before = Array.from({ length: size.bufferCount }, (_, index) => ({ ...look, inode: index + 1, devices: [] }));
  return { before, processes };
}

/**
 * Writes `/proc` and `/sys` of such a machine below `root`: about 5 KiB per descriptor on tmpfs.
 */
export function writeMachine(root: string, size: MachineSize): void {
  const debugfs = join(root, 'sys/kernel/debug/dma_buf');
  mkdirSync(debugfs, { recursive: true });
  writeFileSync(join(debugfs, 'bufinfo'), bufinfoOf(size));
  for (let index = 0; index < size.processCount; index += 1) writeProcess(root, size, index);
}

function writeProcess(root: string, size: MachineSize, index: number): void {
  const pid = index + 1;
  const folder = join(root, 'proc', String(pid));
  for (const name of ['fd', 'fdinfo']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'maps'), '');
  writeFileSync(join(folder, 'stat'), `${pid} (process) S 1 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 100 1000 10\n`);
  for (let fd = 0; fd < size.descriptorCount / size.processCount; fd += 1) {
    const inode = inodeOf(size, index, fd);
    symlinkSync(`/dmabuf:frame ${inode}`, `${folder}/fd/${fd}`);
    const lines = [`ino:\t${inode}`, `size:\t${SIZE_BYTES}`, `count:\t${REFERENCES}`, `exp_name:\t${EXPORTER}`];
    const generic = 'pos:\t0\nflags:\t02000002\nmnt_id:\t12\n';
    writeFileSync(`${folder}/fdinfo/${fd}`, `${generic}${lines.join('\n')}\nname:\tframe ${inode}\n`);
  }
}

/** `dma_buf_debug_show` (drivers/dma-buf/dma-buf.c). */
function bufinfoOf({ bufferCount }: MachineSize): string {
  const numbers = [String(SIZE_BYTES).padStart(8, '0'), '00000002', '00080007', String(REFERENCES).padStart(8, '0')];
  const rows = Array.from({ length: bufferCount }, (_, index) => {
    const columns = [...numbers, EXPORTER, String(index + 1).padStart(8, '0'), `frame ${index + 1}`].join('\t');
    return `${columns}\n\tAttached Devices:\n\tvop\nTotal 1 devices attached\n\n`;
  });
  const header = '\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n';
  return `${header}${rows.join('')}\nTotal ${bufferCount} objects, ${bufferCount * SIZE_BYTES} bytes\n`;
}
