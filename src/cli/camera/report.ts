/** What `dmabuf camera` prints for people. */

import type { ControlDescription } from '../../v4l2/control-list.ts';
import type { ControlValue } from '../../v4l2/control-value.ts';
import type { FormatDescription, RateDescription, SizeDescription } from '../../v4l2/describe-formats.ts';
import type { VideoDeviceInfo } from '../../v4l2/device-info.ts';
import type { ConnectorDescription, QueueDescription, VideoDeviceDescription } from '../../v4l2/list-cameras.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatSection, indentLines, indentTexts, sectionColumns } from '../report-section.ts';
import type { ReportStyle } from '../report-section.ts';
import { formatLabelled, formatTable, widthOf, wrapText } from '../table.ts';
import type { Cells, Column } from '../table.ts';

const NO_CAMERA =
  'No camera: plug one in, or load a driver. "modprobe vivid" makes a test camera, where the kernel has it.';

const left = (heading: string): Column => ({ heading, align: 'left' });

/** The list of all. */
export function formatCameras(cameras: readonly VideoDeviceInfo[], { columns }: ReportStyle): string[] {
  if (cameras.length === 0) return wrapText(NO_CAMERA, columns);
  const rows = cameras.map((camera): Cells => {
    const { path, name } = camera;
    if (camera.refusal !== undefined) return [path, formatName(name), undefined, undefined];
    return [path, formatName(name), camera.driver, formatName(camera.bus)];
  });
  const notes = cameras.flatMap((camera) => [
    ...(camera.refusal === undefined ? [] : formatLabelled(`${camera.path}: `, camera.refusal.reason, columns)),
    ...camera.stablePaths.map((path) => `${camera.path} is ${formatName(path)}`),
  ]);
  const table = formatTable([left('PATH'), left('NAME'), left('DRIVER'), left('BUS')], rows, columns);
  return notes.length === 0 ? table : [...table, '', ...notes];
}

/** One of them, in full. */
export function formatCamera(
  camera: VideoDeviceDescription,
  values: ReadonlyMap<string, ControlValue>,
  style: ReportStyle,
): string[] {
  const columns = sectionColumns(style.columns);
  const section = (heading: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : formatSection({ heading, lines: indentLines(lines) }, style);
  return [
    ...formatLabelled(
      `${camera.path}: `,
      `${formatName(camera.name)}, ${camera.driver}, ${formatName(camera.bus)}`,
      style.columns,
    ),
    ...camera.stablePaths.map((path) => formatName(path)),
    ...(camera.mediaController ? indentTexts([MEDIA_CONTROLLER], style.columns) : []),
    ...camera.queues.flatMap((queue) => [
      ...section(headingOf(queue), [...formatCurrent(queue), ...formatFormats(queue.formats, columns)]),
    ]),
    ...section('Inputs', formatConnectors(camera.inputs, camera.currentInput)),
    ...section('Controls', formatControls(camera.controls, values, columns)),
  ];
}

const MEDIA_CONTROLLER = 'A part of a pipeline that the media controller sets up: by media-ctl, or by libcamera.';

function headingOf({ direction, multiPlanar, buffers }: QueueDescription): string {
  const planes = multiPlanar ? ', several memories a frame' : '';
  if (buffers === undefined) return `Frames, ${direction}${planes}`;
  const imports = buffers.importsDmaBufs ? 'fills buffers of heaps' : 'does not fill buffers of heaps';
  return `Frames, ${direction}${planes}: ${imports}${buffers.ownMemory ? ', exports its own' : ''}`;
}

function formatCurrent({ current }: QueueDescription): string[] {
  if (current === undefined) return [];
  const { fourcc, width, height, framesPerSecond } = current;
  const rate = framesPerSecond === undefined ? '' : `, ${formatNumber(framesPerSecond)} Hz`;
  return [`set to ${fourcc}, ${width}x${height}${rate}`];
}

/** Formats of the same sizes and rates together, and sizes of the same rates. */
function formatFormats(formats: readonly FormatDescription[], columns: number): string[] {
  const alike = groupBy(formats, ({ sizes }) => formatSizes(sizes).join('; '));
  return alike.flatMap((group) => {
    const names = formatLabelled('', group.map(formatFormat).join(', '), columns);
    return names.concat(
      formatSizes(group[0]?.sizes ?? []).flatMap((line) => formatLabelled(SIZES_INDENT, line, columns)),
    );
  });
}

const SIZES_INDENT = '    ';

function formatSizes(sizes: readonly SizeDescription[]): string[] {
  return groupBy(sizes, ({ rates }) => formatRates(rates)).map((group) => {
    const rates = formatRates(group[0]?.rates ?? []);
    return `${group.map(formatSize).join(', ')}${rates === '' ? '' : `: ${rates}`}`;
  });
}

/** In the order of the first of each group. */
function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Value[][] {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}

function formatFormat({ fourcc, name }: FormatDescription): string {
  return name === undefined || name === fourcc ? fourcc : `${fourcc} (${name})`;
}

function formatSize(size: SizeDescription): string {
  if (size.kind === 'discrete') return `${size.width}x${size.height}`;
  return `${size.widthMin}x${size.heightMin} to ${size.widthMax}x${size.heightMax}`;
}

/** `1, 2, 5 to 60 Hz`. */
function formatRates(rates: readonly RateDescription[]): string {
  const texts = rates.map((rate) =>
    rate.kind === 'discrete'
      ? formatNumber(rate.framesPerSecond)
      : `${formatNumber(rate.framesPerSecondMin)} to ${formatNumber(rate.framesPerSecondMax)}`,
  );
  return texts.length === 0 ? '' : `${texts.join(', ')} Hz`;
}

function formatNumber(value: number): string {
  return String(Number(value.toFixed(2)));
}

function formatConnectors(connectors: readonly ConnectorDescription[], current: number | undefined): string[] {
  return connectors.map(({ index, name, powered, signal, synchronized }) => {
    const troubles = [powered ? '' : 'no power', signal ? '' : 'no signal', synchronized ? '' : 'not in step'];
    const trouble = troubles.filter((text) => text !== '').join(', ');
    const chosen = index === current ? ' (chosen)' : '';
    return `${index}: ${formatName(name)}${chosen}${trouble === '' ? '' : `: ${trouble}`}`;
  });
}

function formatControls(
  controls: readonly ControlDescription[],
  values: ReadonlyMap<string, ControlValue>,
  columns: number,
): string[] {
  const keyColumns = widthOf(controls.map(({ key }) => key));
  return controls.flatMap((control) => {
    const value = showValue(control, values.get(control.key));
    const facts = [rangeOf(control), stateOf(control)].filter((text) => text !== undefined);
    const text = `${value ?? control.type}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`;
    return formatLabelled(`${control.key.padEnd(keyColumns)}  `, text, columns);
  });
}

function showValue({ menu }: ControlDescription, value: ControlValue): string | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const label = menu.find(({ index }) => index === value)?.label;
  return label === undefined ? formatName(String(value)) : `${String(value)} ${formatName(label)}`;
}

const WITH_RANGE: ReadonlySet<ControlDescription['type']> = new Set(['integer', 'integer64']);

function rangeOf({ type, minimum, maximum, step, menu, defaultValue }: ControlDescription): string | undefined {
  if (type === 'menu' || type === 'integerMenu')
    return menu.map(({ index, label }) => `${index} ${formatName(label)}`).join(', ');
  if (!WITH_RANGE.has(type)) return undefined;
  const steps = step === 1n ? '' : ` by ${step}`;
  return `${minimum} to ${maximum}${steps}, default ${defaultValue}`;
}

function stateOf({ readOnly, inactive, grabbed }: ControlDescription): string | undefined {
  if (readOnly) return 'read only';
  if (inactive) return 'inactive';
  return grabbed ? 'not now' : undefined;
}
