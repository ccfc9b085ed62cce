/** Where a search for callers stops: what is above is every driver of a kind, or user space. */

/** Functions that drivers of many kinds call, and what a call of them means. */
export const INTERFACE_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['vb2_plane_vaddr', 'a video driver asks for the address of a plane'],
  ['vb2_core_qbuf', 'a program queues a buffer (VIDIOC_QBUF)'],
  ['vb2_core_prepare_buf', 'a program prepares a buffer (VIDIOC_PREPARE_BUF)'],
  ['host1x_bo_mmap', 'a client of host1x maps a command buffer'],
  ['drm_client_buffer_vmap', 'a client in the kernel, such as fbdev emulation, maps its own buffer'],
  ['drm_client_buffer_vmap_local', 'a client in the kernel, such as fbdev emulation, maps its own buffer'],
  ['drm_atomic_helper_prepare_planes', 'an atomic commit prepares its planes'],
  ['drm_gem_prime_fd_to_handle', 'a program imports a buffer (DRM_IOCTL_PRIME_FD_TO_HANDLE)'],
]);

/** Structs of function pointers that the kernel calls for a program or a device. */
export const INTERFACE_STRUCTS: ReadonlyMap<string, string> = new Map([
  ['dma_buf_ops', "the exporter's side: dma_buf_vmap() itself calls it"],
  ['file_operations', 'a system call on a file of the driver'],
  ['drm_ioctl_desc', "an ioctl of the driver's"],
  ['v4l2_ioctl_ops', 'an ioctl of V4L2'],
  ['media_request_object_ops', 'a media request'],
  ['platform_driver', 'a driver meets or leaves its device'],
  ['pci_driver', 'a driver meets or leaves its device'],
  ['device_driver', 'a driver meets or leaves its device'],
  ['dev_pm_ops', 'a device is suspended or resumed'],
  ['drm_sched_backend_ops', 'the scheduler of a graphics driver'],
  ['fb_ops', 'a call on a framebuffer device'],
]);
