import { readIdentity } from '../../diagnosis/accounts.ts';
import { asRoot } from '../../diagnosis/device-permission.ts';
import { readKernelConfig } from '../../linux/proc/kernel-config.ts';
import type { Finding, FindingStatus } from './finding.ts';
import type { Machine } from '../../linux/machine.ts';

interface ConfigOption {
  readonly name: string;
  /** The consequence of an unset option. */
  readonly missing: FindingStatus;
  readonly matters: string;
}

const OPTIONS: readonly ConfigOption[] = [
  { name: 'CONFIG_MEMFD_CREATE', missing: 'problem', matters: 'the embedded heap and udmabuf are made of memfds' },
  { name: 'CONFIG_DMABUF_HEAPS', missing: 'warning', matters: 'it makes /dev/dma_heap' },
  { name: 'CONFIG_DMABUF_HEAPS_SYSTEM', missing: 'warning', matters: 'it makes the heap "system"' },
  { name: 'CONFIG_CMA', missing: 'note', matters: 'it keeps contiguous memory for devices without an IOMMU' },
  { name: 'CONFIG_DMABUF_HEAPS_CMA', missing: 'note', matters: 'it makes heaps of contiguous memory' },
  { name: 'CONFIG_UDMABUF', missing: 'warning', matters: 'it makes /dev/udmabuf' },
  { name: 'CONFIG_SYNC_FILE', missing: 'note', matters: 'fences pass between drivers and programs as sync files' },
  { name: 'CONFIG_DEBUG_FS', missing: 'note', matters: 'debugfs lists the dma-bufs of the whole machine' },
  { name: 'CONFIG_KPROBES', missing: 'note', matters: 'probes tell the runs of kernel buffers, and who maps them' },
  { name: 'CONFIG_KPROBE_EVENTS', missing: 'note', matters: 'probes are set through tracefs' },
  { name: 'CONFIG_FUNCTION_GRAPH_TRACER', missing: 'note', matters: 'it times what a mapping does in the kernel' },
  { name: 'CONFIG_DEBUG_INFO_BTF', missing: 'note', matters: 'the BPF iterator over dma-bufs needs it' },
];

/** The build configuration of the kernel, option by option; one note where it is unknown. */
export function examineKernel(machine: Machine): Finding[] {
  const config = readKernelConfig(machine);
  if (config === undefined) return [unknownConfig(machine)];
  return OPTIONS.map((option) => examineOption(option, config.valueOf(option.name)));
}

function examineOption({ name, missing, matters }: ConfigOption, value: string): Finding {
  const subject = { id: `kernel:${name}`, topic: 'kernel', matters } as const;
  if (value !== 'n') return { ...subject, status: 'ok', found: `${name}=${value}` };
  const remedy = { commands: [], note: `boot a kernel built with ${name}=y` };
  return { ...subject, status: missing, found: `${name} is not set`, remedy };
}

function unknownConfig(machine: Machine): Finding {
  return {
    id: 'kernel-config',
    topic: 'kernel',
    status: 'note',
    found: 'what the kernel was built with stands neither in /proc/config.gz nor in /boot nor beside its modules',
    matters: 'what is missing cannot be told from what is not loaded',
    remedy: {
      commands: [asRoot('modprobe configs', readIdentity(machine))],
      note: 'where the kernel has that module; in a container, look at its host',
    },
  };
}
