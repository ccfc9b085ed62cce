/** A PipeWire that lies: it does not end this process, and nothing of it is left. */

import assert from 'node:assert/strict';
import { openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { OwnedFd, isDmaBufError } from '../../src/index.ts';
import type { DmaBufErrorCode } from '../../src/index.ts';
import { experimentalReceivePipeWireFrames } from '../../src/pipewire/index.ts';
import type { ExperimentalPipeWireFrames } from '../../src/pipewire/index.ts';
import type { DescriptorStream } from '../../src/share/index.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { until } from '../support/runner/settled.ts';
import {
  CORE, NODE, addMemory, fd, format, id, info, int, memfdOf, message, naivePipeWire, object, pod, recordFile, signalPair, words,
} from './naive-pipewire.ts'; // prettier-ignore

/** A message, and the descriptors that go with it. */
type Step = readonly [Buffer, ...(() => OwnedFd)[]];

interface Misdeed {
  readonly steps: readonly Step[];
  readonly code?: DmaBufErrorCode;
  readonly message: RegExp;
}

const nothing = (): OwnedFd => OwnedFd.adopt(openSync('/dev/null', 'r+'));
const transport = (size = 2312, offset = 0, memory = 1): Step => [
  message(NODE, 0, [fd(0), fd(1), int(memory), int(offset), int(size)], 2),
  nothing,
  nothing,
];
const record: Step = [addMemory(1), () => recordFile()];
const pool: Step = [addMemory(2), () => memfdOf(4096)];
/** Of 16 bytes of chunk, and a picture of 64 behind it. */
const buffers = (values: readonly number[] = [1, 2, 0, 4096, 0, 1, 1, 16, 0, 0, 64]): Step => {
  const [count = 0, ...others] = values;
  return [message(NODE, 8, [int(0), int(0), int(0), int(0), int(count), ...others.map(int)])];
};

const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  'another version of itself': {
    steps: [[info('1.6.0')]],
    code: 'EOPNOTSUPP',
    message: /version "1\.6\.0" of PipeWire is not known here: use receiveFrames\(\) .*pipewiresrc ! videoconvert/u,
  },
  'a record of another size': {
    steps: [record, transport(2304)],
    code: 'EOPNOTSUPP',
    message: /activation record of 2304 bytes is not known here: use receiveFrames/u,
  },
  'a record of another version': {
    steps: [[addMemory(1), () => recordFile(2)], transport()],
    code: 'EOPNOTSUPP',
    message: /version 2 of the activation record/u,
  },
  'a record behind the end of its file': { steps: [record, transport(2312, 4096)], message: /2312 bytes at 4096/u },
  'a record at an odd place': { steps: [record, transport(2312, 2)], message: /2312 bytes at 2 are not aligned/u },
  'a record in memory that is not shared': { steps: [transport(2312, 0, 9)], message: /memory 9, which it has not/u },
  'a second transport': { steps: [record, transport(), transport()], message: /second transport/u },
  'memory that could be shortened': {
    steps: [[addMemory(1), () => memfdOf(4096, {}, 0)]],
    code: 'EINVAL',
    message: /could shrink it/u,
  },
  'a file that is no memory': {
    steps: [[addMemory(1), nothing]],
    code: 'EINVAL',
    message: /neither a dma-buf nor a memfd/u,
  },
  'the same memory twice': { steps: [record, record], message: /memory 1 beside 1 others/u },
  'memory without a descriptor': { steps: [[addMemory(1)]], message: /0 descriptors came with a message of 1/u },
  'a descriptor that is not there': {
    steps: [[message(CORE, 6, [int(1), id(2), fd(7), int(3)])]],
    message: /has no descriptor 7/u,
  },
  'a message of 16 MiB': {
    steps: [[Buffer.from('00000000ffffff0600000000ffffffff', 'hex')]],
    message: /announces 16777215 bytes and 4294967295 descriptors/u,
  },
  'a value that is longer than its message': {
    steps: [[Buffer.concat([message(CORE, 6, []).subarray(0, 16), Buffer.from('ffffff7f0e000000', 'hex')])]],
    message: /value of 2147483647 bytes does not fit into 8/u,
  },
  'text in the place of a number': {
    steps: [[message(CORE, 7, [pod(8, Buffer.from('1\0'))])]],
    message: /type 8 is in the place of a number/u,
  },
  'a format that was not offered': {
    steps: [[format(4, 4, 2)]],
    code: 'EOPNOTSUPP',
    message: /format 2 is not known/u,
  },
  'a picture without rows': { steps: [[format(4, 0)]], code: 'EOPNOTSUPP', message: /picture of 4x0/u },
  'an object that is cut': { steps: [[message(NODE, 4, [pod(15, words(1))])]], message: /type 15 has 4 bytes/u },
  'a thousand buffers': { steps: [pool, buffers([1000])], message: /has 1000 buffers, of at most 64/u },
  'a buffer with a thousand metas': { steps: [pool, buffers([1, 2, 0, 4096, 1000])], message: /has 1000 metas/u },
  'fewer buffers than it says': {
    steps: [pool, buffers([2, 2, 0, 4096, 0, 1, 1, 16, 0, 0, 64])],
    message: /value is missing/u,
  },
  'a buffer of two parts': {
    steps: [pool, buffers([1, 2, 0, 4096, 0, 2])],
    code: 'EOPNOTSUPP',
    message: /of 2 parts/u,
  },
  'a chunk behind its memory': {
    steps: [pool, buffers([1, 2, 0, 8, 0, 1, 1, 16, 0, 0, 64])],
    message: /chunk at 0 does not lie in 8/u,
  },
  'pictures behind their memory': {
    steps: [pool, buffers([1, 2, 0, 4096, 0, 1, 1, 16, 0, 0, 4096])],
    message: /4096 bytes at 16 do not lie in memory 2 of 4096/u,
  },
  'pictures before their memory': {
    steps: [pool, buffers([1, 2, 0, 4096, 0, 1, 1, -64, 0, 0, 64])],
    message: /64 bytes at 4294967232 do not lie/u,
  },
  'memory of an unknown kind': {
    steps: [pool, buffers([1, 2, 0, 4096, 0, 1, 3, 16, 0, 0, 64])],
    code: 'EOPNOTSUPP',
    message: /memory of kind 3/u,
  },
  'an area for buffers that is too small': {
    steps: [pool, [message(NODE, 9, [int(0), int(0), int(0), id(1), int(2), int(0), int(4)])]],
    message: /area for buffers has 4 bytes/u,
  },
  'an error': {
    steps: [[message(CORE, 3, [int(2), int(0), int(-2), pod(8, Buffer.from('no target\u001B[2J\0'))])]],
    message: /error of object 2: "no target\\u\{1b\}\[2J"/u,
  },
};

async function connect(t: TestContext): Promise<{ frames: ExperimentalPipeWireFrames; server: DescriptorStream }> {
  const remote = join(temporaryFolder(t), 'pipewire-0');
  const accepting = naivePipeWire(t, remote).accept();
  const frames = await experimentalReceivePipeWireFrames({ remote });
  return { frames, server: await accepting };
}

function send(server: DescriptorStream, [bytes, ...files]: Step): void {
  const fds = files.map((open) => open());
  if (fds.length > 0) server.writeWithFds(bytes, fds);
  else server.write(bytes);
  for (const each of fds) each.close();
}

for (const [name, { steps, code = 'EPROTO', message: expected }] of Object.entries(MISDEEDS))
  test(`a PipeWire that sends ${name} is an error, and nothing is left of it`, async (t) => {
    const held = await settledDescriptors();
    const { frames, server } = await connect(t);
    const refused = assert.rejects(frames.next(), (error) => {
      assert.ok(isDmaBufError(error, code), String(error));
      assert.match(error.message, expected);
      return true;
    });
    for (const step of steps) send(server, step);
    await refused;
    assert.deepEqual(await frames.next(), { done: true, value: undefined });
    server.destroy();
    await assertHeld(held, 'descriptors stayed open');
  });

test('an aborted wait rejects with the reason, and nothing is left of PipeWire', async (t) => {
  const held = await settledDescriptors();
  const remote = join(temporaryFolder(t), 'pipewire-0');
  const accepting = naivePipeWire(t, remote).accept();
  const controller = new AbortController();
  const frames = await experimentalReceivePipeWireFrames({ remote, signal: controller.signal });
  const server = await accepting;
  const reason = new Error('enough');
  const refused = assert.rejects(frames.next(), reason);
  controller.abort(reason);
  await refused;
  assert.deepEqual(await frames.next(), { done: true, value: undefined });
  server.destroy();
  await assertHeld(held, 'descriptors stayed open');
});

/** BGRx of 4x4 in the second memory, behind its chunk, and one turn of the graph. */
async function playOneFrame(t: TestContext, chunk: readonly number[], buffer = 0) {
  const { frames, server } = await connect(t);
  const [activation, shared, area] = [
    recordFile(),
    memfdOf(4096, { 0: words(...chunk), 16: Buffer.alloc(64, 0x5a) }),
    memfdOf(4096),
  ];
  const [wake, woken] = signalPair();
  const memories = [activation, shared, area].map((file, index): Step => [
    addMemory(index + 1),
    () => OwnedFd.adopt(openSync(`/proc/self/fd/${file.borrow()}`, 'r+')),
  ]);
  for (const step of [[info('1.4.2')] as const, ...memories]) send(server, step);
  server.writeWithFds(transport()[0], [woken, woken]);
  woken.close();
  for (const step of [[format(4, 4)] as const, buffers()]) send(server, step);
  send(server, [message(NODE, 9, [int(0), int(0), int(0), id(1), int(3), int(0), int(8)])]);
  send(server, [message(NODE, 4, [object(0x3_0002, 2, [])])]);
  const read = (file: OwnedFd, at: number): number => {
    const bytes = Buffer.alloc(4);
    readSync(file.borrow(), bytes, 0, 4, at);
    return bytes.readInt32LE(0);
  };
  // Ready for a turn, and waiting for data without a buffer.
  await until(() => read(activation, 0) === 3);
  assert.deepEqual([read(area, 0), read(area, 4)], [1, -1]);
  assert.equal(read(activation, 540), 1);
  const next = frames.next();
  // Whoever rejects is asked below.
  next.catch(() => {});
  writeSync(area.borrow(), words(2, buffer), 0, 8, 0);
  writeSync(activation.borrow(), words(1), 0, 4, 0);
  writeSync(wake.borrow(), Buffer.alloc(8, 1));
  const close = (): void => {
    frames.close();
    server.destroy();
    for (const each of [wake, activation, shared, area]) each.close();
  };
  return { frames, server, next, finished: () => until(() => read(activation, 0) === 3), close };
}

test('a frame of a PipeWire that does not lie is there, and its turn of the graph ends', async (t) => {
  const held = await settledDescriptors();
  const { next, finished, close } = await playOneFrame(t, [0, 64, 16, 0]);
  const { value: frame } = await next;
  assert.equal(
    frame?.layout.accessSync('read', ([plane]) => plane?.row(3)[15]),
    0x5a,
  );
  await finished();
  frame.close();
  assert.throws(
    () => frame.layout,
    (error) => isDmaBufError(error, 'ERR_DMABUF_CLOSED'),
  );
  close();
  await assertHeld(held, 'descriptors stayed open');
});

test('a PipeWire that takes all memory away while it is in use reaches nothing with later events', async (t) => {
  const held = await settledDescriptors();
  const { frames, server, next, close } = await playOneFrame(t, [0, 64, 16, 0]);
  const { value: frame } = await next;
  for (const memory of [1, 2, 3]) send(server, [message(CORE, 7, [int(memory)])]);
  for (const command of [1, 2, 0]) send(server, [message(NODE, 4, [object(0x3_0002, command, [])])]);
  const refused = assert.rejects(frames.next(), { message: /announces 16777215 bytes/u });
  send(server, [Buffer.from('00000000ffffff0600000000ffffffff', 'hex')]);
  await refused;
  assert.equal(frame?.closed, true);
  close();
  await assertHeld(held, 'descriptors stayed open');
});

const LIES: readonly (readonly [string, readonly number[], number, RegExp])[] = [
  ['a picture behind its buffer', [1, 64, 16, 0], 0, /64 bytes at 1 does not lie in 64/u],
  ['a picture before its buffer', [-16, 64, 16, 0], 0, /64 bytes at -16 does not lie/u],
  ['a picture of negative length', [0, -1, 16, 0], 0, /-1 bytes at 0/u],
  ['rows upside down', [0, 64, -16, 0], 0, /64 bytes at 0 does not lie/u],
  ['rows that are too short', [0, 64, 8, 0], 0, /stride of its plane 0 is 8/u],
  ['a picture that is too short', [0, 63, 16, 0], 0, /plane 0/u],
  ['a buffer that is none', [0, 64, 16, 0], 1, /fills buffer 1, which is none/u],
];

for (const [name, chunk, buffer, expected] of LIES)
  test(`a PipeWire that plays ${name} is an error, and nothing is left of it`, async (t) => {
    const held = await settledDescriptors();
    const { next, close } = await playOneFrame(t, chunk, buffer);
    await assert.rejects(next, (error) => {
      assert.ok(isDmaBufError(error, 'EPROTO'), String(error));
      assert.match(error.message, expected);
      return true;
    });
    close();
    await assertHeld(held, 'descriptors stayed open');
  });
