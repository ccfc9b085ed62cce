import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers } from './consumers.ts';
import { testShapedConsumers, testShapedTables } from './shaped-consumers.ts';
import { EMBEDDED_SHAPES, MEMFD_SHAPE } from './shapes.ts';

checkLeaksAfterFile();
const open = (): EmbeddedHeap => openEmbeddedHeap({ capacity: 64 * MiB, hugePages: false });
testConsumers({ name: 'embedded', missing: false, open: () => openEmbeddedHeap({ capacity: 64 * MiB }) });
testConsumers({ name: 'embedded, mapped by page', missing: false, open, mapping: 'page' });
testConsumers({ name: 'embedded, mapped by run', missing: false, open, mapping: 'run' });
testShapedTables('embedded', EMBEDDED_SHAPES);
testShapedConsumers({
  name: 'embedded',
  missing: false,
  shapes: EMBEDDED_SHAPES,
  variants: [
    { conversion: 'page', mapping: 'page' },
    { conversion: 'entry', mapping: 'run' },
  ],
});
testShapedConsumers({
  name: 'imported',
  missing: false,
  shapes: [MEMFD_SHAPE],
  variants: [{ conversion: 'page', mapping: 'heap' }],
});
