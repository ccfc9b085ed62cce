/**
 * native/border.c: what is committed is what its source says, and the source stands up to
 * sanitizers and an analyser.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

interface Target {
  readonly arch: string;
}

/** Of tools/build-native.mjs. */
interface NativeBuild {
  readonly TARGETS: readonly Target[];
  readonly NATIVE_SOURCE: string;
  obstacleFor(target: Target): string | undefined;
  isReproduced(root: string, target: Target): boolean;
}

const build = (await import(join(repositoryRoot, 'tools/build-native.mjs'))) as NativeBuild;
const HEADERS = ['-isystem', join(repositoryRoot, 'node_modules/node-api-headers/include')];
const SOURCE = join(repositoryRoot, build.NATIVE_SOURCE);
const WORKOUT = join(repositoryRoot, 'test/native/border-workout.mjs');
const WARNINGS = ['-std=c11', '-Wall', '-Wextra', '-Werror'];

function compilerMissing(compiler: string): string | false {
  return spawnSync(compiler, ['--version']).status === 0 ? false : `${compiler} is not installed`;
}

function mustRun(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, signal, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 120_000 });
  assert.deepEqual([status, signal], [0, null], `${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout + stderr;
}

for (const target of build.TARGETS) {
  test(
    `border.node for ${target.arch} is byte for byte what native/border.c gives`,
    { skip: build.obstacleFor(target) ?? false },
    () =>
      assert.equal(build.isReproduced(repositoryRoot, target), true, 'Run "npm run native", and commit what it builds'),
  );
}

test(
  'border.c is used well and wrongly, threads ended among it, under ASAN and UBSAN',
  { skip: compilerMissing('gcc') },
  (t) => {
    const addon = join(temporaryFolder(t), 'border.node');
    const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g', '-O1'];
    mustRun('gcc', [...WARNINGS, ...sanitizers, '-shared', '-fPIC', ...HEADERS, '-o', addon, SOURCE]);
    const [asan, ubsan] = ['libasan.so', 'libubsan.so'].map((name) =>
      spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim(),
    );
    // Leaks: of Node itself, at its end.
    const env = { ...process.env, LD_PRELOAD: `${asan} ${ubsan}`, ASAN_OPTIONS: 'detect_leaks=0', NODE_OPTIONS: '' };
    assert.match(mustRun(process.execPath, [WORKOUT, addon], env), /done\n$/u);
  },
);

test('border.c as it is committed is used well and wrongly, threads ended among it', () => {
  const addon = join(repositoryRoot, `native/linux-${process.arch}/border.node`);
  assert.match(mustRun(process.execPath, [WORKOUT, addon]), /done\n$/u);
});

test("border.c passes GCC's static analyser", { skip: compilerMissing('gcc') }, () => {
  mustRun('gcc', [...WARNINGS, '-fanalyzer', '-O2', '-c', ...HEADERS, '-o', '/dev/null', SOURCE]);
});

test("border.c passes Clang's static analyser", { skip: compilerMissing('clang') }, () => {
  const checks = ['--analyze', '--analyzer-output', 'text', '-Xclang', '-analyzer-werror'];
  mustRun('clang', [...checks, ...HEADERS, SOURCE]);
});
