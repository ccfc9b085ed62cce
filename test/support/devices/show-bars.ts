/** A program for a guest: vivid is loaded, and shows bars of full colour from then on. */

import { SINGLE_PLANAR, barsOfVivid, missingVivid } from './vivid.ts';

const missing = missingVivid();
if (missing !== false) throw new Error(`Cannot show bars as ${missing}`);
barsOfVivid(SINGLE_PLANAR);
