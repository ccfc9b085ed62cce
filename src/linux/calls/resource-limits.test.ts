import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { ResourceLimits } from './resource-limits.ts';

const MODULE = new URL('resource-limits.js', import.meta.url).href;

/** The output of a process that was started after `ulimit`. */
function runBehind(ulimit: string, script: string): string {
  const code = `import { ResourceLimits, checkFileSize } from '${MODULE}';
    import { kernelCalls } from '${new URL('kernel-calls.js', import.meta.url).href}';
    ${script}`;
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-ec', `${ulimit}\nexec "$0" --input-type=module --eval "$1"`, process.execPath, code],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

for (const [ulimit, name, bytes] of [
  ['ulimit -f 2048', 'RLIMIT_FSIZE', 2048 * 512],
  ['ulimit -v 8388608', 'RLIMIT_AS', 8_589_934_592],
  ['ulimit -d 1048576', 'RLIMIT_DATA', 1_073_741_824],
] as const) {
  test(`ResourceLimits tells ${name} in bytes, as "${ulimit}" sets it, and none where there is none`, () => {
    const print = `console.log(new ResourceLimits().bytesOf('${name}'));`;
    assert.equal(runBehind(ulimit, print), `${bytes}\n`);
    assert.equal(runBehind(`${ulimit.slice(0, 9)} unlimited`, print), 'undefined\n');
  });
}

test('ResourceLimits gives the soft limit, which is the one in force', () => {
  assert.equal(
    runBehind('ulimit -Sf 2048; ulimit -Hf 4096', "console.log(new ResourceLimits().bytesOf('RLIMIT_FSIZE'));"),
    '1048576\n',
  );
});

test('ResourceLimits gives no limit where the call is forbidden', () => {
  const limits = new ResourceLimits(rawCallsWith({ prlimit64: () => -1 }));
  assert.equal(limits.bytesOf('RLIMIT_AS'), undefined);
});

test('checkFileSize passes a file as large as RLIMIT_FSIZE, and names the limit and its remedy for a larger one', () => {
  const script = `
    checkFileSize(new ResourceLimits(), 1048576);
    try { checkFileSize(new ResourceLimits(), 1048577); } catch ({ code, syscall, values, message }) {
      console.log(JSON.stringify({ code, syscall, values }), message);
    }`;
  assert.equal(
    runBehind('ulimit -f 2048', script),
    '{"code":"EFBIG","syscall":"ftruncate","values":{"length":1048577,"limit":1048576}} Cannot make a file of 1.0 MiB as ' +
      'RLIMIT_FSIZE lets no file of this process have more than 1 MiB: raise the process\'s limit with "ulimit -f"\n',
  );
  assert.equal(
    runBehind('ulimit -f unlimited', "checkFileSize(new ResourceLimits(), 2 ** 50); console.log('well');"),
    'well\n',
  );
});
