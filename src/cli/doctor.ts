import { examineMachine } from '../machine/doctor/examine-machine.ts';
import type { MachineReport } from '../machine/doctor/examine-machine.ts';
import { checkPositionalCount, FAILED, parseArguments, SUCCEEDED } from './command.ts';
import type { Command, ExitStatus } from './command.ts';
import { formatDoctorJson } from './doctor-json.ts';
import { formatDoctorReport } from './doctor-report.ts';

const HELP = `Usage: dmabuf doctor [--json] [--strict]

Examines what dma-bufs need of this machine, for the user who asks: heaps,
udmabuf, memory, limits, tracing, the kernel; and tells which backend
openHeap('system') takes. Changes nothing. What could be better comes with the
commands that mend it.

  --json    {findings, choice, machine} instead: a finding has id, topic, status
            (ok, note, warning or problem), found, matters, and remedy, which is
            null or {commands, note}
  --strict  exit status 1 when there is a problem: something that is here
            cannot be used
  --help    this text

Exit status: 0; 1 when openHeap('system') would fail, and with --strict when
there is a problem.`;

const NAME = 'dmabuf doctor';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'examines this machine, and names the remedy for what it lacks',
  help: HELP,
  run: (args, terminal) => {
    const options = { json: { type: 'boolean' }, strict: { type: 'boolean' } } as const;
    const { values, positionals } = parseArguments(NAME, args, options);
    checkPositionalCount(NAME, positionals, 0);
    const report = examineMachine();
    const lines = values['json'] === true ? [formatDoctorJson(report)] : formatDoctorReport(report, terminal);
    for (const line of lines) terminal.print(line);
    return statusOf(report, values['strict'] === true);
  },
};

function statusOf({ choice, findings }: MachineReport, isStrict: boolean): ExitStatus {
  const hasProblem = findings.some(({ status }) => status === 'problem');
  return choice.backend === undefined || (isStrict && hasProblem) ? FAILED : SUCCEEDED;
}
