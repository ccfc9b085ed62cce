/** The package on Node.js 20, the oldest that it is for. */

import { testOnNode } from './node-tests.ts';

testOnNode('20');
