import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { Fence } from '../../src/heap/importer/index.ts';
import { MiB, isDmaBufError } from '../../src/index.ts';
import type { AccessMode, DmaBuf } from '../../src/index.ts';
import { heapTest } from './suite.ts';
import type { HeapUnderTest } from './suite.ts';

/** An importer that records its calls. */
function recordingImporter(): {
  log: string[];
  name: string;
  beginCpuAccess(mode: AccessMode): void;
  endCpuAccess(mode: AccessMode): void;
} {
  const log: string[] = [];
  return {
    log,
    name: 'recorder',
    beginCpuAccess: (mode) => log.push(`begin ${mode}`),
    endCpuAccess: (mode) => log.push(`end ${mode}`),
  };
}

const isPending = (error: unknown): boolean => isDmaBufError(error, 'EAGAIN');
const fail = (): never => {
  throw new Error('body');
};

export function testAccess(subject: HeapUnderTest): void {
  heapTest(subject, 'measureReadSpeed() finds that cached memory is not slow', async (heap) => {
    const buffer = heap.allocate(2 * MiB);
    const { bytesPerSecond, slow } = await buffer.measureReadSpeed();
    assert.ok(bytesPerSecond > 0);
    assert.equal(slow, false);
    assert.equal(heap.stats().mappingCount, 0);
    buffer.close();
  });

  heapTest(subject, 'access() and accessSync() run the body on the whole buffer and give its result', async (heap) => {
    const buffer = heap.allocate(MiB);
    assert.equal(
      buffer.accessSync('write', (bytes) => bytes.fill(3).length),
      MiB,
    );
    assert.equal(await buffer.access('read', async (bytes) => bytes[MiB - 1]), 3);
    assert.equal(await buffer.access('readwrite', (bytes) => bytes[0]), 3);
    assert.equal(heap.stats().mappingCount, 0);
    buffer.close();
  });

  heapTest(
    subject,
    'access() ends on every exit, with the mode it began with',
    async (heap) => {
      const buffer = heap.allocate(MiB);
      const importer = recordingImporter();
      const attachment = buffer.attach(importer);
      await attachment.map();
      buffer.accessSync('read', () => {});
      assert.throws(() => buffer.accessSync('write', fail), /body/u);
      await assert.rejects(buffer.access('readwrite', fail), /body/u);
      await assert.rejects(
        buffer.access('read', () => Promise.reject(new Error('later'))),
        /later/u,
      );
      assert.throws(
        () => buffer.accessSync('write', async () => {}),
        /'body' must return no promise.*: use access\(\)/u,
      );
      assert.deepEqual(importer.log, [
        'begin read',
        'end read',
        'begin write',
        'end write',
        'begin readwrite',
        'end readwrite',
        'begin read',
        'end read',
        'begin write',
        'end write',
      ]);
      assert.equal(heap.stats().mappingCount, 0);
      attachment.detach();
      buffer.close();
    },
    ['layout'],
  );

  heapTest(
    subject,
    'access() throws an AggregateError when the body and the end both fail',
    async (heap) => {
      const buffer = heap.allocate(1);
      const attachment = buffer.attach({
        name: 'broken',
        endCpuAccess: () => {
          throw new Error('end');
        },
      });
      await attachment.map();
      for (const run of [() => buffer.access('read', fail), async () => buffer.accessSync('read', fail)]) {
        await assert.rejects(run(), (error) => {
          assert.ok(error instanceof AggregateError);
          assert.deepEqual(
            error.errors.map((part: Error) => part.message),
            ['body', 'end'],
          );
          return true;
        });
      }
      await assert.rejects(
        buffer.access('read', () => {}),
        /^Error: end$/u,
      );
      attachment.detach();
      buffer.close();
      assert.equal(heap.stats().usedBytes, 0);
    },
    ['layout'],
  );

  heapTest(
    subject,
    'access() ends for the importers that began, when another refuses to begin',
    async (heap) => {
      const buffer = heap.allocate(1);
      const importer = recordingImporter();
      const refusing = { name: 'refusing', beginCpuAccess: () => fail() };
      const attachments = [buffer.attach(importer), buffer.attach(refusing)];
      for (const attachment of attachments) await attachment.map();
      assert.throws(() => buffer.accessSync('read', () => assert.fail('the body ran')), /body/u);
      assert.deepEqual(importer.log, ['begin read', 'end read']);
      assert.equal(heap.stats().mappingCount, 0);
      for (const attachment of attachments) attachment.detach();
      buffer.close();
    },
    ['layout'],
  );

  heapTest(subject, 'access() refuses modes and options that are none', async (heap) => {
    const buffer = heap.allocate(1);
    await assert.rejects(
      buffer.access('rw' as AccessMode, () => {}),
      TypeError,
    );
    await assert.rejects(
      buffer.access('read', () => {}, { timeout: 1 } as object),
      TypeError,
    );
    assert.throws(() => buffer.accessSync('read', undefined as never), /'body' must be a function/u);
    assert.throws(() => buffer.accessSync('rw' as AccessMode, () => {}), TypeError);
    assert.throws(() => buffer.accessSync('read', () => {}, { wait: true } as object), TypeError);
    buffer.close();
  });

  heapTest(
    subject,
    'beginCpuAccess() holds the window until its end, which comes once and with its mode',
    async (heap) => {
      const buffer = heap.allocate(MiB);
      const first = await buffer.beginCpuAccess('write');
      const second = buffer.beginCpuAccessSync('read');
      assert.deepEqual([first.mode, second.mode], ['write', 'read']);
      first.bytes.fill(7);
      first.end();
      first.end();
      assert.equal(first.ended, true);
      assert.throws(
        () => first.bytes,
        (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
      );
      buffer.close();
      assert.equal(second.bytes[MiB - 1], 7);
      assert.equal(heap.stats().bufferCount, 1);
      assert.deepEqual([...second.subarray(MiB - 2, 2)], [7, 7]);
      second.end();
      assert.equal(heap.stats().bufferCount, 0);
    },
  );

  heapTest(subject, 'access() puts the unmapping off while its bracket is open', async (heap) => {
    const buffer = heap.allocate(MiB);
    const view = buffer.vmap();
    const running = buffer.access('write', async (bytes) => {
      bytes[0] = 1;
      await sleep(20);
      bytes[1] = 2;
      return [...bytes.subarray(0, 2)];
    });
    await sleep(1);
    view.close();
    buffer.close();
    assert.equal(heap.stats().bufferCount, 1);
    assert.deepEqual(await running, [1, 2]);
    assert.equal(heap.stats().bufferCount, 0);
  });

  heapTest(subject, 'access() to read waits for writers only, to write for readers too', async (heap) => {
    const buffer = heap.allocate(1);
    const reader = new Fence('reader');
    buffer.addFence(reader, 'read');
    buffer.accessSync('read', () => {});
    assert.throws(() => buffer.accessSync('write', () => {}), isPending);
    assert.throws(() => buffer.accessSync('readwrite', () => {}), isPending);
    const writer = new Fence('writer');
    buffer.addFence(writer, 'write');
    assert.throws(() => buffer.accessSync('read', () => {}), isPending);
    const order: string[] = [];
    const read = buffer.access('read', () => order.push('read'));
    const write = buffer.access('write', () => order.push('write'));
    await sleep(5);
    assert.deepEqual(order, []);
    writer.signal();
    await read;
    assert.deepEqual(order, ['read']);
    reader.signal();
    await write;
    assert.deepEqual(order, ['read', 'write']);
    buffer.close();
  });

  heapTest(subject, 'accessSync({ block: true }) says that it would wait for its own thread', (heap) => {
    const buffer = heap.allocate(1);
    const fence = new Fence();
    buffer.addFence(fence, 'write');
    assert.throws(
      () => buffer.accessSync('read', () => {}, { block: true }),
      (error) => isDmaBufError(error, 'EDEADLK'),
    );
    fence.signal();
    buffer.accessSync('read', () => {}, { block: true });
    buffer.close();
  });

  heapTest(subject, 'access() is given up by its signal while it waits, and the fence stays', async (heap) => {
    const buffer = heap.allocate(1);
    const fence = new Fence();
    buffer.addFence(fence, 'kernel');
    const controller = new AbortController();
    const waiting = buffer.access('read', () => {}, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await assert.rejects(waiting, /enough/u);
    await assert.rejects(buffer.ready('write', { signal: AbortSignal.abort(new Error('before')) }), /before/u);
    assert.deepEqual(buffer.fences('kernel'), [fence]);
    assert.equal(heap.stats().mappingCount, 0);
    fence.signal(new Error('the work failed'));
    await buffer.ready('write');
    buffer.close();
  });

  testAttach(subject);
}

function testAttach(subject: HeapUnderTest): void {
  heapTest(
    subject,
    'attach() passes the mapped importers each access, and the others none',
    async (heap) => {
      const buffer = heap.allocate(1);
      const [first, second] = [recordingImporter(), recordingImporter()];
      const [mapped, unmapped] = [buffer.attach(first), buffer.attach(second)];
      const table = await mapped.map();
      assert.equal(table.length, buffer.length);
      buffer.accessSync('write', () => {});
      mapped.unmap();
      buffer.accessSync('read', () => {});
      assert.deepEqual([first.log, second.log], [['begin write', 'end write'], []]);
      mapped.detach();
      unmapped.detach();
      buffer.close();
    },
    ['layout'],
  );

  heapTest(
    subject,
    'attach() map() waits until the memory is no longer moved, not for readers and writers',
    async (heap) => {
      const buffer = heap.allocate(1);
      const [move, write] = [new Fence(), new Fence()];
      buffer.addFence(write, 'write');
      const attachment = buffer.attach({ name: 'device' });
      await attachment.map();
      attachment.unmap();
      buffer.addFence(move, 'kernel');
      let mapped = false;
      const mapping = attachment.map().then(() => {
        mapped = true;
      });
      await sleep(5);
      assert.equal(mapped, false);
      move.signal();
      await mapping;
      attachment.detach();
      buffer.close();
    },
    ['layout'],
  );

  heapTest(
    subject,
    'attach() refuses what cannot be: no name, mapped twice, unmapped twice, used after detach',
    async (heap) => {
      const buffer = heap.allocate(1);
      assert.throws(() => buffer.attach({} as { name: string }), TypeError);
      const attachment = buffer.attach({ name: 'device' });
      assert.throws(
        () => attachment.unmap(),
        (error) => isDmaBufError(error, 'EINVAL'),
      );
      await attachment.map();
      await assert.rejects(attachment.map(), (error) => isDmaBufError(error, 'EBUSY'));
      attachment.detach();
      attachment.detach();
      await assert.rejects(attachment.map(), (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'));
      assert.throws(
        () => attachment.unmap(),
        (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
      );
      buffer.close();
      assert.equal(heap.stats().bufferCount, 0);
    },
    ['layout'],
  );

  heapTest(subject, 'fences() gives those of a usage and every stronger one, without the signaled', (heap) => {
    const buffer = heap.allocate(1);
    const usages = ['bookkeep', 'read', 'write', 'kernel'] as const;
    const fences = Object.fromEntries(usages.map((usage) => [usage, new Fence(usage)]));
    for (const usage of usages) buffer.addFence(fences[usage] as Fence, usage);
    const names = (of: DmaBuf, usage: (typeof usages)[number]): string[] => of.fences(usage).map((fence) => fence.name);
    assert.deepEqual(names(buffer, 'kernel'), ['kernel']);
    assert.deepEqual(names(buffer, 'write'), ['write', 'kernel']);
    assert.deepEqual(names(buffer, 'read'), ['read', 'write', 'kernel']);
    assert.deepEqual(names(buffer, 'bookkeep'), ['bookkeep', 'read', 'write', 'kernel']);
    fences['write']?.signal();
    buffer.addFence(new Fence('next'), 'read');
    assert.deepEqual(names(buffer, 'read'), ['read', 'kernel', 'next']);
    assert.throws(() => buffer.addFence({} as Fence, 'read'), TypeError);
    assert.throws(() => buffer.addFence(new Fence(), 'often' as 'read'), TypeError);
    buffer.close();
  });
}
