/** The package on the newest Node.js. */

import { testOnNode } from './node-tests.ts';

testOnNode('latest', { all: true });
