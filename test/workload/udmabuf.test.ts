import { openHeap } from '../../src/index.ts';
import { cannotOpen } from '../support/devices/kernel-devices.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testConsumers } from './consumers.ts';

checkLeaksAfterFile();
testConsumers({
  name: 'udmabuf',
  missing: cannotOpen('/dev/udmabuf'),
  open: () => openHeap('system', { backends: ['udmabuf'] }),
});
