import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { MiB } from '../../src/base/sizes.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers } from './consumers.ts';

checkLeaksAfterFile();
testConsumers({ name: 'embedded', missing: false, open: () => openEmbeddedHeap({ capacity: 64 * MiB }) });
