/**
 * Screens of real drivers: cirrus and vkms, which import dma-bufs, and bochs, virtio-gpu and qxl,
 * which refuse those of others. In one file, as one program at a time may have a card.
 */

import { findScreens } from '../support/devices/screens.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { testScreenCameras } from './screen-cameras.ts';
import { testScreenEnds } from './screen-ends.ts';
import { testScreenFaults } from './screen-faults.ts';
import { testScreenFlips } from './screen-flips.ts';
import { testScreenList } from './screen-list.ts';
import { testScreenModetest } from './screen-modetest.ts';
import { testScreenPictures } from './screen-pictures.ts';
import { testScreenRecording } from './screen-recording.ts';
import { testScreenReplay } from './screen-replay.ts';
import { testVkmsReplay } from './screen-vkms-replay.ts';

checkLeaksAfterFile();

const screens = findScreens();
testScreenList(screens);
testScreenModetest(screens);
testScreenPictures(screens);
testScreenFlips(screens);
testScreenFaults(screens);
testScreenCameras(screens);
testScreenRecording(screens);
testScreenReplay(screens);
testVkmsReplay();
testScreenEnds(screens);
