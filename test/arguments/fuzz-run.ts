/**
 * The process of test/arguments/arguments.fuzz.ts: calls with hostile arguments, until the time is
 * over. Each call is recorded before it is made, which identifies a call that hangs or ends the
 * process.
 *
 * Arguments: the first seed, the milliseconds to run, the file to write to. Ends with 1 and a
 * message on stderr when a call breaks the rule.
 */

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';

import { DmaBufError, discardHandle } from '../../src/index.ts';
import type { BufferHandle } from '../../src/index.ts';
import type { ConnectionForChild } from '../../src/share/index.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { collectGarbageUntil } from '../support/runner/collect-garbage.ts';
import { isArgumentError, isTypeOrRangeError } from './argument-errors.ts';
import { HostileError, OwnRejection, draw, drawHostile, withOneHostile } from './hostile-values.ts';
import { callOf, publicMembers } from './public-members.ts';
import type { PublicMember } from './public-members.ts';
import { settlesWithin } from './settles-within.ts';
import { argumentsOf } from './well-formed-calls.ts';
import { endAnyhow, World } from './world.ts';

const [seedFirst = 0, durationMs = 0] = process.argv.slice(2, 4).map(Number);
const journal = openSync(process.argv[4] as string, 'w');

const CALLS_PER_WORLD = 40;
/** Long enough for everything that does not wait. */
const PENDING_MS = 3;
/** Longer than a busy machine keeps a call waiting. */
const HANG_MS = 45_000;

/** The error of showing an object that imitates one of the platform's. */
const THROWN_BY_IMITATIONS = 'ERR_INVALID_THIS';
/** The engine's errors for unreadable values: no check of this package can precede them. */
const HOSTILE_MESSAGES =
  /revoked|detached|private member|Receiver must be|incompatible receiver|not a typed array|(?:without|requires) 'new'/u;
/** Functions that accept any number: a random number is another owner's descriptor. */
const TAKES_AT_ITS_WORD: ReadonlySet<string> = new Set(['OwnedFd.adopt', 'streamFromFd', 'DescriptorStream#closeFds']);

function writeDown(text: string): void {
  writeSync(journal, `${text.slice(0, 500)}\n`.padEnd(512), 0);
}

class AbortReason extends Error {}

/** The descriptors that the process has opened since the start. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd')
    .map(linkOf)
    .filter((link) => !link.endsWith('/fd'))
    .toSorted();
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/u, '');
  } catch {
    return '/fd';
  }
}

function bufferMappingCount(): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/memfd:dmabuf')).length;
}

function isAllowed(error: unknown): boolean {
  if (error instanceof DmaBufError || error instanceof HostileError || error instanceof AbortReason) return true;
  if (error instanceof AggregateError) return error.errors.every(isAllowed);
  // Any other error of Node's own, or the engine's: its function was called with unchecked values.
  return isArgumentError(error) || (isTypeOrRangeError(error) && isThrownByHostileValue(error));
}

/** The errors that a hostile value itself throws when it is read, called or shown. */
function isThrownByHostileValue(error: Error): boolean {
  return 'code' in error ? error.code === THROWN_BY_IMITATIONS : HOSTILE_MESSAGES.test(error.message);
}

/** Calls on one world, drawn from one seed. */
class Siege {
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #members: readonly PublicMember[];
  readonly #seed: number;
  #last = '';
  readonly calls: string[] = [];

  constructor(seed: number, members: readonly PublicMember[]) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#world = new World({ shareable: this.#random.below(2) === 0 });
    this.#members = members;
  }

  async run(): Promise<void> {
    for (let count = 0; count < CALLS_PER_WORLD; count += 1) await this.#step();
    this.#world.abort(new AbortReason('the world ends'));
    this.#close();
  }

  async #step(): Promise<void> {
    const member = draw(this.#random, this.#members);
    const prepared = await this.#prepare(member).catch(() => undefined);
    if (prepared === undefined) return;
    this.#last = `seed ${this.#seed}: ${member.name}(${describe(prepared.values)})`.replaceAll(/\s+/gu, ' ');
    this.calls.push(this.#last);
    writeDown(this.#last);
    await this.#settle(async () => {
      const result = await prepared.call(...prepared.values);
      this.#keep(member, result);
    });
  }

  /** A call whose arguments cannot be made, because something they need is closed, is skipped. */
  async #prepare(member: PublicMember): Promise<{ call: ReturnType<typeof callOf>; values: unknown[] }> {
    const isOfInstance = member.kind === 'method' || member.kind === 'getter';
    const instance = isOfInstance ? await this.#world.instance(member.className) : undefined;
    if (instance !== undefined && this.#random.below(8) === 0) closeAnyhow(instance);
    const values = (await argumentsOf(member.name)?.(this.#world)) ?? [];
    return { call: callOf(member, instance), values: this.#disturb(values) };
  }

  #disturb(values: unknown[]): unknown[] {
    if (this.#random.below(3) > 0) return withOneHostile(values, this.#random);
    return Array.from({ length: this.#random.below(4) }, () => drawHostile(this.#random));
  }

  async #settle(call: () => Promise<void>): Promise<void> {
    const outcome = call().catch((error: unknown) => {
      if (!isAllowed(error)) throw new Error(`${this.#last} threw what it may not`, { cause: error });
    });
    if (await settlesWithin(outcome, PENDING_MS)) return;
    this.#world.abort(new AbortReason('given up'));
    if (await settlesWithin(outcome, PENDING_MS)) return;
    this.#close();
    if (!(await settlesWithin(outcome, HANG_MS))) throw new Error(`${this.#last} never ends`);
  }

  /** Callbacks of fences are called, and may be hostile. */
  #close(): void {
    try {
      this.#world.close();
    } catch (error) {
      if (!isAllowed(error)) throw error;
    }
  }

  #keep(member: PublicMember, result: unknown): void {
    if (member.name === 'OwnedFd#take' && typeof result === 'number') closeSync(result);
    // The value it was signaled with may be anything, such as four billion holes.
    if (member.name === 'Fence#error') return;
    const results: unknown[] = Array.isArray(result) ? result : [result];
    for (const each of results) {
      if (typeof each !== 'object' || each === null) continue;
      this.#world.keep({ close: () => closeAnyhow(each) });
      if (member.name === 'connectionForChild') this.#world.keep((each as ConnectionForChild).connection);
      if (member.name === 'DmaBuf#toHandle')
        this.#world.keep({ close: () => void discardHandle(each as BufferHandle) });
    }
  }
}

function closeAnyhow(object: object): void {
  try {
    endAnyhow(object);
  } catch (error) {
    if (!isAllowed(error)) throw error;
  }
}

function describe(values: readonly unknown[]): string {
  try {
    return values
      .map((value) => inspect(value, { depth: 2, maxArrayLength: 8, maxStringLength: 40, breakLength: Infinity }))
      .join(', ');
  } catch {
    return `${values.length} values that cannot be shown`;
  }
}

async function main(): Promise<void> {
  const members = (await publicMembers()).filter(({ name }) => !TAKES_AT_ITS_WORD.has(name));
  await turn();
  const before = { files: openFiles(), mappings: bufferMappingCount() };
  process.stderr.write('begins\n');
  const end = Date.now() + durationMs;
  let seed = seedFirst;
  let callCount = 0;
  for (; Date.now() < end; seed = (seed + 1) % 2 ** 32) {
    const siege = new Siege(seed, members);
    await siege.run();
    callCount += siege.calls.length;
    await turn();
    writeDown(`seed ${seed}: the end of its world`);
    const isClean = (): boolean => openFiles().length <= before.files.length && bufferMappingCount() <= before.mappings;
    if (!isClean() && !(await collectGarbageUntil(isClean, 500)))
      throw new Error(
        `One of these calls leaks: ${inspect({ before, after: openFiles(), mappings: bufferMappingCount() })}\n${siege.calls.join('\n')}`,
      );
  }
  writeDown(`${callCount} calls`);
}

process.on('warning', () => {});
process.on('unhandledRejection', (error) => {
  if (error instanceof OwnRejection) return;
  process.stderr.write(`An unhandled rejection: ${inspect(error)}\n`);
  process.exit(1);
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`An uncaught exception: ${inspect(error)}\n`);
  process.exit(1);
});

await main();
