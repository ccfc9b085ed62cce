import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers, testNoMappingChoice, testRefusedMapping } from './consumers.ts';
import type { ConsumerHeap } from './consumers.ts';
import { testContention } from './contention-rules.ts';
import { testOverlappingUsers } from './overlapping-users.ts';
import { testShapedConsumers } from './shaped-consumers.ts';
import { kernelShapes } from './shapes.ts';

checkLeaksAfterFile();
const HEAP: ConsumerHeap = {
  name: 'kernel',
  missing: cannotOpen('/dev/dma_heap/system'),
  open: () => openHeap('system', { backends: ['kernel'] }),
};
testConsumers(HEAP);
testContention(HEAP);
testOverlappingUsers({ ...HEAP, stepCount: 2000 });
testNoMappingChoice(HEAP);
testRefusedMapping(HEAP);
testShapedConsumers({
  name: HEAP.name,
  missing: HEAP.missing,
  shapes: kernelShapes(HEAP.open),
  variants: [{ conversion: 'page', mapping: 'heap' }],
});
