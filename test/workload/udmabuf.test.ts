import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers, testNoMappingChoice } from './consumers.ts';
import type { ConsumerHeap } from './consumers.ts';
import { testContention } from './contention-rules.ts';
import { testOverlappingUsers } from './overlapping-users.ts';
import { testShapedConsumers } from './shaped-consumers.ts';
import { udmabufShapes } from './shapes.ts';

checkLeaksAfterFile();
const HEAP: ConsumerHeap = {
  name: 'udmabuf',
  missing: cannotOpen('/dev/udmabuf'),
  open: () => openHeap('system', { backends: ['udmabuf'] }),
};
testConsumers(HEAP);
testContention(HEAP);
testOverlappingUsers({ ...HEAP, stepCount: 2000 });
testNoMappingChoice(HEAP);
testShapedConsumers({
  name: HEAP.name,
  missing: HEAP.missing,
  shapes: udmabufShapes(HEAP.open),
  variants: [{ conversion: 'entry', mapping: 'heap' }],
});
