import { readFileSync } from 'node:fs';

const BUFINFO = '/sys/kernel/debug/dma_buf/bufinfo';

/** How many dma-bufs the machine has, and their bytes: `Total 2 objects, 8192 bytes`. */
export function readDmaBufTotals(): string {
  return /^Total \d+ objects, \d+ bytes$/mu.exec(readFileSync(BUFINFO, 'utf8'))?.[0] ?? '';
}
