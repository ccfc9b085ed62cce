/** What a long job is doing, in the order of its doing. */
export type JobStep =
  | 'open the heap'
  | 'convert to pages'
  | 'convert to pages in C'
  | 'commit the memory'
  | 'map run by run'
  | 'prove the window'
  | 'map page by page';

/** Told again and again while a job goes on: `done` of `total`, in any unit. */
export type ReportProgress = (step: JobStep, done: number, total: number) => void;
