/** `sideEffects: false`: importing the package does nothing but define what it exports. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { writeFiles } from '../support/runner/temporary-folder.ts';
import { installPackedPackage, mustRun, readManifest, specifiersOf } from './packed-package.ts';

const { consumer, path } = installPackedPackage();

/** Says what a module does while it is imported: `node recorder.mjs SPECIFIER`. */
const RECORDER = `
  import childProcess from 'node:child_process';
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import workerThreads from 'node:worker_threads';

  const seen = [];
  function record(object, objectName, names) {
    for (const name of names) {
      const real = object[name];
      if (typeof real !== 'function') continue;
      object[name] = new Proxy(real, {
        apply(target, self, values) {
          seen.push(objectName + '.' + name + ' ' + String(values[0]));
          return Reflect.apply(target, self, values);
        },
        construct(target, values, newTarget) {
          seen.push('new ' + objectName + '.' + name + ' ' + String(values[0]));
          return Reflect.construct(target, values, newTarget);
        },
      });
    }
  }
  const timers = ['setImmediate', 'setInterval', 'setTimeout', 'queueMicrotask'];
  record(globalThis, 'globalThis', [...timers, 'fetch', 'SharedArrayBuffer']);
  record(WebAssembly, 'WebAssembly', ['Memory', 'Module', 'Instance', 'compile', 'instantiate']);
  record(process, 'process', ['dlopen', 'on', 'once', 'addListener', 'emitWarning', 'nextTick', 'setUncaughtExceptionCaptureCallback']);
  record(fs, 'fs', Object.keys(fs).filter((name) => name.endsWith('Sync') || typeof fs[name + 'Sync'] === 'function'));
  record(childProcess, 'child_process', Object.keys(childProcess));
  record(workerThreads, 'worker_threads', ['Worker', 'MessageChannel', 'BroadcastChannel']);
  syncBuiltinESMExports();

  const globals = new Set(Reflect.ownKeys(globalThis));
  await import(process.argv[2]);
  const added = Reflect.ownKeys(globalThis).filter((key) => !globals.has(key)).map((key) => 'globalThis.' + String(key));
  process.stdout.write(JSON.stringify([...seen, ...added]));
`;

/** Proves that the recorder sees what it is for. */
const DOING = `
  import { existsSync } from 'node:fs';
  existsSync('/proc/self/maps');
  setTimeout(() => {});
  new SharedArrayBuffer(1);
  process.on('exit', () => {});
  globalThis.added = 1;
`;

writeFiles(consumer, { 'recorder.mjs': RECORDER, 'doing.mjs': DOING });

function effectsOf(specifier: string): unknown {
  return JSON.parse(mustRun(process.execPath, ['recorder.mjs', specifier], { cwd: consumer }));
}

test('the recorder of effects sees files, timers, memory, listeners and globals', () => {
  assert.deepEqual(effectsOf(join(consumer, 'doing.mjs')), [
    'fs.existsSync /proc/self/maps',
    'globalThis.setTimeout () => {}',
    'new globalThis.SharedArrayBuffer 1',
    'process.on exit',
    'globalThis.added',
  ]);
});

for (const specifier of specifiersOf(readManifest(path))) {
  test(`import '${specifier}' reads no file, loads no addon, takes no memory, and listens to nothing`, () => {
    assert.deepEqual(effectsOf(specifier), []);
  });
}
