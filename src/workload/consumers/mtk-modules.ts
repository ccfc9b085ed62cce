import type { TraceModule } from '../../trace/mapping-event.ts';
import type { CallSite } from '../kernel/mapping-records.ts';

/**
 * Modules of MediaTek's phones, with the build ids of the kernel whose log the thread about the
 * system heap's conversion shows (lkml, April 2026).
 */
const BUILD_IDS = {
  mtk_aov: '96e2e5e9457dcdacce3a7629b0600c5dbeca623b',
  mtk_cam_isp8s: '0cf9be6c773a8f14aab9db9ebf53feacb499846a',
  apusys: '8fb33cbce3b858d651b9da26fc370090a67cfb70',
} as const;

/** A call by functions that are all in one module. */
export function mtkSite(name: keyof typeof BUILD_IDS, path: readonly string[]): CallSite {
  return { path, modules: [mtkModule(name, path)] };
}

/** The module that functions of a path are in. */
export function mtkModule(name: keyof typeof BUILD_IDS, functions: readonly string[]): TraceModule {
  return { name, buildId: BUILD_IDS[name], functions, isOutOfTree: true };
}
