import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { cannotSeePfns, lacksLayout } from '../support/devices/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({
  name: 'embedded, shareable',
  open: () => openEmbeddedHeap({ shareable: true }),
  lacks: {
    ...lacksLayout(cannotSeePfns()),
    many: 'each shareable buffer takes a file descriptor',
  },
});
