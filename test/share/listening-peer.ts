/** Listens at a path until it is killed: `node listening-peer.js PATH`. Says so on stdout. */

import { argv, stdout } from 'node:process';

import { listen } from '../../src/share/index.ts';

const listener = await listen(argv[2] ?? '');
stdout.write('listening\n');
for await (const connection of listener) connection.close();
