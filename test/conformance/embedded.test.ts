import { openEmbeddedHeap } from '../../src/backend/embedded/embedded-heap.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({ name: 'embedded', open: () => openEmbeddedHeap(), lacks: {} });
