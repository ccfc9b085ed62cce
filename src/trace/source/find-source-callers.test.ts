import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { isDmaBufError } from '../../base/errors.ts';
import { repositoryRoot } from '../../../test/support/runner/source-files.ts';
import { temporaryFolder, temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { findSourceCallers } from './find-source-callers.ts';
import type { SourceCallers } from './find-source-callers.ts';

const FIXTURE = join(repositoryRoot, 'test/fixtures/kernel-source');
const found = await findSourceCallers(FIXTURE);

/** Who calls `callee`, as `file:line caller`. */
function callersOf({ calls }: SourceCallers, callee: string): string[] {
  return calls.filter((call) => call.callee === callee).map(({ file, line, caller }) => `${file}:${line} ${caller}`);
}

function endsOf({ nodes }: SourceCallers, name: string): string[] {
  return nodes.filter((node) => node.name === name).flatMap(({ ends }) => ends.map(({ reason }) => reason));
}

/** Who calls `dma_buf_vmap_unlocked` in a file of this text. */
async function callersIn(t: TestContext, text: string): Promise<string[]> {
  return callersOf(await findSourceCallers(temporaryTree(t, { 'a.c': text })), 'dma_buf_vmap_unlocked');
}

test('findSourceCallers() finds the calls of dma_buf_vmap, and no comments, strings, exports and declarations', () => {
  assert.deepEqual(callersOf(found, 'dma_buf_vmap'), [
    'core/dma-buf.c:19 dma_buf_vmap_unlocked',
    'locks/locks.c:20 held_here',
    'locks/locks.c:26 held_by_wrapper',
    'locks/locks.c:31 map_object',
  ]);
});

test('findSourceCallers() finds functions behind macros that are no C, of the oldest style and in two branches', () => {
  assert.deepEqual(callersOf(found, 'dma_buf_vmap_unlocked'), [
    'traps/comments.c:13 in_comments',
    'traps/handed.c:3 map_later',
    'traps/handed.c:8 map_ioctl',
    'traps/handed.c:23 direct_probe',
    'traps/macros.c:5 MAP_IT',
    'traps/macros.c:7 compat_vmap',
    'traps/macros.c:23 through_argument',
    'traps/slots.c:5 camera_map',
    'traps/slots.c:11 camera_prepare',
    'traps/unusual.c:8 old_style',
    'traps/unusual.c:18 __attributes',
    'traps/unusual.c:33 either',
    'traps/unusual.c:41 after_either',
  ]);
});

test('findSourceCallers() goes through macros', () => {
  assert.deepEqual(callersOf(found, 'MAP_IT'), ['traps/macros.c:13 through_macro']);
  assert.deepEqual(callersOf(found, 'compat_vmap'), ['traps/macros.c:18 through_alias']);
});

test('findSourceCallers() tells members of one name apart by their structs', () => {
  assert.deepEqual(callersOf(found, 'camera_ops.map'), [
    'traps/slots.c:30 by_parameter',
    'traps/slots.c:35 by_cast',
    'traps/slots.c:40 by_result',
    'traps/slots.c:45 by_container',
    'traps/slots.c:50 by_macro_argument',
  ]);
  assert.deepEqual(callersOf(found, 'sound_ops.map'), []);
});

test('findSourceCallers() follows a macro of a header that sets a member in whatever it stands in', () => {
  assert.deepEqual(callersOf(found, 'camera_ops.prepare'), ['traps/slots.c:58 by_local']);
  const slot = found.nodes.find(({ name }) => name === 'camera_ops.prepare');
  assert.deepEqual(
    slot?.leadsTo.map(({ id, holder }) => [id, holder]),
    [['filler CAMERA_EVERYTHING.prepare', 'camera_ops']],
  );
});

test('findSourceCallers() does not follow functions of the same name in other files', () => {
  assert.deepEqual(callersOf(found, 'camera_map'), []);
  assert.deepEqual(callersOf(found, 'camera_prepare'), []);
});

test('findSourceCallers() counts functions up from dma_buf_vmap', () => {
  const depths = new Map(found.nodes.map(({ name, depth }) => [name, depth]));
  const names = ['dma_buf_vmap', 'dma_buf_vmap_unlocked', 'camera_map', 'camera_ops.map', 'by_cast'];
  assert.deepEqual(
    names.map((name) => depths.get(name)),
    [0, 1, 2, 2, 3],
  );
});

test('findSourceCallers() says where a search ends: at interfaces, work, tables, and what nothing calls', () => {
  assert.deepEqual(endsOf(found, 'platform_driver.probe'), ['interface']);
  assert.deepEqual(endsOf(found, 'map_later'), ['handed']);
  assert.deepEqual(endsOf(found, 'map_ioctl'), ['handed']);
  assert.deepEqual(endsOf(found, 'old_style'), ['no callers']);
  assert.deepEqual(endsOf(found, 'camera_map'), []);
});

test('findSourceCallers() ends at the depth that is asked for', async () => {
  const near = await findSourceCallers(FIXTURE, { depthMax: 2 });
  assert.deepEqual(endsOf(near, 'camera_map'), ['depth']);
  assert.deepEqual(callersOf(near, 'camera_ops.map'), []);
});

test('findSourceCallers() tells of locked calls without a reservation lock, with the way that was looked at', () => {
  assert.deepEqual(
    found.unlocked.map(({ caller, place, path }) => [caller, place.line, ...path]),
    [
      ['map_object', 31, 'function locked_too_late', 'function map_object locks/locks.c'],
      ['map_object', 31, 'function not_held', 'function map_object locks/locks.c'],
    ],
  );
});

test('findSourceCallers() lists what dma_buf_vmap calls', () => {
  assert.deepEqual(
    found.exporters.map(({ name, holder, place }) => [name, holder, place.file, place.line]),
    [['heap_vmap', 'heap_buf_ops', 'core/dma-buf.c', 31]],
  );
});

test("findSourceCallers() finds the calls in a driver's own tree, which has no dma_buf_vmap", async (t) => {
  const root = temporaryTree(t, { 'sub/driver.c': 'int f(void)\n{\n\treturn dma_buf_vmap_unlocked(a, b);\n}\n' });
  const { nodes, ...result } = await findSourceCallers(root);
  assert.deepEqual(result.calls, [
    {
      callee: 'dma_buf_vmap_unlocked',
      caller: 'f',
      depth: 0,
      file: 'sub/driver.c',
      line: 3,
      text: 'return dma_buf_vmap_unlocked(a, b);',
    },
  ]);
  assert.deepEqual([result.fileCount, result.byteCount, nodes.length], [1, 53, 3]);
});

test('findSourceCallers() reads on where files or folders cannot be read, and says which', async (t) => {
  const root = temporaryTree(t, { 'a.c': 'void f(void) { dma_buf_vmap(b, m); }', 'no/b.c': '', 'c.c': '' });
  symlinkSync('.', join(root, 'loop'));
  symlinkSync('nothing', join(root, 'nothing.c'));
  mkdirSync(join(root, 'folder.c'));
  chmodSync(join(root, 'no'), 0);
  chmodSync(join(root, 'c.c'), 0);
  const { unread, calls, fileCount } = await findSourceCallers(root);
  chmodSync(join(root, 'no'), 0o700);
  assert.deepEqual(callersOf({ calls } as SourceCallers, 'dma_buf_vmap'), ['a.c:1 f']);
  // Nothing is kept from root.
  if (process.getuid?.() === 0) assert.deepEqual([unread, fileCount], [[], 3]);
  else assert.deepEqual(unread, ['no', 'c.c'].map((path) => ({ path, reason: 'EACCES' }))); // prettier-ignore
});

test('findSourceCallers() shows text as UTF-8 has it, and cuts what is too long', async (t) => {
  const line = `dma_buf_vmap(b, "Größe ${'x'.repeat(1000)}");`;
  const root = temporaryTree(t, { 'a.c': `void f(void) {\n  ${line}\n}` });
  const [call] = (await findSourceCallers(root)).calls;
  assert.equal(call?.text, `dma_buf_vmap(b, "Größe ${'x'.repeat(273)}`);
});

test('findSourceCallers() ends on sources that were written to keep it busy', async (t) => {
  const many = (text: string, count = 100_000): string => text.repeat(count);
  const call = 'dma_buf_vmap_unlocked(a, b);';
  const within = (before: string, after = ''): string => `void f(void)\n{\n${before}${call}${after}\n}\n`;
  assert.deepEqual(await callersIn(t, within(many('('), many(')'))), ['a.c:3 f']);
  assert.deepEqual(await callersIn(t, within(many('{'), many('}'))), ['a.c:3 f']);
  assert.deepEqual(await callersIn(t, within(`x = ${many('-')}`)), ['a.c:3 f']);
  assert.deepEqual(await callersIn(t, within(many(' ', 3_000_000))), ['a.c:3 f']);
  assert.deepEqual(await callersIn(t, within(`a${many('->b')};`)), ['a.c:3 f']);
  assert.deepEqual(await callersIn(t, `${many('#if 1\n')}${within('')}`), ['a.c:100003 f']);
  assert.deepEqual(await callersIn(t, `${many('struct a ')}\n;${within('')}`), ['a.c:4 f']);
  assert.deepEqual(await callersIn(t, within(many(`${call}\n`, 3000))).then(({ length }) => length), 3001);
  assert.deepEqual(await callersIn(t, `${many('#define m \\\n')}\n${within('')}`), ['a.c:100004 f']);
  assert.deepEqual(await callersIn(t, within('/*')), []);
  assert.deepEqual(await callersIn(t, within('"')), []);
});

test('findSourceCallers() refuses what is no folder', async (t) => {
  const root = temporaryTree(t, { 'a.c': '' });
  await assert.rejects(findSourceCallers(join(root, 'none')), (error) => {
    assert.ok(isDmaBufError(error, 'ENOENT'));
    assert.match(error.message, /^Cannot search .*none for callers as there is no such folder: name the folder of a/u);
    return true;
  });
  await assert.rejects(findSourceCallers(join(root, 'a.c')), { code: 'ENOTDIR' });
});

test('findSourceCallers() refuses wrong arguments', async () => {
  await assert.rejects(findSourceCallers(1 as never), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(findSourceCallers('.', { depthMax: 0 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(findSourceCallers('.', { depthMax: 51 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  await assert.rejects(findSourceCallers('.', { onProgress: 1 as never }), { name: 'TypeError' });
  await assert.rejects(findSourceCallers('.', { depth: 1 } as never), { name: 'TypeError' });
});

test('findSourceCallers() gives up when its signal aborts, also while it searches', async (t) => {
  const reason = new Error('enough');
  await assert.rejects(findSourceCallers(FIXTURE, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const told: string[] = [];
  const onProgress = (what: string): void => {
    told.push(what);
    if (what.startsWith('looked')) controller.abort(reason);
  };
  await assert.rejects(findSourceCallers(FIXTURE, { signal: controller.signal, onProgress }), reason);
  assert.deepEqual(told, ['read 0 of 10 files', 'looked at 1 functions, macros and members']);
  const empty = await findSourceCallers(temporaryFolder(t));
  assert.deepEqual([empty.fileCount, empty.calls, empty.unlocked, empty.exporters], [0, [], [], []]);
});
