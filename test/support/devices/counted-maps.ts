import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const TRACEFS = '/sys/kernel/tracing';
const GROUP = 'dmabuf_counted_maps';

/**
 * Counts the kernel's calls of dma_buf_vmap, and of dma_buf_vmap_unlocked, which videobuf2 makes
 * and which makes one of the other. By probes of its own; close it.
 */
export class CountedMaps {
  readonly #instance = `${TRACEFS}/instances/${GROUP}`;

  constructor() {
    appendFileSync(`${TRACEFS}/kprobe_events`, `p:${GROUP}/all dma_buf_vmap\np:${GROUP}/eager dma_buf_vmap_unlocked\n`);
    if (!existsSync(this.#instance)) mkdirSync(this.#instance);
    writeFileSync(`${this.#instance}/events/${GROUP}/enable`, '1');
  }

  read(): { readonly all: number; readonly eager: number } {
    const lines = readFileSync(`${this.#instance}/trace`, 'utf8').split('\n');
    const count = (event: string): number => lines.filter((line) => line.includes(`: ${event}: `)).length;
    return { all: count('all'), eager: count('eager') };
  }

  close(): void {
    writeFileSync(`${this.#instance}/events/${GROUP}/enable`, '0');
    rmdirSync(this.#instance);
    appendFileSync(`${TRACEFS}/kprobe_events`, `-:${GROUP}/all\n-:${GROUP}/eager\n`);
  }
}
