/**
 * Every public function, with arguments that close everything while they are read, and put another
 * owner's buffer in its place: the same memory, the same descriptor numbers. That owner's bytes are
 * neither seen nor written, with any result of the call.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { DmaBufError, importBuffer, openHandle } from '../../src/index.ts';
import type { BufferHandle } from '../../src/index.ts';
import type { FramePool } from '../../src/pool/index.ts';
import type { FrameRing } from '../../src/share/ring/index.ts';
import { OwnedFd } from '../../src/linux/calls/fd.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { isArgumentError } from './argument-errors.ts';
import { callOf, exportedClassNames, publicMembers } from './public-members.ts';
import type { PublicMember } from './public-members.ts';
import { settlesWithin } from './settles-within.ts';
import { ambushesFor } from './strikes.ts';
import type { Ambush } from './strikes.ts';
import { argumentsOf } from './well-formed-calls.ts';
import { CLASS_NAMES, DEVICE_CLASS_NAMES, endAnyhow, World } from './world.ts';
import type { Replacement } from './world.ts';

/** The byte that fills the other owner's buffer. */
const THEIRS = 0xa5;
/** The byte that is written wherever a call allows it. */
const OURS = 0x5a;
/** Long enough for everything that does not wait. */
const PENDING_MS = 10;
/** Longer than a busy machine keeps a call waiting. */
const HANG_MS = 60_000;

checkLeaksAfterFile();

test('every class that the package exports has an instance among those that are asked', () => {
  const known = new Set([...CLASS_NAMES, ...DEVICE_CLASS_NAMES, 'Heap']);
  const missing = exportedClassNames().filter((name) => !known.has(name));
  assert.deepEqual(missing, []);
});

test('everything public that can be called has well-formed arguments in the table', async () => {
  const members = await publicMembers();
  const missing = members.filter(({ kind, name }) => kind !== 'getter' && argumentsOf(name) === undefined);
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
  assert.ok(members.length > 150, `${members.length} members were found`);
});

/** One call with one ambush. */
class Raid {
  readonly #member: PublicMember;
  readonly #world: World;
  readonly #what: 'everything' | 'all but the heap';
  readonly #abortReason = new Error('given up');
  #replacement: Replacement | undefined;
  #isChecked = false;
  #isOver = false;

  constructor(member: PublicMember, shareable: boolean, what: 'everything' | 'all but the heap') {
    this.#member = member;
    this.#world = new World({ shareable });
    this.#what = what;
  }

  /** @returns whether the ambush struck */
  async run(ambush: Ambush): Promise<boolean> {
    const { kind, className, name } = this.#member;
    try {
      const instance = kind === 'method' ? await this.#world.instance(className) : undefined;
      const values = (await argumentsOf(name)?.(this.#world)) ?? [];
      const call = callOf(this.#member, instance);
      const hostile = ambush.lay(values, () => this.#strike());
      await this.#settle(async () => this.#look(await call(...hostile)));
      this.#checkVictim();
      this.#checkNothingLeft();
      return this.#replacement !== undefined;
    } finally {
      this.#world.close();
      this.#replacement?.owner.close();
    }
  }

  #checkNothingLeft(): void {
    this.#isOver = true;
    this.#world.close();
    this.#replacement?.owner.close();
    assert.equal(this.#world.heap.stats().bufferCount, 0, 'a buffer is left, though everything was closed');
  }

  #strike(): void {
    if (!this.#isOver) this.#replacement ??= this.#world.replace(THEIRS, this.#what);
  }

  async #settle(call: () => Promise<void>): Promise<void> {
    const outcome = call().catch((error: unknown) => this.#checkError(error));
    if (await settlesWithin(outcome, PENDING_MS)) return;
    this.#world.abort(this.#abortReason);
    if (await settlesWithin(outcome, PENDING_MS)) return;
    this.#checkVictim();
    this.#isChecked = true;
    this.#world.close();
    assert.ok(
      await settlesWithin(outcome, HANG_MS),
      'the call never ended, though its signal has aborted and everything is closed',
    );
  }

  #checkError(error: unknown): void {
    if (error === this.#abortReason) return;
    // Node's own TypeErrors, and the engine's: their function was called with unchecked values.
    assert.ok(error instanceof DmaBufError || isArgumentError(error), inspect(error));
  }

  #look(result: unknown): void {
    for (const bytes of bytesOf(result, this.#world)) {
      assert.ok(!bytes.includes(THEIRS), "the other owner's bytes were seen");
      bytes.fill(OURS);
    }
  }

  #checkVictim(): void {
    if (this.#isChecked) return;
    this.#replacement?.buffer.accessSync('read', (bytes) => {
      assert.ok(
        bytes.every((byte) => byte === THEIRS),
        "the other owner's bytes were written",
      );
    });
  }
}

/** Writes to everything that a result gives access to. */
function bytesOf(result: unknown, world: World): Uint8Array[] {
  const found: Uint8Array[] = [];
  const tryAdd = (get: () => unknown): void => {
    try {
      const bytes = get();
      if (bytes instanceof Uint8Array) found.push(bytes);
    } catch (error) {
      if (!(error instanceof DmaBufError)) throw error;
    }
  };
  if (ArrayBuffer.isView(result)) tryAdd(() => new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
  if (typeof result !== 'object' || result === null) return found;
  world.keep({ close: () => endAnyhow(result) });
  if ('type' in result && result.type === 'dmabuf-handle') {
    const shared = world.keep(openHandle(result as BufferHandle));
    tryAdd(() => world.keep(shared.vmap()).bytes);
  }
  if (result instanceof OwnedFd) tryAdd(() => world.keep(world.keep(importBuffer(result)).vmap()).bytes);
  if ('vmap' in result) tryAdd(() => world.keep((result.vmap as () => { bytes: Uint8Array; close(): void })()).bytes);
  if ('acquire' in result) {
    tryAdd(() => {
      const frame = (result as FramePool | FrameRing).acquire();
      world.keep({ close: () => endAnyhow(frame) });
      return frame.bytes;
    });
  }
  if ('bytes' in result) tryAdd(() => result.bytes);
  if ('offset' in result && 'length' in result && 'close' in result)
    tryAdd(() => new Uint8Array(world.space.memory.buffer, result.offset as number, result.length as number));
  return found;
}

for (const shareable of [false, true]) {
  for (const what of ['everything', 'all but the heap'] as const) {
    const kind = shareable ? 'shareable buffers' : 'buffers of the arena';
    test(`arguments that close ${what} while they are read do not reach another owner's bytes: ${kind}`, async () => {
      let struckCount = 0;
      const failures: string[] = [];
      for (const member of await publicMembers()) {
        const row = argumentsOf(member.name);
        if (row === undefined) continue;
        const sampleWorld = new World({ shareable });
        const ambushes = ambushesFor(await row(sampleWorld));
        sampleWorld.close();
        for (const ambush of ambushes) {
          try {
            if (await new Raid(member, shareable, what).run(ambush)) struckCount += 1;
          } catch (error) {
            failures.push(`${member.name} with ${ambush.label}: ${inspect(error)}`);
          }
        }
      }
      assert.deepEqual(failures, []);
      assert.ok(struckCount > 300, `${struckCount} ambushes struck`);
    });
  }
}
