import type { KernelBuffer } from './kernel-buffer.ts';

/** Inode, size, name, exporter. */
const LINES_PER_BUFFER = 4;
const NUMBER = /^\d+$/u;

/**
 * Parses the output of the BPF iterator over dma-bufs: four lines per buffer, where a line break
 * inside a name has become a space (tools/testing/selftests/bpf/progs/dmabuf_iter.c, and Android's
 * program of the same form).
 *
 * @returns undefined for another kind of text
 */
export function parseIteratorText(text: string): KernelBuffer[] | undefined {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length % LINES_PER_BUFFER !== 0) return undefined;
  const buffers: KernelBuffer[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_BUFFER) {
    const [inode = '', size = '', name = '', exporter = ''] = lines.slice(at, at + LINES_PER_BUFFER);
    if (!NUMBER.test(inode) || !NUMBER.test(size)) return undefined;
    buffers.push({
      inode: Number(inode),
      size: Number(size),
      exporter,
      name: name === '' ? undefined : name,
      references: undefined,
      devices: undefined,
    });
  }
  return buffers;
}
