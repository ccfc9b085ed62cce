/** What stands before the kernel's own words in a line of a log. */
export interface LogLine {
  readonly text: string;
  /** Whether anything stood before it: a line that was broken has nothing. */
  readonly hasPrefix: boolean;
  /** Seconds since boot. */
  readonly time?: number;
  readonly timeText?: string;
  /**
   * Who printed it (CONFIG_PRINTK_CALLER: `T123`, `C1`; vendors print pids): lines of one caller
   * are
   * of one stack. Empty where the log does not say.
   */
  readonly caller: string;
  readonly cpu?: number;
  readonly pid?: number;
  readonly comm?: string;
}

type Groups = Readonly<Record<string, string | undefined>>;
type Found = { -readonly [Key in Exclude<keyof LogLine, 'text' | 'hasPrefix'>]?: LogLine[Key] };

interface Prefix {
  readonly pattern: RegExp;
  readonly read: (groups: Groups) => Found;
}

const textOfTime = ({ time }: Groups): Found => (time === undefined ? {} : { timeText: time });
const nothing = (): Found => ({});

/** Each may follow others: a syslog's before the kernel's own. */
const PREFIXES: readonly Prefix[] = [
  // [    6.689849], with the time since the last line (dmesg -d), with a processor or a caller.
  {
    pattern: /^\[\s{0,12}(?<time>\d{1,10}\.\d{1,9})(?: <\s{0,12}\d{1,10}\.\d{1,9}>)?(?:@(?<at>[TC]?\d{1,10}))?\]\s?/u,
    read: ({ time, at }) => ({ time: Number(time), ...(at === undefined ? {} : readCaller(at)) }),
  },
  // [ T1234] (kernel/printk/printk.c, print_caller)
  { pattern: /^\s{0,2}\[\s{0,12}(?<id>[TC]\d{1,10})\]\s?/u, read: ({ id = '' }) => readCaller(id) },
  // <6>
  { pattern: /^<\d{1,3}>/u, read: nothing },
  // MediaTek: (2)[1234:surfaceflinger]
  {
    pattern: /^\((?<cpu>\d{1,4})\)\[(?<pid>\d{1,10}):(?<comm>[^\]]{1,16})\]\s?/u,
    read: readVendor,
  },
  // Samsung: [2: surfaceflinger: 1234]
  {
    pattern: /^\s{0,2}\[(?<cpu>\d{1,4}):\s{0,16}(?<comm>[^:\]]{1,16}):\s{0,12}(?<pid>\d{1,10})\]\s?/u,
    read: readVendor,
  },
  // dmesg -T, and -e, whose times are relative within a minute
  {
    pattern: /^\[(?<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\]\s?/u,
    read: textOfTime,
  },
  {
    pattern: /^\[(?<time>[A-Z][a-z]{2}[ \d]\d \d\d:\d\d|\s{0,8}\+\d{1,8}\.\d{1,9})\]\s?/u,
    read: ({ time = '' }) => ({ timeText: time.trim() }),
  },
  // dmesg -x
  {
    pattern: /^(?:kern|user|daemon|syslog)\s{0,8}:(?:emerg|alert|crit|err|warn|notice|info|debug)\s{0,8}:\s?/u,
    read: nothing,
  },
  // syslog, journalctl
  {
    pattern: /^(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) \S{1,64} kernel(?:\[\d{1,10}\])?:\s?/u,
    read: textOfTime,
  },
  // journalctl -o short-iso, rsyslog, dmesg --time-format iso
  {
    pattern:
      /^(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\s(?:\S{1,64} kernel(?:\[\d{1,10}\])?:\s?)?/u,
    read: textOfTime,
  },
  // a terminal program's own
  { pattern: /^\[(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?)\]\s?/u, read: textOfTime },
  // journalctl -o short-monotonic, behind its time
  { pattern: /^[\w.-]{1,64} kernel:\s?/u, read: nothing },
  // logcat: threadtime, with a user before the pid where it was asked for, and brief
  {
    pattern:
      /^(?<time>(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9})\s{1,8}(?:[a-z]\w{0,16}\s{1,8})?\d{1,10}\s{1,8}\d{1,10} [VDIWEF] [^:]{0,64}:\s?/u,
    read: textOfTime,
  },
  { pattern: /^[VDIWEF]\/[^(]{0,64}\(\s{0,8}\d{1,10}\):\s?/u, read: nothing },
  // /dev/kmsg: level,sequence,microseconds,flags;
  {
    pattern: /^\d{1,4},\d{1,20},(?<us>\d{1,16}),[^;]{0,64}?(?:caller=(?<id>[TC]\d{1,10}))?;/u,
    read: ({ us, id }) => ({ time: Number(us) / 1e6, ...(id === undefined ? {} : readCaller(id)) }),
  },
];

const PREFIXES_MAX = 6;

/** Takes apart a line that {@link cleanText} has cleaned. */
export function parseLogLine(line: string): LogLine {
  const found: Found = {};
  let text = line;
  let count = 0;
  for (let rest = takePrefix(text, found); rest !== undefined; rest = takePrefix(text, found)) {
    text = rest;
    count += 1;
    if (count === PREFIXES_MAX) break;
  }
  const { timeText, ...rest } = found;
  const time = rest.time === undefined && timeText !== undefined ? { timeText } : {};
  return { caller: '', ...rest, ...time, text, hasPrefix: count > 0 };
}

/** What is behind the first prefix, which adds to `found`. Undefined where there is none. */
function takePrefix(text: string, found: Found): string | undefined {
  for (const { pattern, read } of PREFIXES) {
    const match = pattern.exec(text);
    if (match === null || match[0] === '') continue;
    Object.assign(found, read(match.groups ?? {}));
    return text.slice(match[0].length);
  }
  return undefined;
}

/** `T123` is a task, `C1` a processor; a bare number a processor as well. */
function readCaller(id: string): Found {
  const number = Number(id.replace(/^[TC]/u, ''));
  return id.startsWith('T') ? { caller: id, pid: number } : { caller: id, cpu: number };
}

function readVendor({ cpu, pid, comm = '' }: Groups): Found {
  return { caller: `T${pid}`, cpu: Number(cpu), pid: Number(pid), comm: comm.trim() };
}
