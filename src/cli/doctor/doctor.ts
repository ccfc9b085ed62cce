import { examineMachine } from '../../machine/doctor/examine-machine.ts';
import type { MachineReport } from '../../machine/doctor/examine-machine.ts';
import { FAILED, SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { parseArguments } from '../parse-arguments.ts';
import { toDoctorJson } from '../../machine/doctor/doctor-json.ts';
import { formatDoctorReport } from './report.ts';

const DESCRIPTION = {
  invocation: 'dmabuf doctor',
  summary: 'examines this machine, and names the remedy for what it lacks',
  paragraphs: [
    'Examines what dma-bufs need of this machine, for the user who asks: heaps, udmabuf, memory, limits, tracing, the kernel; ' +
      "and tells which backend openHeap('system') takes. Changes nothing. What could be better comes with the commands that " +
      'fix it.',
  ],
  options: {
    json: {
      text:
        'one object instead, of the format dmabuf-doctor: {findings, choice, machine}; a finding has id, topic, status (ok, ' +
        'note, warning or problem), found, matters, and remedy, which is null or {commands, note}',
    },
    strict: { text: 'exit status 1 when there is a problem: something that is here cannot be used' },
  },
  exitStatus: "0; 1 when openHeap('system') would fail, and with --strict when there is a problem",
} as const satisfies CommandDescription;

export const doctorCommand: Command = {
  name: 'doctor',
  description: DESCRIPTION,
  run: (args, terminal) => {
    const { json, strict } = parseArguments(DESCRIPTION, args).options;
    const report = examineMachine();
    if (json) writeJsonLine(toDoctorJson(report), terminal.writeJson);
    else for (const line of formatDoctorReport(report, terminal)) terminal.print(line);
    return statusOf(report, strict);
  },
};

function statusOf({ choice, findings }: MachineReport, isStrict: boolean): ExitStatus {
  const hasProblem = findings.some(({ status }) => status === 'problem');
  return choice.backend === undefined || (isStrict && hasProblem) ? FAILED : SUCCEEDED;
}
