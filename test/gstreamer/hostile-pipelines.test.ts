/** Sinks and sources that lie or stall: none ends this process, and none leaves anything behind. */

import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { MiB, OwnedFd, isDmaBufError, openHeap } from '../../src/index.ts';
import { describeVideoFrame, receiveFrames, serveFrames } from '../../src/gstreamer/index.ts';
import type { FrameServer } from '../../src/gstreamer/index.ts';
import { FrameLayout } from '../../src/picture/index.ts';
import { assertHeld, settledDescriptors } from '../share/held-descriptors.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { until } from '../support/runner/settled.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';
import { capsCommand, command, frameCommand, meta, naiveSink, naiveSource, videoMeta } from './naive-pipeline.ts';
import type { NaiveEnd } from './naive-pipeline.ts';

checkLeaksAfterFile();

const CAPS = 'video/x-raw,format=NV12,width=6,height=2';
const FRAME_BYTES = 24;
const ONE = { id: 1n, memories: [[FRAME_BYTES, 0]] } as const;

/** What a sink sends after its caps, with the descriptors of `files`. */
interface Misdeed {
  readonly bytes: Uint8Array;
  readonly files?: () => OwnedFd[];
  readonly caps?: Uint8Array;
  readonly code?: string;
  readonly message: RegExp;
}

const sealed = (): OwnedFd[] => [createMemfd({ length: 4096 })];

/** A command of a frame, with a change. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = frameCommand(ONE);
  change(bytes);
  return bytes;
}

function withMeta(one: Uint8Array): Buffer {
  return frameCommand({ ...ONE, metas: [one] });
}

function metaOfPlanes(change: (bytes: Buffer) => void): Buffer {
  const bytes = videoMeta(
    23,
    [6, 2],
    [
      [0, 8],
      [16, 8],
    ],
  );
  change(bytes);
  return bytes;
}

/** Behind the header of 8 bytes, the name of 12, its NUL, and the version. */
const META_BODY = 8 + 12 + 2;

const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  'a memfd that could be shortened': {
    bytes: frameCommand(ONE),
    files: () => [createMemfd({ length: 4096, seals: 0 })],
    code: 'EINVAL',
    message: /could shrink it/u,
  },
  'a file that is no memory': {
    bytes: frameCommand(ONE),
    files: () => [OwnedFd.adopt(openSync('/dev/null', 'r'))],
    code: 'EINVAL',
    message: /neither a dma-buf nor a memfd/u,
  },
  'a memfd that is shorter than the frame': {
    bytes: frameCommand(ONE),
    files: () => [createMemfd({ length: FRAME_BYTES - 1 })],
    message: /does not lie in a file of 23/u,
  },
  'an empty memfd': {
    bytes: frameCommand(ONE),
    files: () => [createMemfd({ length: 0 })],
    code: 'EINVAL',
    message: /empty/u,
  },
  'a memory that begins behind its file': {
    bytes: frameCommand({ id: 1n, memories: [[FRAME_BYTES, 2 ** 52]] }),
    files: sealed,
    message: /does not lie in a file of 4096/u,
  },
  'a memory that is shorter than the frame': {
    bytes: frameCommand({ id: 1n, memories: [[16, 0]] }),
    files: sealed,
    message: /its plane 1 lies at 16, behind its 16 bytes/u,
  },
  'fewer descriptors than memories': { bytes: frameCommand(ONE), message: /0 descriptors came with a frame of 1/u },
  'no memory': { bytes: frameCommand({ id: 1n, memories: [] }), message: /has 0 memories/u },
  'more memories than planes': {
    bytes: changed((bytes) => bytes.writeUInt8(200, 8 + 53)),
    files: sealed,
    message: /has 200 memories/u,
  },
  'memory of an unknown kind': {
    bytes: changed((bytes) => bytes.writeUInt8(7, 8 + 52)),
    files: sealed,
    message: /memory of the unknown kind 7/u,
  },
  'a frame that is cut': { bytes: command(0, Buffer.alloc(20)), files: sealed, message: /has 20 bytes/u },
  'a command of 4 GiB': {
    bytes: changed((bytes) => bytes.writeUInt32LE(0xffff_ffff, 4)),
    message: /announces 4294967295 bytes/u,
  },
  'metas that are not there': {
    bytes: changed((bytes) => bytes.writeUInt16LE(65_535, 8 + 54)),
    files: sealed,
    message: /meta 1 of 65535 is cut/u,
  },
  'a meta without an end': {
    bytes: withMeta(Buffer.from('ffffffff0000000000', 'hex')),
    files: sealed,
    message: /meta 1 of 1 has 4294967295 bytes/u,
  },
  'a meta whose name is longer than it is': {
    bytes: withMeta(Buffer.from('0c000000ffffffff00000000', 'hex')),
    files: sealed,
    message: /meta 1 of 1 has 12 bytes/u,
  },
  'a meta with a thousand planes': {
    bytes: withMeta(metaOfPlanes((bytes) => bytes.writeUInt32LE(1000, META_BODY + 16))),
    files: sealed,
    message: /has 1000 planes/u,
  },
  'a meta that is cut': {
    bytes: withMeta(meta('GstVideoMeta', Buffer.alloc(4))),
    files: sealed,
    message: /GstVideoMeta is cut/u,
  },
  'planes beyond 64 bits': {
    bytes: withMeta(metaOfPlanes((bytes) => bytes.fill(0xff, META_BODY + 20, META_BODY + 36))),
    files: sealed,
    message: /its plane 0 lies at \d+, behind/u,
  },
  'rows upside down': {
    bytes: withMeta(metaOfPlanes((bytes) => bytes.writeInt32LE(-8, META_BODY + 36))),
    files: sealed,
    message: /plane 0/u,
  },
  'rows that are shorter than the picture': {
    bytes: withMeta(metaOfPlanes((bytes) => bytes.writeInt32LE(2, META_BODY + 36))),
    files: sealed,
    message: /stride of its plane 0 is 2/u,
  },
  'a format that nobody knows': {
    bytes: withMeta(videoMeta(9999, [6, 2], [[0, 8]])),
    files: sealed,
    message: /format is number 9999/u,
  },
  'another number of planes': {
    bytes: withMeta(videoMeta(23, [6, 2], [[0, 8]])),
    files: sealed,
    message: /NV12 has 1 planes, of 2/u,
  },
  'a frame before the caps': {
    caps: new Uint8Array(0),
    bytes: frameCommand(ONE),
    files: sealed,
    message: /came before its caps/u,
  },
  'caps without an end': { caps: command(2, Buffer.from(CAPS)), bytes: command(99), message: /do not end with NUL/u },
  'caps of sound': {
    caps: capsCommand('audio/x-raw'),
    bytes: command(99),
    message: /"audio\/x-raw" are not taken: they are not raw video/u,
  },
  'caps with the codes of a terminal': {
    caps: capsCommand('video/x-raw,\u001B[2J'),
    bytes: command(99),
    message: /"\\u\{1b\}\[2J" is none/u,
  },
  'caps without end': {
    caps: capsCommand(`video/x-raw,format=NV12,width=6,height=2,x=${'y'.repeat(5000)}`),
    bytes: command(99),
    message: /longer than 4096/u,
  },
};

for (const [name, { caps = capsCommand(CAPS), bytes, files, code = 'EPROTO', message }] of Object.entries(MISDEEDS))
  test(`a sink that sends ${name} is an error, and nothing is left of it`, async (t) => {
    const held = await settledDescriptors();
    const path = join(temporaryFolder(t), 'sink');
    const listening = naiveSink(t, path);
    const accepting = listening.accept();
    const frames = await receiveFrames(path);
    const sink = await accepting;
    const fds = files?.() ?? [];
    const next = frames.next();
    const refused = assert.rejects(next, (error: Error) => {
      assert.ok(isDmaBufError(error), String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
    if (caps.length > 0) sink.stream.write(caps);
    if (fds.length > 0) sink.stream.writeWithFds(bytes, fds);
    else sink.stream.write(bytes);
    for (const fd of fds) fd.close();
    await refused;
    await until(() => sink.ended);
    await sink.end();
    listening.close();
    await assertHeld(held, 'nothing is left');
  });

test('a sink that sends descriptors without frames is an error before this process has no more', async (t) => {
  const held = await settledDescriptors();
  const path = join(temporaryFolder(t), 'sink');
  const listening = naiveSink(t, path);
  const accepting = listening.accept();
  const frames = await receiveFrames(path);
  const sink = await accepting;
  const memfds = Array.from({ length: 100 }, () => createMemfd({ length: 4096 }));
  const refused = assert.rejects(frames.next(), {
    code: 'EPROTO',
    message: /6\d\d descriptors came that no frame takes/u,
  });
  for (let count = 0; count < 8; count += 1) sink.stream.writeWithFds(Uint8Array.of(0), memfds);
  for (const memfd of memfds) memfd.close();
  await refused;
  await sink.end();
  listening.close();
  await assertHeld(held, 'nothing is left');
});

test('a sink that never reads what is given back is an error before it fills the memory', async (t) => {
  const path = join(temporaryFolder(t), 'sink');
  const accepting = naiveSink(t, path).accept();
  const frames = await receiveFrames(path);
  const sink = await accepting;
  sink.stream.pause();
  sink.stream.write(capsCommand(CAPS));
  const refused = assert.rejects(frames.next().then(untilRefused), {
    code: 'EPROTO',
    message: /does not read what is given back/u,
  });
  const [memfd] = sealed() as [OwnedFd];
  for (let sent = 0; sent < 30_000 && !sink.stream.destroyed; sent += 1)
    if (!sink.stream.writeWithFds(frameCommand(ONE), [memfd])) await turn();
  memfd.close();
  await refused;
  assert.ok(frames.counts.droppedCount > 16_000 && frames.counts.droppedCount < 20_000);
  await sink.end();

  /** Nobody asks for a frame meanwhile. */
  async function untilRefused(): Promise<void> {
    await until(() => sink.stream.destroyed || sink.ended || frames.counts.droppedCount > 25_000);
    for await (const frame of frames) frame.close();
  }
});

test('a sink that sends byte by byte is as good as another', async (t) => {
  const path = join(temporaryFolder(t), 'sink');
  const accepting = naiveSink(t, path).accept();
  const frames = await receiveFrames(path);
  t.after(() => frames.stop());
  const sink = await accepting;
  for (const byte of capsCommand(CAPS)) sink.stream.write(Uint8Array.of(byte));
  const bytes = frameCommand(ONE);
  const [memfd] = sealed() as [OwnedFd];
  sink.stream.writeWithFds(bytes.subarray(0, 1), [memfd]);
  for (const byte of bytes.subarray(1)) sink.stream.write(Uint8Array.of(byte));
  memfd.close();
  const { value } = await frames.next();
  assert.equal(value?.layout.width, 6);
});

async function served(t: TestContext): Promise<{ server: FrameServer; source: NaiveEnd; frame: FrameLayout }> {
  const server = await serveFrames(join(temporaryFolder(t), 'frames'), { caps: CAPS, heldMax: 4 });
  t.after(() => server.close());
  const heap = openHeap('system', { backends: ['embedded'] });
  t.after(() => heap.close());
  const description = describeVideoFrame(CAPS);
  const buffer = heap.allocate(description.length, { shareable: true });
  t.after(() => buffer.close());
  const source = await naiveSource(t, server.path);
  await server.whenConnected();
  return { server, source, frame: new FrameLayout(description, [buffer]) };
}

const RELEASE_OF_7 = command(1, Buffer.from('0700000000000000', 'hex'));

for (const [name, bytes] of [
  ['gives back a frame that it does not have', RELEASE_OF_7],
  ['gives back a frame in too few bytes', command(1, Buffer.alloc(4))],
  ['announces a command of 4 GiB', Buffer.from('00000000ffffffff', 'hex')],
  ['gives a frame back twice', Buffer.concat([command(1, Buffer.alloc(8)), command(1, Buffer.alloc(8))])],
] as const)
  test(`a source that ${name} is disconnected, and the frames go on to others`, async (t) => {
    const { server, source, frame } = await served(t);
    const sent = server.send(frame);
    await source.receive(2);
    source.stream.write(bytes);
    await until(() => source.ended);
    await sent.released;
    assert.equal(server.clients.length, 0);
    const other = await naiveSource(t, server.path);
    await server.whenConnected();
    assert.equal(server.send(frame).clientCount, 1);
    await other.receive(2);
  });

test('commands of a source that nobody knows are ignored, and its descriptors are closed', async (t) => {
  const { server, source, frame } = await served(t);
  const held = await settledDescriptors();
  const memfds = Array.from({ length: 8 }, () => createMemfd({ length: MiB }));
  source.stream.writeWithFds(command(0, Buffer.alloc(500)), memfds);
  source.stream.writeWithFds(command(42), memfds);
  for (const memfd of memfds) memfd.close();
  const sent = server.send(frame);
  await source.receive(2);
  source.release(0n);
  await sent.released;
  for (const fd of source.fds.splice(0)) fd.close();
  await assertHeld(held, 'nothing is left of what was sent');
  assert.equal(server.clients.length, 1);
});

test('a source that never reads costs no more than its limit of frames', async (t) => {
  const { server, source, frame } = await served(t);
  source.stream.pause();
  const sent = Array.from({ length: 100_000 }, () => server.send(frame));
  assert.deepEqual([sent[3]?.clientCount, sent[4]?.clientCount, sent[4]?.passedOverCount], [1, 0, 1]);
  const [client] = server.clients;
  assert.deepEqual([client?.heldCount, client?.passedOverCount], [4, 99_996]);
  await source.end();
  await Promise.all(sent.map(({ released }) => released));
});

test('a source that gives back what it has not read costs no more than one that gives nothing back', async (t) => {
  const { server, source, frame } = await served(t);
  const [client] = server.clients;
  source.stream.pause();
  // As many as its socket holds, and what waits for it here.
  let id = 0n;
  for (; id < 5000n && server.send(frame).clientCount === 1; id += 1n) {
    source.release(id);
    await until(() => client?.heldCount === 0);
  }
  assert.ok(id < 2000n, `${id} frames wait`);
  assert.equal(client?.passedOverCount, 1);
  source.stream.resume();
  await until(() => server.send(frame).clientCount === 1);
});
