/** Every consumer, over buffers whose tables have one shape after the other. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../../src/base/errors.ts';
import { KiB } from '../../src/base/sizes.ts';
import type { DmaBuf } from '../../src/index.ts';
import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { RknpuMemory } from '../../src/workload/consumers/rknpu.ts';
import { vb2DmaContig } from '../../src/workload/consumers/vb2-dma-contig.ts';
import { Vb2Queue } from '../../src/workload/consumers/vb2-queue.ts';
import type { Conversion } from '../../src/workload/kernel/exporter-mapping.ts';
import type { MappingWay } from '../../src/workload/kernel/map-window.ts';
import { PAGE_BYTES } from './buffer-bytes.ts';
import { CheckedKernel } from './checked-kernel.ts';
import { CONSUMER_CASES } from './consumer-cases.ts';
import type { ConsumerCase } from './consumer-case.ts';
import type { Shape, ShapedBuffer } from './shapes.ts';

/** A choice of how the kernel maps. */
interface Variant {
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
}

interface ShapedHeap {
  readonly name: string;
  readonly missing: string | false;
  readonly shapes: readonly Shape[];
  readonly variants: readonly Variant[];
}

const LENGTH_BYTES = 64 * KiB;

export function testShapedConsumers({ name, missing, shapes, variants }: ShapedHeap): void {
  for (const shape of shapes) {
    for (const variant of variants) {
      const how = `converted by ${variant.conversion}, mapped by ${variant.mapping}`;
      test(
        `${name}, ${shape.name}: every consumer has its pages in their order, ${how}`,
        { skip: missing },
        async (t) => {
          for (const each of CONSUMER_CASES)
            await t.test(each.name, async () => await liveOnShape(each, shape, variant));
        },
      );
    }
  }
}

/** What depends on a table's entries. */
export function testShapedTables(name: string, shapes: readonly Shape[]): void {
  for (const shape of shapes) {
    const { entryPages = [], runCount = 0 } = shape;
    test(`${name}, ${shape.name}: its table has the entries and the runs that its orders give`, (t) => {
      const { buffer, close } = shape.make(LENGTH_BYTES + shape.extraBytes);
      t.after(close);
      const layout = buffer.layout();
      assert.ok(layout.known);
      assert.deepEqual(
        [...layout.table.entries()].map(({ length }) => length / PAGE_BYTES),
        entryPages,
      );
      assert.equal(layout.table.runs().count, runCount);
    });

    const last = entryPages.at(-1) ?? 0;
    test(`${name}, ${shape.name}: rknpu maps the whole, and ${last} pages where it takes the last entry for it`, async (t) => {
      const made = shape.make(LENGTH_BYTES + shape.extraBytes);
      t.after(made.close);
      const kernel = new CheckedKernel(() => made.bytes);
      const right = await RknpuMemory.create(kernel, made.buffer);
      assert.equal(kernel.checkedPagesCount, 1);
      await right.destroy();
      const wrong = await RknpuMemory.create(kernel, made.buffer, { mapsLastEntryOnly: true });
      assert.equal(wrong.view.length, last * PAGE_BYTES);
      wrong.view.subarray(last * PAGE_BYTES - 1, 1).fill(77);
      assert.equal(made.bytes.read(made.buffer.length - 1), 77);
      await wrong.destroy();
    });

    const verb = runCount === 1 ? 'takes' : 'refuses';
    test(`${name}, ${shape.name}: vb2-dma-contig without an IOMMU ${verb} it`, async (t) => {
      const made = shape.make(LENGTH_BYTES + shape.extraBytes);
      t.after(made.close);
      const queue = new Vb2Queue(vb2DmaContig(new CheckedKernel(() => made.bytes), 'coda', { hasIommu: false }), 1);
      const queued = queue.queue(0, [made.buffer]);
      await (runCount === 1 ? queued : assert.rejects(queued, (error) => isDmaBufError(error, 'EFAULT')));
      await queue.release();
    });
  }
}

async function liveOnShape(each: ConsumerCase, shape: Shape, variant: Variant): Promise<void> {
  using heap = shape.openHeap();
  const made = each.lengths.map((length) => shape.make(length + shape.extraBytes));
  try {
    await liveOn(each, { shape, heap, made, variant });
  } finally {
    for (const { close } of made) close();
  }
  const { bufferCount, leakedCount } = heap.stats();
  assert.deepEqual({ bufferCount, leakedCount }, { bufferCount: 0, leakedCount: 0 });
}

interface ShapedLife {
  readonly shape: Shape;
  readonly heap: ReturnType<Shape['openHeap']>;
  readonly made: readonly ShapedBuffer[];
  readonly variant: Variant;
}

async function liveOn(each: ConsumerCase, { shape, heap, made, variant }: ShapedLife): Promise<void> {
  const mapped: MappingEvent[] = [];
  const bytesOf = (buffer: DmaBuf): ShapedBuffer['bytes'] | undefined =>
    made.find((one) => one.buffer === buffer)?.bytes ?? shape.bytesOf?.(heap, buffer);
  const kernel = new CheckedKernel(bytesOf, {
    ...variant,
    onRecord: (record) => void (record.kind === 'mapping' && mapped.push(record)),
  });
  await each.live({ kernel, heap, buffers: made.map(({ buffer }) => buffer) });
  const count = each.calls.filter((call) => call.startsWith('+')).length;
  assert.equal(mapped.length, count);
  if (made.length > 0 || shape.bytesOf !== undefined) assert.equal(kernel.checkedCount, count);
  for (const { buffer } of made) assert.equal(kernel.mapCount(buffer), 0);
  assert.equal(kernel.unlockedCallCount, 0);
}
