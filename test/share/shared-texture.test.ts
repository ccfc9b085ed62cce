/** Pictures for Electron: its documents are the oracle (`SharedTextureImportTextureInfo`). */

import assert from 'node:assert/strict';
import { fstatSync, readSync } from 'node:fs';
import { test } from 'node:test';

import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { KiB, MiB, isDmaBufError } from '../../src/index.ts';
import { FrameDescription, FrameLayout, describeFrame, parseFourcc } from '../../src/picture/index.ts';
import { exportSharedTexture } from '../../src/share/index.ts';
import type { SharedTexture } from '../../src/share/index.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';

const heap = openEmbeddedHeap({ capacity: 4 * MiB });

/** The description's planes may lie anywhere: every buffer is 64 KiB long. */
function layOut(description: FrameDescription): FrameLayout {
  const buffers = description.bufferLengths.map(() => heap.allocate(64 * KiB, { shareable: true }));
  return new FrameLayout(description, buffers);
}

function closeBuffers({ buffers }: FrameLayout): void {
  for (const buffer of buffers) buffer.close();
}

function fdsOf({ textureInfo }: SharedTexture): number[] {
  return textureInfo.handle.nativePixmap.planes.map(({ fd }) => fd);
}

test('exportSharedTexture() gives padded NV12 in the structure that Electron documents, each plane in its file', () => {
  const layout = layOut(describeFrame('NV12', { width: 64, height: 32, stride: 128, heightAlignment: 48 }));
  layout.accessSync('write', ([luma, chroma]) => {
    luma?.bytes.fill(0x4c);
    chroma?.bytes.fill(0x55);
  });
  const texture = exportSharedTexture(layout);
  const [lumaFd = -1, chromaFd = -1] = fdsOf(texture);
  assert.deepEqual(texture.textureInfo, {
    pixelFormat: 'nv12',
    codedSize: { width: 64, height: 32 },
    handle: {
      nativePixmap: {
        planes: [
          { stride: 128, offset: 0, size: 6144, fd: lumaFd },
          { stride: 128, offset: 6144, size: 3072, fd: chromaFd },
        ],
        modifier: '0',
        supportsZeroCopyWebGpuImport: false,
      },
    },
  });
  const bytes = Buffer.alloc(4);
  readSync(lumaFd, bytes, 0, 4, 0);
  assert.deepEqual([...bytes], [0x4c, 0x4c, 0x4c, 0x4c]);
  readSync(chromaFd, bytes, 0, 4, 6142);
  assert.deepEqual([...bytes], [0x4c, 0x4c, 0x55, 0x55]);
  texture.close();
  closeBuffers(layout);
});

test('exportSharedTexture() gives planes in two buffers the files of their own buffers', () => {
  const [width, height, fourcc] = [64, 32, parseFourcc('NV12')];
  const planes = [
    { bufferIndex: 1, offset: 0, stride: 64, length: 2048 },
    { bufferIndex: 0, offset: 4096, stride: 64, length: 1024 },
  ];
  const layout = layOut(new FrameDescription({ width, height, fourcc, modifier: 0n, planes }));
  for (const [index, buffer] of layout.buffers.entries()) buffer.accessSync('write', (all) => all.fill(0xa0 + index));
  const texture = exportSharedTexture(layout);
  const firsts = fdsOf(texture).map((fd) => {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, 4096);
    return byte[0];
  });
  assert.deepEqual(firsts, [0xa1, 0xa0]);
  texture.close();
  closeBuffers(layout);
});

const PIXEL_FORMATS: readonly (readonly [string, string, number])[] = [
  ['AR24', 'bgra', 1],
  ['AB24', 'rgba', 1],
  ['AB4H', 'rgbaf16', 1],
  ['NV12', 'nv12', 2],
  ['P010', 'p010le', 2],
];

for (const [fourcc, pixelFormat, planeCount] of PIXEL_FORMATS)
  test(`exportSharedTexture() calls ${fourcc} ${pixelFormat}, and gives a tiled modifier as decimal digits`, () => {
    const planes = Array.from({ length: planeCount }, (_, index) => ({
      bufferIndex: 0,
      offset: 16_384 * index,
      stride: 512,
      length: 16_384,
    }));
    // I915_FORMAT_MOD_X_TILED of drm_fourcc.h.
    const modifier = 0x0100_0000_0000_0001n;
    const layout = layOut(
      new FrameDescription({ width: 64, height: 32, fourcc: parseFourcc(fourcc), modifier, planes }),
    );
    using texture = exportSharedTexture(layout);
    assert.equal(texture.textureInfo.pixelFormat, pixelFormat);
    assert.equal(texture.textureInfo.handle.nativePixmap.modifier, '72057594037927937');
    assert.equal(texture.textureInfo.handle.nativePixmap.planes.length, planeCount);
    closeBuffers(layout);
  });

test('exportSharedTexture() refuses formats that Electron lacks, and names those it has', () => {
  const layout = layOut(describeFrame('XRGB8888', { width: 64, height: 32 }));
  assert.throws(() => exportSharedTexture(layout), {
    name: 'RangeError',
    message:
      "Cannot export the picture to Electron: 'layout.fourcc' must be one of AR24, AB24, AB4H, NV12, P010, received XR24: Electron has no other formats: convert it with createBlitter()",
  });
  closeBuffers(layout);
});

test('A shared texture closes its descriptors, once, and leaves the buffers open', () => {
  const layout = layOut(describeFrame('ARGB8888', { width: 64, height: 32 }));
  const texture = exportSharedTexture(layout);
  const [fd = -1] = fdsOf(texture);
  fstatSync(fd);
  texture.close();
  texture.close();
  assert.throws(() => fstatSync(fd), { code: 'EBADF' });
  assert.equal(
    layout.accessSync('read', ([plane]) => plane?.row(0)[0]),
    0,
  );
  closeBuffers(layout);
});

test('exportSharedTexture() leaves no descriptor where one of the buffers cannot be exported', async () => {
  const held = await settledDescriptors();
  const planes = [
    { bufferIndex: 0, offset: 0, stride: 64, length: 2048 },
    { bufferIndex: 1, offset: 0, stride: 64, length: 1024 },
  ];
  const description = new FrameDescription({
    width: 64,
    height: 32,
    fourcc: parseFourcc('NV12'),
    modifier: 0n,
    planes,
  });
  const buffers = [heap.allocate(4096, { shareable: true }), heap.allocate(4096)];
  assert.throws(
    () => exportSharedTexture(new FrameLayout(description, buffers)),
    (error) => isDmaBufError(error, 'EOPNOTSUPP'),
  );
  for (const buffer of buffers) buffer.close();
  await assertHeld(held, 'descriptors stayed open');
});
