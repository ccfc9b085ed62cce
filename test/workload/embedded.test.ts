import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers } from './consumers.ts';

checkLeaksAfterFile();
const open = (): EmbeddedHeap => openEmbeddedHeap({ capacity: 64 * MiB, hugePages: false });
testConsumers({ name: 'embedded', missing: false, open: () => openEmbeddedHeap({ capacity: 64 * MiB }) });
testConsumers({ name: 'embedded, mapped by page', missing: false, open, mapping: 'page' });
testConsumers({ name: 'embedded, mapped by run', missing: false, open, mapping: 'run' });
