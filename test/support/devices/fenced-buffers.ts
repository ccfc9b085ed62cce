import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import { KiB, createUdmabuf, importBuffer, openHeap } from '../../../src/index.ts';
import type { DmaBuf } from '../../../src/index.ts';
import { cannotOpen } from './kernel-devices.ts';
import { createMemfd } from './memfd.ts';
import { Vgem, missingVgem } from './vgem.ts';
import type { GemHandle } from './vgem.ts';

const withoutVgem = missingVgem();

/** A buffer that receives fences. */
export interface FencedBuffer {
  readonly vgem: Vgem;
  readonly handle: GemHandle;
  readonly buffer: DmaBuf;
}

interface FencedSubject {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (t: TestContext) => FencedBuffer;
}

function openVgem(t: TestContext): Vgem {
  const vgem = Vgem.open();
  assert.ok(vgem !== undefined);
  t.after(() => vgem.close());
  return vgem;
}

/** A buffer of vgem's own. */
export function openVgemBuffer(t: TestContext): FencedBuffer {
  const vgem = openVgem(t);
  const handle = vgem.createBuffer();
  const fd = vgem.exportBuffer(handle);
  const buffer = importBuffer(fd);
  fd.close();
  t.after(() => buffer.close());
  return { vgem, handle, buffer };
}

function importIntoVgem(t: TestContext, buffer: DmaBuf): FencedBuffer {
  t.after(() => buffer.close());
  const vgem = openVgem(t);
  const fd = buffer.exportFd();
  const handle = vgem.importBuffer(fd.borrow());
  fd.close();
  return { vgem, handle, buffer };
}

function openHeapBuffer(t: TestContext): FencedBuffer {
  const heap = openHeap('system', { backends: ['kernel'] });
  t.after(() => heap.close());
  return importIntoVgem(t, heap.allocate(4 * KiB, { name: 'fenced' }));
}

function openUdmabuf(t: TestContext): FencedBuffer {
  const memfd = createMemfd({ length: 16 * KiB });
  t.after(() => memfd.close());
  return importIntoVgem(t, createUdmabuf([{ fd: memfd }]));
}

/** Buffers of every kind that can receive a device's fences, each closed with its test. */
export const FENCED_SUBJECTS: readonly FencedSubject[] = [
  { name: "vgem's buffer", skip: withoutVgem, open: openVgemBuffer },
  { name: 'a heap buffer', skip: withoutVgem || cannotOpen('/dev/dma_heap/system'), open: openHeapBuffer },
  { name: 'a udmabuf', skip: withoutVgem || cannotOpen('/dev/udmabuf'), open: openUdmabuf },
];
