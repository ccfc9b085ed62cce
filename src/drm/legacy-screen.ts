import { DmaBufError } from '../base/errors.ts';
import type { FlipRequest, Screen, ScreenParts } from './screen.ts';
import { SHOW } from './show-options.ts';

/**
 * Flips by SETCRTC and PAGE_FLIP, which every driver has (drivers/gpu/drm/drm_crtc.c,
 * drm_mode_setcrtc; drm_plane.c, drm_mode_page_flip_ioctl). They show a whole picture or a part of
 * one as large as the screen, on the primary plane.
 */
export class LegacyScreen implements Screen {
  readonly api = 'legacy';
  readonly #parts: ScreenParts;
  /** What the CRTC was set to: a flip leaves the place in the picture as it is. */
  #set: { framebuffer: number; x: number; y: number } | undefined;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
  }

  flip(request: FlipRequest): void {
    this.#refuseWhatItCannot(request);
    const { calls, fd, connector, crtcId } = this.#parts;
    const { framebuffer, mode, setsMode, token, show } = request;
    const { x, y } = show.source;
    if (setsMode) {
      calls.setCrtc(fd.borrow(), crtcId, { framebuffer, connector: connector.id, mode: mode.timing, x, y });
    } else if (this.#set?.framebuffer === framebuffer && show.damage.length > 0) {
      calls.markDirty(fd.borrow(), framebuffer, show.damage);
    }
    this.#set = { framebuffer, x, y };
    // Only a flip is reported, be it to what is there already.
    calls.pageFlip(fd.borrow(), crtcId, { framebuffer, token });
  }

  #refuseWhatItCannot({ plane, mode, setsMode, show }: FlipRequest): void {
    const { source, destination, inFence, outFence } = show;
    const isMoved = this.#set !== undefined && (this.#set.x !== source.x || this.#set.y !== source.y);
    const reasons: readonly (readonly [boolean, string])[] = [
      [plane.id !== this.#parts.primary.id, 'is not told when another plane than the primary one has flipped'],
      [inFence !== undefined || outFence !== undefined, 'knows no fences'],
      [source.width !== destination.width || source.height !== destination.height, 'does not scale'],
      [source.width !== mode.width || source.height !== mode.height, `fills the screen, ${mode.width}x${mode.height}`],
      [!setsMode && isMoved, 'moves within a picture only when the mode is set'],
    ];
    const found = reasons.find(([applies]) => applies);
    if (found === undefined) return;
    throw new DmaBufError(
      `Cannot ${SHOW} as the legacy interface ${found[1]}: open the display with { api: 'atomic' }`,
      {
        code: 'EOPNOTSUPP',
      },
    );
  }
}
