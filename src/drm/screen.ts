import type { DrmCommitCalls } from '../linux/calls/drm-commit-calls.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { DisplayConnector, DisplayPlane } from './display-card.ts';
import type { DisplayMode } from './display-mode.ts';
import type { CardReading } from './read-card.ts';
import type { ShowRequest } from './show-options.ts';

/** What drives one screen: fixed while the display is open. */
export interface ScreenParts {
  readonly calls: DrmCommitCalls;
  readonly fd: OwnedFd;
  readonly reading: CardReading;
  readonly connector: DisplayConnector;
  readonly crtcId: number;
  readonly primary: DisplayPlane;
}

/** A flip to be made. */
export interface FlipRequest {
  readonly framebuffer: number;
  readonly plane: DisplayPlane;
  readonly mode: DisplayMode;
  /** Whether the mode is to be set first. */
  readonly setsMode: boolean;
  readonly show: ShowRequest;
  readonly token: number;
}

/** A way to ask the kernel for flips, whose events tell the token. */
export interface Screen {
  readonly api: 'atomic' | 'legacy';
  /** @throws {DmaBufError} as the kernel refuses: then nothing has changed */
  flip(request: FlipRequest): void;
}
