import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { cannotTrace, lacksLayout } from '../support/devices/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({
  name: 'kernel',
  missing: cannotOpen('/dev/dma_heap/system'),
  open: () => openHeap('system', { backends: ['kernel'] }),
  lacks: {
    ...lacksLayout(cannotTrace()),
    capacity: "a kernel heap has no capacity of its own: the machine's memory is the limit",
    privateViews: 'the kernel maps no private copies of a dma-buf: a store ends the process',
    readOnlySharing: 'every holder of a dma-buf can write to it',
    many: 'each buffer takes a file descriptor',
  },
});
