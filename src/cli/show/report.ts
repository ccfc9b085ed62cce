/** What `dmabuf show` prints. */

import type { Display } from '../../drm/display.ts';
import type { StreamCounts } from '../../v4l2/frame-stream.ts';
import type { VideoFormat } from '../../v4l2/video-format.ts';
import type { Preview, PreviewStage } from '../../video/preview.ts';
import type { PreviewWayKind } from '../../video/preview-way.ts';
import type { StageTimes } from '../../video/stage-clock.ts';
import { formatAmount, formatDuration } from '../../base/number-format.ts';
import { formatLabelled } from '../table.ts';

/** What was shown. */
export interface Shown {
  readonly display: Display;
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
  preview,
  shownCount,
  seconds,
}: {
  preview: Preview;
  shownCount: number;
  seconds: number;
}): string {
  const { lostCount, droppedCount } = preview.camera.counts;
  const stages = formatStages(preview.readStageTimes());
  return `${(shownCount / seconds).toFixed(1)} frames/s, ${lostCount} lost, ${droppedCount} dropped; ${stages}`;
}

/** At the end. */
export function formatShown({ display, preview, shownCount, seconds }: Shown, columns: number): string[] {
  const { connector, path, driver, mode } = display;
  const line = (label: string, text: string): string[] => formatLabelled(`${label}: `, text, columns);
  const screen = `${connector.name} of ${path} (${driver}), ${mode.width}x${mode.height} at ${mode.refreshHz.toFixed(2)} Hz`;
  const count = formatAmount(shownCount, 'picture', 'pictures');
  const shown = `${count} in ${seconds.toFixed(1)} s (${(shownCount / seconds).toFixed(1)} a second)`;
  if (preview === undefined) return [...line('Screen', screen), ...line('Shown', shown)];
  const { way, format, counts, stageNs } = preview;
  return [
    ...line('Screen', screen),
    ...line('Camera', `${format.fourcc}, ${format.width}x${format.height}, ${WAYS[way.kind]}: ${way.reason}`),
    ...line('Shown', `${shown}; ${counts.lostCount} lost by the driver, ${counts.droppedCount} dropped`),
    ...line('Stages', formatStages(stageNs)),
  ];
}

/** Medians. */
function formatStages({ camera, convert, screen }: StageTimes<PreviewStage>): string {
  return `camera ${formatDuration(camera)}, convert ${formatDuration(convert)}, screen ${formatDuration(screen)}`;
}

/** For programs: docs/schemas/dmabuf-show.schema.json. */
export function toShownJson({ display, preview, shownCount, seconds }: Shown): object {
  const { connector, path, driver, mode } = display;
  return {
    format: 'dmabuf-show',
    version: 1,
    card: path,
    driver,
    connector: connector.name,
    mode: { width: mode.width, height: mode.height, refreshHz: mode.refreshHz },
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
