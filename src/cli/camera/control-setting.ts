import type { ControlDescription } from '../../v4l2/control-list.ts';
import type { ControlValue } from '../../v4l2/control-value.ts';
import { openVideoControls } from '../../v4l2/video-controls.ts';
import { CommandFailure } from '../command.ts';
import { nearestWord } from '../nearest-word.ts';
import { UsageError } from '../parse-arguments.ts';

/** A control that is to be set. */
interface ControlSetting {
  readonly name: string;
  /** As it was written; undefined for a button. */
  readonly value: string | undefined;
}

/** `brightness=128`. */
export function parseControlSetting(text: string): ControlSetting {
  const [name = '', ...rest] = text.split('=');
  if (name === '') throw new UsageError(`Cannot read "${text}" as a control: it must be as in brightness=128`);
  return { name, value: rest.length === 0 ? undefined : rest.join('=') };
}

/** @throws {CommandFailure} for a control or a value that there is not */
export function setControls(device: string, settings: readonly ControlSetting[]): void {
  if (settings.length === 0) return;
  const controls = openVideoControls(device);
  try {
    const known = controls.list();
    for (const { name, value } of settings) {
      const control = known.find(({ key, name: given }) => key === name || given === name);
      if (control === undefined) throw unknownControl(device, name, known);
      try {
        controls.set(control.id, toControlValue(control, value));
      } catch (cause) {
        if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
        throw new CommandFailure(cause.message, { cause });
      }
    }
  } finally {
    controls.close();
  }
}

function unknownControl(device: string, name: string, known: readonly ControlDescription[]): CommandFailure {
  const nearest = nearestWord(name, known.map(({ key }) => key)); // prettier-ignore
  const hint = nearest === undefined ? `"dmabuf camera ${device}" lists them` : `did you mean "${nearest}"?`;
  return new CommandFailure(`Cannot set "${name}" as ${device} has no such control: ${hint}`);
}

const SWITCHES: Readonly<Record<string, boolean>> = {
  '1': true,
  on: true,
  true: true,
  '0': false,
  off: false,
  false: false,
};

/** What a text means for a control; what it cannot mean is for the control to refuse. */
function toControlValue({ type }: ControlDescription, text: string | undefined): ControlValue {
  if (text === undefined || type === 'button') return undefined;
  if (type === 'string') return text;
  if (type === 'boolean') return SWITCHES[text.toLowerCase()] ?? text;
  if (!/^-?(?:0x[\da-f]+|\d+)$/iu.test(text)) return text;
  return type === 'integer64' ? BigInt(text) : Number(text);
}
