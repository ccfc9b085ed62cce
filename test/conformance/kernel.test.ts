import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/kernel-devices.ts';
import { cannotTrace, lacksLayout } from '../support/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({
  name: 'kernel',
  missing: cannotOpen('/dev/dma_heap/system'),
  open: () => openHeap('system', { backends: ['kernel'] }),
  lacks: {
    ...lacksLayout(cannotTrace()),
    capacity: "a kernel heap has no capacity of its own: the machine's memory is the limit",
    many: 'each buffer takes a file descriptor',
  },
});
