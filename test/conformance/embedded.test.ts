import { openEmbeddedHeap } from '../../src/backend/embedded/index.ts';
import { checkLeaksAfterFile } from '../support/leak-check.ts';
import { testHeap } from './all-parts.ts';

checkLeaksAfterFile();
testHeap({ name: 'embedded', open: () => openEmbeddedHeap(), lacks: {} });
