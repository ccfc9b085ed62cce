/** What `dmabuf show` prints. */

import type { Display } from '../../drm/display.ts';
import type { StreamCounts } from '../../v4l2/frame-stream.ts';
import type { VideoFormat } from '../../v4l2/video-format.ts';
import type { PreviewStage } from '../../video/preview.ts';
import type { PreviewWayKind } from '../../video/preview-way.ts';
import type { StageTimes } from '../../video/stage-clock.ts';
import type { WindowSize } from '../../wayland/window.ts';
import { formatAmount, formatDuration } from '../../base/number-format.ts';
import { formatLabelled } from '../table.ts';

/** Where it was shown. */
type ShownPlace = { readonly display: Display } | { readonly window: WindowSize };

/** What was shown. */
export interface Shown {
  readonly place: ShownPlace;
  /** Undefined for a file. */
  readonly preview:
    | {
        readonly way: { readonly kind: PreviewWayKind; readonly reason: string };
        readonly format: VideoFormat;
        readonly counts: StreamCounts;
        readonly stageNs: StageTimes<PreviewStage>;
      }
    | undefined;
  readonly shownCount: number;
  readonly seconds: number;
}

const WAYS: Readonly<Record<PreviewWayKind, string>> = {
  screenBuffers: 'without a copy',
  cameraBuffers: 'without a copy',
  blit: 'by one pass over each frame',
};

/** While it runs. */
export function formatProgress({
  counts,
  stageNs,
  shownCount,
  seconds,
}: {
  counts: StreamCounts;
  stageNs: StageTimes<PreviewStage>;
  shownCount: number;
  seconds: number;
}): string {
  const { lostCount, droppedCount } = counts;
  const stages = formatStages(stageNs);
  return `${(shownCount / seconds).toFixed(1)} frames/s, ${lostCount} lost, ${droppedCount} dropped; ${stages}`;
}

/** At the end. */
export function formatShown({ place, preview, shownCount, seconds }: Shown, columns: number): string[] {
  const line = (label: string, text: string): string[] => formatLabelled(`${label}: `, text, columns);
  const where =
    'window' in place ? line('Window', formatSize(place.window)) : line('Screen', formatScreen(place.display));
  const count = formatAmount(shownCount, 'picture', 'pictures');
  const shown = `${count} in ${seconds.toFixed(1)} s (${(shownCount / seconds).toFixed(1)} a second)`;
  if (preview === undefined) return [...where, ...line('Shown', shown)];
  const { way, format, counts, stageNs } = preview;
  return [
    ...where,
    ...line('Camera', `${format.fourcc}, ${format.width}x${format.height}, ${WAYS[way.kind]}: ${way.reason}`),
    ...line('Shown', `${shown}; ${counts.lostCount} lost by the driver, ${counts.droppedCount} dropped`),
    ...line('Stages', formatStages(stageNs)),
  ];
}

function formatScreen({ connector, path, driver, mode }: Display): string {
  return `${connector.name} of ${path} (${driver}), ${formatSize(mode)} at ${mode.refreshHz.toFixed(2)} Hz`;
}

function formatSize({ width, height }: WindowSize): string {
  return `${width}x${height}`;
}

/** Medians. */
function formatStages({ camera, convert, screen }: StageTimes<PreviewStage>): string {
  return `camera ${formatDuration(camera)}, convert ${formatDuration(convert)}, screen ${formatDuration(screen)}`;
}

/** For programs: docs/schemas/dmabuf-show.schema.json. */
export function toShownJson({ place, preview, shownCount, seconds }: Shown): object {
  return {
    format: 'dmabuf-show',
    version: 1,
    ...('window' in place ? toWindowJson(place.window) : toScreenJson(place.display)),
    way: preview?.way.kind ?? null,
    reason: preview?.way.reason ?? null,
    pixelFormat: preview?.format.fourcc ?? null,
    width: preview?.format.width ?? null,
    height: preview?.format.height ?? null,
    shownCount,
    lostCount: preview?.counts.lostCount ?? null,
    droppedCount: preview?.counts.droppedCount ?? null,
    seconds,
    framesPerSecond: shownCount / seconds,
    stageNs: preview?.stageNs ?? null,
  };
}

function toWindowJson({ width, height }: WindowSize): object {
  return { card: null, driver: null, connector: null, mode: null, window: { width, height } };
}

function toScreenJson({ connector, path, driver, mode }: Display): object {
  const { width, height, refreshHz } = mode;
  return { card: path, driver, connector: connector.name, mode: { width, height, refreshHz }, window: null };
}
