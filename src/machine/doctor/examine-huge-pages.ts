import { formatSize } from '../../base/sizes.ts';
import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import type { Machine } from '../../linux/machine.ts';
import { readSharedHugePages } from '../../linux/proc/huge-pages.ts';
import type { Finding } from './finding.ts';
import { measureHugePages } from './measure-huge-pages.ts';
import type { HugePageGain } from './measure-huge-pages.ts';

/**
 * Whether memfds, and so the embedded heap's buffers, come in huge pages.
 *
 * @param measure measures the possible gain; called only where they are not allowed
 */
export function examineHugePages(
  machine: Machine,
  measure: (machine: Machine) => HugePageGain | undefined = measureHugePages,
): Finding[] {
  const { sizes, reason, settingPath } = readSharedHugePages(machine);
  const [largest] = sizes;
  const subject = { id: 'huge-pages', topic: 'memory' } as const;
  if (largest !== undefined) {
    const found = `memfds may come in huge pages of ${formatSize(largest)}: ${reason}`;
    return [{ ...subject, status: 'ok', found, matters: 'they are committed and mapped many times faster' }];
  }
  const found = `memfds come in ordinary pages, as ${reason}`;
  if (settingPath === undefined) {
    return [{ ...subject, status: 'note', found, matters: 'huge pages are committed and mapped many times faster' }];
  }
  const tee = asRoot(`tee ${settingPath}`, readIdentity(machine));
  return [
    {
      ...subject,
      status: 'note',
      found,
      matters: describeGain(measure(machine)),
      remedy: {
        commands: [`echo advise | ${tee}`],
        note: 'until the next boot; huge pages go to programs that ask for them, as heaps opened from then on do',
      },
    },
  ];
}

function describeGain(gain: HugePageGain | undefined): string {
  if (gain === undefined) {
    return 'huge pages are committed and mapped many times faster (how much cannot be measured here: Linux 6.1 is needed)';
  }
  const { length, commitNs, mapNs, mapHugeNs } = gain;
  const size = formatSize(length);
  return (
    `measured here, mapping ${size} that are there takes ${formatMilliseconds(mapNs)} in ordinary pages and ` +
    `${formatMilliseconds(mapHugeNs)} in huge ones; taking ${size} from the machine, now ${formatMilliseconds(commitNs)}, gains as well`
  );
}

function formatMilliseconds(ns: number): string {
  return `${Number((ns / 1e6).toPrecision(2))} ms`;
}
