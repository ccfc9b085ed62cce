import type { ModeRequest } from '../../drm/choose-screen.ts';
import type { DisplayOptions } from '../../drm/display-options.ts';
import type { CameraOptions } from '../../v4l2/camera-options.ts';
import type { CommandDescription } from '../command-description.ts';
import { UsageError, parseArguments } from '../parse-arguments.ts';
import { PICTURE_OPTIONS, readPictureOptions, readSize } from '../picture-options.ts';
import { readSeconds } from '../seconds.ts';

/** What the arguments of `dmabuf show` ask for. */
export interface ShowCommandOptions {
  readonly json: boolean;
  readonly place: { readonly kind: 'window' } | { readonly kind: 'screen'; readonly display: DisplayOptions };
  readonly source:
    | { readonly kind: 'camera'; readonly device: string; readonly options: CameraOptions }
    | { readonly kind: 'file'; readonly path: string };
  /** Undefined: until Ctrl-C. */
  readonly seconds: number | undefined;
}

export const SHOW_DESCRIPTION = {
  invocation: 'dmabuf show',
  summary: 'shows a camera or a picture in a window, or on a screen without a desktop',
  paragraphs: [
    'Shows a picture (.png), a video (.y4m) or a camera. Where a Wayland compositor owns the screen, it opens a window there; ' +
      'on a text console, it takes the screen by the kernel itself. A camera is shown without a copy where the screen or the ' +
      'compositor takes its format, and by one pass over each frame where not. Ctrl-C ends it, and the console is back; so does ' +
      'closing the window, or Escape in it.',
  ],
  argument: {
    usage: 'FILE|--camera DEVICE',
    forms: [{ name: 'FILE', text: 'a picture (.png) or a video (.y4m)' }],
  },
  options: {
    camera: { value: 'DEVICE', text: 'a camera; "dmabuf camera" lists them' },
    window: {
      text: 'in a window of the compositor of WAYLAND_DISPLAY. Default where that is set, and no screen is named',
    },
    card: { value: 'PATH', text: 'a graphics card such as /dev/dri/card0. Default: the first with a screen' },
    connector: { value: 'NAME', text: 'a screen such as HDMI-A-1. Default: the first that is connected' },
    mode: { value: 'WxH[@HZ]', text: "one of the screen's modes, such as 1920x1080@60. Default: its own" },
    ...PICTURE_OPTIONS,
    for: { value: 'SECONDS', text: 'ends after so long' },
    json: {
      text:
        'one object at the end, of the format dmabuf-show: {card, driver, connector, mode: {width, height, refreshHz}, window: ' +
        '{width, height}, way, reason, pixelFormat, width, height, shownCount, lostCount, droppedCount, seconds, ' +
        'framesPerSecond, stageNs: {camera, convert, screen}}; what a file, a window or a screen has none of is null',
    },
  },
  notes: ['On a terminal, frames a second and what each stage takes are shown meanwhile.'],
  exitStatus: '0; 1 when the screen, the compositor, the camera or the file refuses',
} as const satisfies CommandDescription;

/** @throws {UsageError} for arguments that the command does not take */
export function readShowCommandOptions(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): ShowCommandOptions {
  const { options, words } = parseArguments(SHOW_DESCRIPTION, args);
  const [path] = words;
  const { camera, for: seconds } = options;
  if ((camera === undefined) === (path === undefined))
    throw new UsageError('Cannot show without a FILE or a --camera DEVICE, or with both: name one of them');
  return {
    json: options.json,
    place: readPlace(options, environment),
    source:
      path === undefined
        ? { kind: 'camera', device: camera ?? '', options: readPictureOptions(options) }
        : { kind: 'file', path },
    seconds: seconds === undefined ? undefined : readSeconds(seconds),
  };
}

/** A screen that is named is meant, also where there is a compositor. */
function readPlace(
  {
    window,
    card,
    connector,
    mode,
  }: { [Name in 'card' | 'connector' | 'mode']: string | undefined } & { window: boolean },
  { WAYLAND_DISPLAY = '' }: NodeJS.ProcessEnv,
): ShowCommandOptions['place'] {
  const isNamed = card !== undefined || connector !== undefined || mode !== undefined;
  if (window && isNamed)
    throw new UsageError('Cannot show in a --window and on a screen: leave out --card, --connector and --mode');
  if (window || (WAYLAND_DISPLAY !== '' && !isNamed)) return { kind: 'window' };
  return { kind: 'screen', display: { path: card, connector, mode: mode === undefined ? undefined : readMode(mode) } };
}

/** `1920x1080@59.94`. */
function readMode(text: string): ModeRequest {
  const [size = '', rate] = text.split('@');
  const refreshHz = rate === undefined ? undefined : Number(rate);
  if (refreshHz === undefined || refreshHz > 0) return { ...readSize(size), refreshHz };
  throw new UsageError(`Cannot read "${text}" as a mode: it must be as in 1920x1080 or 1920x1080@60`);
}
