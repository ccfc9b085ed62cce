import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseWorkload } from './parse-workload.ts';
import { RECIPES } from './recipes/recipes.ts';

const FENCES = { consumer: 'nvidia-pva', lengthBytes: 65_536, bufferCount: 2, fenceCount: 1, stepsPerSecond: 10 };
const CAMERA = {
  consumer: 'mtk-camera',
  nodes: [{ name: 'a', kind: 'image', lengthBytes: 4096 }],
  bufferCount: 1,
  slots: 'kept',
  stepsPerSecond: 30,
};
const SCREEN = {
  consumer: 'drm-gem-shmem',
  driver: 'vkms',
  width: 64,
  height: 64,
  bytesPerPixel: 4,
  bufferCount: 2,
  damage: { width: 64, height: 1 },
  stepsPerSecond: 60,
  deadlineMs: 5,
};

const USER = {
  consumer: 'dma-buf-user',
  buffer: 'picture',
  lengthBytes: 4096,
  use: 'vmap',
  stepsPerSecond: 1,
  place: 'thread',
};
const { place: _place, ...USER_WITHOUT_PLACE } = USER;
const SESSION = { consumer: 'apusys-map', session: 'npu', lengthBytes: 4096, bufferCount: 1, stepsPerSecond: 1 };

function withLoads(...loads: readonly object[]): object {
  return { name: 'mine', title: 'Mine', basis: 'measured', loads };
}

test('parseWorkload() takes every recipe, through JSON', () => {
  for (const recipe of RECIPES) assert.deepEqual(parseWorkload(JSON.parse(JSON.stringify(recipe))), recipe);
  assert.deepEqual(parseWorkload(withLoads(FENCES, CAMERA, SCREEN)), withLoads(FENCES, CAMERA, SCREEN));
});

test('parseWorkload() names the place of what is wrong, and what it must be', () => {
  for (const [value, message] of [
    [null, 'a workload must be an object'],
    [[], 'a workload must be an object'],
    [{ title: 'Mine', basis: 'b', loads: [FENCES] }, 'name is missing'],
    [{ ...withLoads(FENCES), more: 1 }, 'more is none of name, title, basis'],
    [{ ...withLoads(FENCES), title: '' }, 'title must be a text'],
    [withLoads(), 'loads must be a list with a load in it'],
    [{ ...withLoads(), loads: {} }, 'loads must be a list with a load in it'],
    [withLoads(1 as never), 'loads[0] must be an object'],
    [withLoads(FENCES, { ...FENCES, consumer: 'nvidia' }), /^loads\[1\]\.consumer must be one of apusys-map, /u],
    [withLoads({ ...FENCES, consumer: 'toString' }), /^loads\[0\]\.consumer must be one of apusys-map, /u],
    [withLoads({ ...FENCES, bufferCount: 0 }), 'loads[0].bufferCount must be a whole number from 1 to 10000'],
    [
      withLoads({ ...FENCES, lengthBytes: 4096.5 }),
      'loads[0].lengthBytes must be a whole number from 64 to 17179869184',
    ],
    [withLoads({ ...FENCES, stepsPerSecond: 0 }), 'loads[0].stepsPerSecond must be a number above 0, at most 1000000'],
    [
      withLoads({ ...FENCES, stepsPerSecond: '10' }),
      'loads[0].stepsPerSecond must be a number above 0, at most 1000000',
    ],
    [withLoads({ ...FENCES, slots: 'kept' }), /^loads\[0\]\.slots is none of lengthBytes, bufferCount, fenceCount, /u],
    [
      withLoads({ ...FENCES, lengthBytes: 64, fenceCount: 17 }),
      'loads[0] must have room for 4 bytes a fence in lengthBytes',
    ],
    [withLoads({ ...CAMERA, slots: 'mixed' }), 'loads[0].slots must be one of kept, shuffled'],
    [withLoads({ ...CAMERA, nodes: [] }), 'loads[0].nodes must be a list with an element'],
    [withLoads({ ...CAMERA, nodes: [{ name: 'a', kind: 'image' }] }), 'loads[0].nodes[0].lengthBytes is missing'],
    [
      withLoads({ ...SCREEN, damage: { width: 65, height: 1 } }),
      'loads[0] must have damage within its width and height',
    ],
    [withLoads({ ...FENCES, place: 'device' }), 'loads[0].place must be one of thread, process'],
    [withLoads(USER_WITHOUT_PLACE), 'loads[0] must have a place: users of a buffer wait for each other'],
    [withLoads({ ...USER, use: 'read' }), 'loads[0].use must be one of vmap, cpu-access, attachment, mmap'],
    [withLoads({ ...USER, buffer: 'a/b' }), 'loads[0].buffer must be a name of letters, digits and dashes, at most 31'],
    [
      withLoads({ ...SESSION, place: 'process' }),
      'loads[0] must have a place "thread" where it names a session: one process has it',
    ],
    [withLoads({ ...SCREEN, damage: [] }), 'loads[0].damage must be an object'],
  ] as const)
    assert.throws(() => parseWorkload(value), { name: 'WorkloadFault', message });
});
