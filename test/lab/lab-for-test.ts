/** A lab in this process, over a heap that stands still. */

import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { serveLab } from '../../src/lab/serve-lab.ts';
import type { Lab } from '../../src/lab/serve-lab.ts';

interface TestLabOptions {
  readonly mayControl?: boolean;
  readonly port?: number;
  readonly key?: string;
  readonly heap?: EmbeddedHeap;
}

/** Until the test ends. A fault of the lab fails the test. */
export async function labForTest(t: TestContext, options: TestLabOptions = {}): Promise<Lab & { heap: EmbeddedHeap }> {
  const { mayControl = false, port = 0, key, heap = openEmbeddedHeap({ capacity: 64 * MiB }) } = options;
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const lab = await serveLab({ heap, port, mayControl, version: '1.2.3', key, onFailure });
  t.after(async () => {
    await lab.close();
    heap.close();
    if (failures.length > 0) throw new AggregateError(failures, 'The lab failed');
  });
  return { ...lab, heap };
}

/** An address as a program needs it. */
export function partsOf(address: string): { readonly origin: string; readonly port: number; readonly token: string } {
  const { origin, port, hash } = new URL(address);
  return { origin, port: Number(port), token: hash.replace('#token=', '') };
}
