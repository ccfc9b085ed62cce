/** The package on Node.js 24. */

import { testOnNode } from './node-tests.ts';

testOnNode('24');
