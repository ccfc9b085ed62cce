import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { cannotSeePfns, lacksLayout } from '../support/devices/layout-rights.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({
  name: 'udmabuf',
  missing: cannotOpen('/dev/udmabuf'),
  open: () => openHeap('system', { backends: ['udmabuf'] }),
  lacks: {
    ...lacksLayout(cannotSeePfns()),
    capacity: "a udmabuf's memory has no capacity of its own: the machine's memory is the limit",
    readOnlySharing: 'every holder of a dma-buf can write to it',
    many: 'each buffer takes two file descriptors',
  },
});
