/** The process of a party: it inherits the buffers, and talks by Node's channel to its parent. */

import { once } from 'node:events';

import { takeInheritedBuffers } from '../../share/inherit/buffers-for-child.ts';
import type { PartyCommand, PartyTask } from './party-messages.ts';
import { runParty } from './run-party.ts';

// Ctrl-C reaches every process of a terminal: the parent says what is to be done then.
process.on('SIGINT', () => {});
// Without a parent there is nobody to work for.
process.on('disconnect', () => process.exit());

const [task] = (await once(process, 'message')) as [PartyTask];
await runParty(task, () => (task.buffers.length === 0 ? [] : takeInheritedBuffers()), {
  post: (message) => void process.send?.(message),
  onCommand: (listener) => void process.on('message', (command: PartyCommand) => listener(command)),
});
process.disconnect();
