/**
 * As limits.test.ts, for buffers that are files of their own: of the kernel's heaps, of udmabuf,
 * and imported.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KiB, isDmaBufError } from '../../src/index.ts';
import type { BufferView, DmaBuf } from '../../src/index.ts';
import { MAPPINGS_KEPT_FREE } from '../../src/base/limits.ts';
import { openHeap } from '../../src/backend/open-heap.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { runScript } from '../support/processes/run-script.ts';
import { temporaryTree } from '../support/runner/temporary-folder.ts';
import { otherMachine } from '../support/fakes/other-machine.ts';

checkLeaksAfterFile();

/** That they are refused does not depend on it: only that a test ends. */
const BUFFER_COUNT_MAX = 400;

const withoutHeap = cannotOpen('/dev/dma_heap/system');
const withoutUdmabuf = cannotOpen('/dev/udmabuf');

/** A way to come by one more buffer of the size that is asked for, as the end of a script. */
const SOURCES = [
  { name: 'the kernel heap', skip: withoutHeap, open: `openHeap('system', { backends: ['kernel'] })` },
  { name: 'the udmabuf heap', skip: withoutUdmabuf, open: `openHeap('system', { backends: ['udmabuf'] })` },
  { name: 'a memfd of each buffer', skip: false, open: 'openEmbeddedHeap({ capacity: GiB })' },
] as const;

for (const { name, skip, open } of SOURCES) {
  test(
    `running out of file descriptors is EMFILE for ${name}, names the remedy, and is over when a buffer is closed`,
    { skip },
    () => {
      const script = `
      const heap = ${open};
      const allocate = () => heap.allocate(4 * KiB, { shareable: true });
      const whole = allocate();
      const fd = whole.exportFd();
      for (const make of [allocate, () => importBuffer(fd), () => whole.exportFd()]) {
        const made = [];
        let refusal;
        while (refusal === undefined) {
          try { made.push(make()); } catch (error) { refusal = error; }
        }
        assert.ok(isDmaBufError(refusal, 'EMFILE'), String(refusal));
        assert.match(refusal.message, /ulimit -n/);
        assert.equal(heap.stats().bufferCount, make === allocate ? made.length + 1 : 1);
        for (const each of made.splice(0, 3)) each.close();
        whole.accessSync('write', (bytes) => bytes.fill(1));
        make().close();
        for (const each of made) each.close();
      }
      assert.equal(heap.stats().bufferCount, 1);
      console.log('well');`;
      assert.equal(runScript(script, 'ulimit -n 256'), 'well\n');
    },
  );

  test(`running out of address space is ENOMEM for ${name}, and over when views are closed`, { skip }, () => {
    const script = `
      const heap = ${open};
      const fd = heap.allocate(64 * MiB, { shareable: true }).exportFd();
      const views = [];
      let refusal;
      while (refusal === undefined) {
        const buffer = importBuffer(fd);
        try { views.push(buffer.vmap()); } catch (error) { refusal = error; }
        buffer.close();
      }
      assert.ok(isDmaBufError(refusal, 'ENOMEM'), String(refusal));
      assert.match(refusal.message, /address space.*ulimit -v/);
      views[0].bytes[0] = 1;
      assert.equal(views.at(-1).bytes[0], 1);
      for (const view of views.splice(0)) view.close();
      importBuffer(fd).vmap().close();
      console.log('well');`;
    assert.equal(runScript(script, 'ulimit -v $((12 * 1024 * 1024))'), 'well\n');
  });
}

/** This machine, as if this process could have few more mappings than it has. */
function machineOfFewMappings(t: TestContext, mappingCountMore: number): string {
  const mappingCount = readFileSync('/proc/self/maps', 'utf8').split('\n').length;
  const root = temporaryTree(t, {
    'proc/meminfo': 'MemAvailable: 1048576 kB\n',
    'proc/sys/vm/max_map_count': `${mappingCount + MAPPINGS_KEPT_FREE + mappingCountMore}\n`,
  });
  symlinkSync('/dev', join(root, 'dev'));
  symlinkSync('/proc/self', join(root, 'proc/self'));
  return root;
}

for (const backend of ['kernel', 'udmabuf'] as const) {
  const skip = backend === 'kernel' ? withoutHeap : withoutUdmabuf;
  test(
    `vmap() of buffers of the ${backend} heap stops before vm.max_map_count, names it, and goes on when one is closed`,
    { skip },
    (t) => {
      const heap = openHeap('system', { backends: [backend] }, otherMachine({ root: machineOfFewMappings(t, 60) }));
      const buffers: DmaBuf[] = [];
      const views: BufferView[] = [];
      const mapOneMore = (): void => {
        const buffer = heap.allocate(4 * KiB);
        buffers.push(buffer);
        views.push(buffer.vmap());
      };
      assert.throws(
        () => {
          while (views.length < BUFFER_COUNT_MAX) mapOneMore();
        },
        (error) => isDmaBufError(error, 'ENOMEM') && /vm\.max_map_count/u.test(error.message),
      );
      assert.ok(views.length > 0);
      // As many as the collector may have taken meanwhile, and one.
      for (const view of views.splice(0, 20)) view.close();
      buffers.at(-1)?.vmap().close();
      for (const closable of [...views, ...buffers, heap]) closable.close();
    },
  );
}

test(
  'allocate() from the kernel heap of more than the machine has is ENOMEM before the kernel is asked',
  { skip: withoutHeap },
  () => {
    const script = `
    const heap = openHeap('system', { backends: ['kernel'] });
    assert.throws(() => heap.allocate(${2 * totalmem()}), (error) => {
      assert.ok(isDmaBufError(error, 'ENOMEM'), String(error));
      assert.match(error.message, /close buffers|ask for less/);
      return true;
    });
    heap.allocate(MiB).close();
    console.log('well');`;
    assert.equal(runScript(script), 'well\n');
  },
);

/** A control group with a limit of its own; undefined where none can be made. */
function makeMemoryGroup(t: TestContext, limitBytes: number): string | undefined {
  const folder = `/sys/fs/cgroup/dmabuf-real-${process.pid}`;
  try {
    mkdirSync(folder);
    t.after(() => rmdirSync(folder));
    writeFileSync(join(folder, 'memory.max'), String(limitBytes));
    return folder;
  } catch {
    return undefined;
  }
}

test(
  "allocate() from the udmabuf heap beyond the control group's room is ENOMEM, where its pages would be SIGKILL; the kernel heap is not charged",
  { skip: withoutHeap || withoutUdmabuf },
  (t) => {
    const folder = makeMemoryGroup(t, 256 * 1024 * KiB);
    if (folder === undefined) {
      t.skip('no memory control group can be made here: run as root with a writable /sys/fs/cgroup');
      return;
    }
    const script = `
      const heap = openHeap('system', { backends: ['udmabuf'] });
      const buffers = [];
      let refusal;
      while (refusal === undefined) {
        try { buffers.push(heap.allocate(32 * MiB)); } catch (error) { refusal = error; }
      }
      assert.ok(isDmaBufError(refusal, 'ENOMEM'), String(refusal));
      assert.match(refusal.message, /control group/);
      const kernel = openHeap('system', { backends: ['kernel'] });
      const outside = kernel.allocate(300 * MiB);
      buffers.pop().close();
      await new Promise((resolve) => setTimeout(resolve, 1100));
      heap.allocate(16 * MiB).close();
      outside.close();
      console.log('well');`;
    assert.equal(runScript(script, `echo $$ > ${folder}/cgroup.procs`), 'well\n');
  },
);
