import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import type { MappingEvent } from '../mapping-event.ts';
import { ModuleOrigins } from './module-origins.ts';

const MAPPING = { kind: 'mapping', form: 'event', line: 1, path: ['dma_buf_vmap', 'aov_core_init'] } as const;

test('ModuleOrigins adds build ids and the taint of modules built out of tree', (t) => {
  const root = temporaryFolder(t);
  const addModule = (name: string, taint: string, note?: Buffer): void => {
    mkdirSync(join(root, 'sys/module', name, 'notes'), { recursive: true });
    writeFileSync(join(root, 'sys/module', name, 'taint'), `${taint}\n`);
    if (note !== undefined) writeFileSync(join(root, 'sys/module', name, 'notes/.note.gnu.build-id'), note);
  };
  // Name of 4 bytes, text of 20, type NT_GNU_BUILD_ID, as readelf -n has them.
  const note = Buffer.from('040000001400000003000000474e550096e2e5e9457dcdacce3a7629b0600c5dbeca623b', 'hex');
  addModule('mtk_aov', 'OE', note);
  addModule('videodev', '');
  const modules = ['mtk_aov', 'videodev', 'gone'].map((name) => ({ name, functions: ['aov_core_init'] }));
  const completed = new ModuleOrigins(otherMachine({ root })).complete({ ...MAPPING, modules }) as MappingEvent;
  assert.deepEqual(completed.modules, [
    {
      name: 'mtk_aov',
      functions: ['aov_core_init'],
      buildId: '96e2e5e9457dcdacce3a7629b0600c5dbeca623b',
      isOutOfTree: true,
    },
    { name: 'videodev', functions: ['aov_core_init'] },
    { name: 'gone', functions: ['aov_core_init'] },
  ]);
});
