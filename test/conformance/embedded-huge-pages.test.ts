/** The embedded heap with huge pages, where they may be allowed for the time of this file. */

import { after } from 'node:test';

import { cannotAllowHugePages, HugePageSetting } from '../../bench/huge-page-setting.ts';
import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import type { AllocateOptions, Heap } from '../../src/index.ts';
import { cannotSeePfns, lacksLayout } from '../support/devices/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testHeap } from './all-parts.ts';

function openShareableHeap(): Heap {
  const heap = openEmbeddedHeap();
  const allocate = heap.allocate.bind(heap);
  heap.allocate = (length, options?: AllocateOptions) => allocate(length, { shareable: true, ...options });
  return heap;
}

const missing = cannotAllowHugePages();
if (missing === false) {
  const setting = await HugePageSetting.hold('advise');
  after(() => setting.restore());
}

checkLeaksAfterFile();
testHeap({ name: 'embedded, huge pages', missing, open: () => openEmbeddedHeap(), lacks: {} });
testHeap({
  name: 'embedded, shareable, huge pages',
  missing,
  open: openShareableHeap,
  lacks: {
    ...lacksLayout(cannotSeePfns()),
    many: 'each shareable buffer takes a file descriptor',
  },
});
