/** What a camera in software says of itself: the part of its descriptors that tests choose. */

/** The frame sizes of one format. */
export interface CameraFrameSize {
  readonly width: number;
  readonly height: number;
  /** Frames a second, the preferred first. */
  readonly rates: readonly number[];
}

/** `MJPG`: JPEG files. `YUYV`: two pixels in four bytes, not compressed. */
export interface CameraFormat {
  readonly encoding: 'MJPG' | 'YUYV';
  readonly sizes: readonly CameraFrameSize[];
}

/** The range of a control of the processing unit, and what it is set to at first. */
export interface CameraControl {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly initial: number;
}

export interface CameraDescription {
  readonly manufacturer: string;
  readonly product: string;
  readonly serial: string;
  readonly formats: readonly CameraFormat[];
  readonly controls: {
    readonly brightness: CameraControl;
    readonly contrast: CameraControl;
  };
  /** How much of a frame has one payload header: dwMaxPayloadTransferSize, the header included. */
  readonly payloadBytesMax: number;
}

export type CameraControlName = keyof CameraDescription['controls'];

export const SOFTWARE_CAMERA: CameraDescription = {
  manufacturer: 'dmabuf tests',
  product: 'Software Camera',
  serial: '000017',
  formats: [
    {
      encoding: 'MJPG',
      sizes: [
        { width: 320, height: 180, rates: [30, 15, 120] },
        { width: 640, height: 480, rates: [30] },
        { width: 1280, height: 720, rates: [30] },
      ],
    },
    {
      encoding: 'YUYV',
      sizes: [
        { width: 320, height: 180, rates: [30, 15] },
        { width: 640, height: 480, rates: [15] },
      ],
    },
  ],
  controls: {
    brightness: { min: -64, max: 64, step: 1, initial: 0 },
    contrast: { min: 0, max: 95, step: 5, initial: 50 },
  },
  payloadBytesMax: 16_384,
};

/** The bytes of a whole frame; of JPEG files, more than any that is sent takes. */
export function frameBytesMax({ width, height }: Pick<CameraFrameSize, 'width' | 'height'>): number {
  return width * height * 2;
}
