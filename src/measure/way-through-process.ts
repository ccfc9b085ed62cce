import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { programFile } from '../base/program-file.ts';
import { endAfter } from '../heap/finally.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { SecondWay } from './window-proof.ts';

const PROGRAM = fileURLToPath(programFile('stamping-process.js', import.meta.url));

/**
 * The second way to a buffer that has a descriptor to pass on: another process maps that
 * descriptor. For a udmabuf that is the dma-buf, while the view in this process is of the memfd
 * behind it.
 */
export function wayThroughProcess(buffer: DmaBuf, pageSize: number): SecondWay {
  const exchangeStamps = (pages: Uint32Array): number => {
    const fd = buffer.exportFd();
    return endAfter(
      () => exchangeIn(fd, pages, pageSize),
      () => fd.close(),
    );
  };
  return { kind: 'process', exchangeStamps };
}

function exchangeIn(fd: OwnedFd, pages: Uint32Array, pageSize: number): number {
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, [PROGRAM, String(pageSize)], {
    // Node accepts a descriptor in a pipe's place for descriptor 3.
    stdio: ['pipe', 'pipe', 'pipe', fd.borrow()],
    input: new Uint8Array(pages.buffer, pages.byteOffset, pages.byteLength),
    encoding: 'utf8',
  });
  if (status === 0) return Number(stdout);
  throw new Error(`Cannot prove the view as the process that looks at it ended with ${status ?? signal}: ${stderr}`, {
    cause: error,
  });
}
