/** The package on Node.js 22. */

import { testOnNode } from './node-tests.ts';

testOnNode('22');
