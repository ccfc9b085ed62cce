/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/trace`: who maps dma-bufs, read from a kernel's log or a trace, and what it costs. */

export { readTrace, readTraceFile } from './read-trace.ts';
export type { ReadTraceOptions, TraceSource } from './read-trace.ts';
export type {
  MappingEvent,
  MappingMark,
  MappingPart,
  TraceForm,
  TraceModule,
  TraceRecord,
  TraceSummary,
  TraceTask,
  UnmappingEvent,
  UnreadableLine,
} from './mapping-event.ts';
export { recordMappings } from './live/record-mappings.ts';
export type { RecordOptions } from './live/record-mappings.ts';
export type { MappingRecording, RecordingCost } from './live/mapping-recording.ts';
export { TraceAnalysis } from './analysis/trace-analysis.ts';
export type { TraceReport } from './analysis/trace-analysis.ts';
export type { CallerStatistics } from './analysis/caller-statistics.ts';
export type { Consumer } from './analysis/consumer.ts';
export type { ConversionCost } from './analysis/conversion-cost.ts';
export type { Finding } from './analysis/findings.ts';
export type { PartKind, PartTimes } from './analysis/part-times.ts';
export type { Saving, Savings } from './analysis/what-if.ts';
export { writeTraceParquet } from './export/parquet/write-trace-parquet.ts';
export type { TraceRecords, WriteTraceParquetOptions } from './export/parquet/write-trace-parquet.ts';
export { reportFleet } from './fleet/report-fleet.ts';
export type { FleetReport, ReportFleetOptions } from './fleet/report-fleet.ts';
export type {
  FleetAnswers,
  FleetBuild,
  FleetCaller,
  FleetConsumer,
  FleetDevice,
  FleetDuration,
  FleetFailure,
  FleetGrowth,
  FleetRepeat,
  FleetWork,
} from './fleet/fleet-rows.ts';
export { findSourceCallers } from './source/find-source-callers.ts';
export type {
  CallEnd,
  CallNode,
  CallStep,
  DepthEnd,
  HandedEnd,
  InterfaceEnd,
  ManyCallersEnd,
  NoCallersEnd,
  SourceCall,
  SourceCallers,
  SourcePlace,
  SourceSearchOptions,
} from './source/find-source-callers.ts';
export type { SourceExporter } from './source/find-exporters.ts';
export type { UnreadSource } from './source/kernel-tree.ts';
export type { UnlockedCall } from './source/reservation-locks.ts';
