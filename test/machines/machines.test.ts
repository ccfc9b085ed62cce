/**
 * Goal: the package relies on no file of /proc, /sys or /dev. On each machine that lacks some, the
 * conformance suite passes, and the command says what is missing.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { MORE_MACHINES, cannotHave, ODD_MACHINES, runOn, WITHOUT_PROC } from './odd-machines.ts';

const SUITES = ['embedded', 'embedded-shareable'];

for (const machine of ODD_MACHINES) {
  const skip = cannotHave(machine);
  for (const suite of SUITES) {
    test(`where ${machine.name}, the conformance suite of ${suite} passes`, { skip }, () => {
      const file = fileURLToPath(new URL(`../conformance/${suite}.test.js`, import.meta.url));
      const { status, signal, stdout, stderr } = runOn(machine, ['--test-reporter=tap', file]);
      assert.deepEqual({ status, signal }, { status: 0, signal: null }, stdout + stderr);
      assert.match(stdout, /^# fail 0$/mu);
      assert.ok(Number(/^# pass (\d+)$/mu.exec(stdout)?.[1]) > 40, stdout);
    });
  }
}

const INDEX = new URL('../../src/index.js', import.meta.url).href;
const WASM = new URL('../../src/heap/wasm/index.js', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** What a program does with buffers, but for what asks `/proc` of descriptors and threads. */
const USE_BUFFERS = `
  import assert from 'node:assert/strict';
  import { MiB, importBuffer, isDmaBufError, listHeaps, openHeap } from '${INDEX}';
  import { createWasmSpace } from '${WASM}';
  process.on('warning', () => {});
  assert.ok(listHeaps().some(({ backend, available }) => backend === 'embedded' && available));
  openHeap('system').close();
  const heap = openHeap('system', { backends: ['embedded'], embedded: { capacity: 64 * MiB } });
  for (const shareable of [false, true]) {
    const buffer = heap.allocate(8 * MiB, { shareable });
    const view = buffer.vmap({ populate: true });
    view.bytes.fill(7);
    assert.equal(buffer.layout().known, !shareable || buffer.layout().known);
    const space = createWasmSpace({ length: 8 * MiB });
    const mapping = space.map(buffer);
    assert.equal(new Uint8Array(space.memory.buffer)[mapping.offset], 7);
    await buffer.access('write', (bytes) => bytes.fill(9));
    for (const closable of [view, mapping, space, buffer]) closable.close();
    for (let count = 0; count < 20; count += 1) heap.allocate(8 * MiB, { shareable });
    for (let count = 0; count < 20; count += 1) heap.allocate(8 * MiB, { shareable }).vmap().bytes[0] = 1;
  }
  const shared = heap.allocate(MiB, { shareable: true });
  const fd = shared.exportFd();
  try {
    importBuffer(fd).close();
  } catch (error) {
    assert.ok(isDmaBufError(error), String(error));
    assert.match(error.message, /\\/proc/);
  }
  console.log('well');`;

for (const machine of [...ODD_MACHINES, ...MORE_MACHINES, WITHOUT_PROC]) {
  const skip = cannotHave(machine);
  test(`where ${machine.name}, buffers are allocated, mapped, measured, dropped and exported`, { skip }, () => {
    const { status, stdout, stderr } = runOn(machine, ['--input-type=module', '--eval', USE_BUFFERS]);
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'well\n' }, stderr);
  });

  test(`where ${machine.name}, every command answers, with no stack`, { skip }, () => {
    for (const command of ['heaps', 'doctor', 'ls', 'layout new:8MiB', 'vmap 8MiB']) {
      const { status, stdout, stderr } = runOn(machine, [MAIN, ...command.split(' ')]);
      assert.equal(status, 0, `${command}: ${stderr}`);
      assert.equal(stderr.includes('    at '), false, stderr);
      assert.ok(stdout.length > 100, `${command}: ${stdout}`);
    }
  });
}

test(
  'where /proc is empty, ls says that it saw nothing because of that, and how to mount it',
  {
    skip: cannotHave(WITHOUT_PROC),
  },
  () => {
    const { stdout } = runOn(WITHOUT_PROC, [MAIN, 'ls']);
    assert.match(stdout, /^No process that was read holds a dma-buf; what only the kernel holds cannot be\s+known\./u);
    assert.match(stdout, /as \/proc is not mounted\s+remedy: mount -t proc proc \/proc/u);
  },
);

test(
  'where /proc is empty, layout() of a memfd names the file that would tell',
  { skip: cannotHave(WITHOUT_PROC) },
  () => {
    const script = `
    import { MiB, openHeap } from '${INDEX}';
    const heap = openHeap('system', { backends: ['embedded'] });
    const { known, reason, remedy } = heap.allocate(MiB, { shareable: true }).layout();
    console.log(known, reason, '/', remedy);`;
    const { stdout } = runOn(WITHOUT_PROC, ['--input-type=module', '--eval', script]);
    assert.match(stdout, /^false .*Cannot read \/proc\/self\/pagemap.* \/ mount \/proc/u);
  },
);
