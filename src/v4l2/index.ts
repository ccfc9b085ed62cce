/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/v4l2`: cameras and other video devices, whose frames lie in dma-bufs. */

export { describeVideoDevice, listCameras, listVideoDevices } from './list-cameras.ts';
export type { ConnectorDescription, QueueDescription, VideoDeviceDescription } from './list-cameras.ts';
export type { KnownDeviceInfo, RefusedDeviceInfo, VideoDeviceInfo } from './device-info.ts';
export type { DeviceKind, QueueDirection } from './device-kind.ts';
export type { DeviceNode } from './device-nodes.ts';
export type { FormatDescription, RateDescription, SizeDescription } from './describe-formats.ts';
export { openCamera } from './camera.ts';
export type { Camera, FramesOptions } from './camera.ts';
export type { CameraOptions, StreamingOptions } from './camera-options.ts';
export type { CameraFrame, TimestampClock } from './camera-frame.ts';
export type { CameraFrames } from './camera-frames.ts';
export type { StreamCounts } from './frame-stream.ts';
export type { FrameMemoryInfo } from './queue-memory.ts';
export type { VideoFormat } from './video-format.ts';
export type { ColorEncoding, ColorRange } from '../picture/picture-colors.ts';
export type { PictureColors } from './color-space.ts';
export { openVideoControls } from './video-controls.ts';
export type { VideoControls } from './video-controls.ts';
export type { ControlDescription, ControlMenuItem, ControlType } from './control-list.ts';
export type { ControlValue } from './control-value.ts';
export type { DeviceEvent, DeviceEvents } from './device-events.ts';
export type { VideoTimings } from './dv-timings.ts';
export { openVideoOutput } from './video-output.ts';
export type { OutputFrame, VideoOutput, VideoOutputOptions } from './video-output.ts';
export type { SubmitOptions } from './submission.ts';
export { openVideoConverter } from './video-converter.ts';
export type { ConverterSide, VideoConverter } from './video-converter.ts';
export type { ConverterInput, ConvertOptions } from './converter-input.ts';
export type { ConverterSideOptions, VideoConverterOptions } from './converter-options.ts';
