import {
  DRM_IOCTL_MODE_GETCONNECTOR,
  DRM_IOCTL_MODE_GETCRTC,
  DRM_IOCTL_MODE_GETENCODER,
  DRM_IOCTL_MODE_GETPLANE,
  DRM_IOCTL_MODE_GETPLANERESOURCES,
  DRM_IOCTL_MODE_GETPROPBLOB,
  DRM_IOCTL_MODE_GETPROPERTY,
  DRM_IOCTL_MODE_GETRESOURCES,
  DRM_IOCTL_MODE_OBJ_GETPROPERTIES,
  drmModeCardRes,
  drmModeCrtc,
  drmModeGetBlob,
  drmModeGetConnector,
  drmModeGetEncoder,
  drmModeGetPlane,
  drmModeGetPlaneRes,
  drmModeGetProperty,
  drmModeModeinfo,
  drmModeObjGetProperties,
} from '../../uapi/drm-mode.ts';
import { DrmCalls } from './drm-calls.ts';
import type { BorrowedFd } from './fd.ts';
import { numbersIn, sharedBytes } from './shared-bytes.ts';

/** The kernel's `struct drm_mode_modeinfo` (include/uapi/drm/drm_mode.h). */
export interface ModeInfo {
  /** Of the pixel clock, in kHz. */
  readonly clock: number;
  /** Pixels of a row that are shown. */
  readonly hdisplay: number;
  /** Pixels from a row's begin to that of its sync pulse. */
  readonly hsyncStart: number;
  /** Pixels from a row's begin to the end of its sync pulse. */
  readonly hsyncEnd: number;
  /** Pixels of a row in all. */
  readonly htotal: number;
  /** Pixels by which every other row is moved: mostly 0. */
  readonly hskew: number;
  /** Rows of a picture that are shown. */
  readonly vdisplay: number;
  /** Rows from a picture's begin to that of its sync pulse. */
  readonly vsyncStart: number;
  /** Rows from a picture's begin to the end of its sync pulse. */
  readonly vsyncEnd: number;
  /** Rows of a picture in all. */
  readonly vtotal: number;
  /** How often each row is drawn; 0 stands for once. */
  readonly vscan: number;
  /** Pictures a second, rounded. */
  readonly vrefresh: number;
  /** `DRM_MODE_FLAG_…`: the polarity of the pulses, two halves, doubled rows. */
  readonly flags: number;
  /** `DRM_MODE_TYPE_…`: whether the screen prefers it. */
  readonly type: number;
  /** As the kernel calls it, such as `1920x1080`. */
  readonly name: string;
}

/** The numbers of a card's objects. */
interface CardObjects {
  /** In the order that `possibleCrtcs` counts. */
  readonly crtcIds: readonly number[];
  readonly connectorIds: readonly number[];
}

/** What a connector says of itself. */
interface ConnectorState {
  readonly type: number;
  /** Of its type, from 1. */
  readonly typeNumber: number;
  /** 1 connected, 2 not, 3 not known (enum drm_connector_status). */
  readonly connection: number;
  readonly widthMm: number;
  readonly heightMm: number;
  /** 0 for none. */
  readonly encoderId: number;
  readonly encoderIds: readonly number[];
  readonly modes: readonly ModeInfo[];
}

/** What a CRTC shows. */
interface CrtcState {
  /** 0 for none. */
  readonly framebuffer: number;
  readonly mode: ModeInfo | undefined;
}

/** What a plane may show, and where. */
interface PlaneState {
  /** Bit n: on the n-th CRTC. */
  readonly possibleCrtcs: number;
  readonly fourccs: readonly number[];
}

/** A property of an object, and its value. */
export interface PropertyValue {
  readonly id: number;
  readonly value: bigint;
}

const ID_BYTES = 4;
const VALUE_BYTES = 8;

/**
 * What a card has (drivers/gpu/drm/drm_mode_config.c, drm_connector.c, drm_plane.c,
 * drm_property.c). Each list is asked for twice: how long it is, then what is in it; again, where
 * it grew meanwhile.
 */
export class DrmModeCalls extends DrmCalls {
  /** Undefined for a card without screens, such as one that only computes. */
  objects(card: BorrowedFd): CardObjects | undefined {
    let wanted = { crtcs: 0, connectors: 0 };
    for (;;) {
      const crtcs = sharedBytes(wanted.crtcs * ID_BYTES);
      const connectors = sharedBytes(wanted.connectors * ID_BYTES);
      const argument = drmModeCardRes.write({
        crtcIdPtr: crtcs.address,
        countCrtcs: wanted.crtcs,
        connectorIdPtr: connectors.address,
        countConnectors: wanted.connectors,
      });
      const result = this.tryCall(card, DRM_IOCTL_MODE_GETRESOURCES, argument);
      if (this.refusalOf(result) === 'EOPNOTSUPP') return undefined;
      this.checked('ioctl', result);
      const { countCrtcs, countConnectors } = drmModeCardRes.read(argument);
      if (countCrtcs <= wanted.crtcs && countConnectors <= wanted.connectors)
        return { crtcIds: numbersIn(crtcs, countCrtcs), connectorIds: numbersIn(connectors, countConnectors) };
      wanted = { crtcs: countCrtcs, connectors: countConnectors };
    }
  }

  /**
   * @param probe whether the driver is to ask the screen anew, which may take a tenth of a second
   *   and is done for the master alone: without room for one mode the kernel understands so
   *   (drm_mode_getconnector)
   */
  connector(card: BorrowedFd, id: number, { probe }: { readonly probe: boolean }): ConnectorState {
    let wanted = { modes: probe ? 0 : 1, encoders: 0 };
    for (;;) {
      const modes = sharedBytes(wanted.modes * drmModeModeinfo.size);
      const encoders = sharedBytes(wanted.encoders * ID_BYTES);
      const argument = drmModeGetConnector.write({
        connectorId: id,
        modesPtr: modes.address,
        countModes: wanted.modes,
        encodersPtr: encoders.address,
        countEncoders: wanted.encoders,
      });
      this.call(card, DRM_IOCTL_MODE_GETCONNECTOR, argument, { connector: id });
      const state = drmModeGetConnector.read(argument);
      if (state.countModes <= wanted.modes && state.countEncoders <= wanted.encoders) {
        return {
          type: state.connectorType,
          typeNumber: state.connectorTypeId,
          connection: state.connection,
          widthMm: state.mmWidth,
          heightMm: state.mmHeight,
          encoderId: state.encoderId,
          encoderIds: numbersIn(encoders, state.countEncoders),
          modes: Array.from({ length: state.countModes }, (_, index) =>
            drmModeModeinfo.read(modes.bytes.subarray(index * drmModeModeinfo.size)),
          ),
        };
      }
      wanted = { modes: Math.max(1, state.countModes), encoders: state.countEncoders };
    }
  }

  /** Bit n: the encoder can take its picture from the n-th CRTC. And the one it does, or 0. */
  encoder(card: BorrowedFd, id: number): { readonly possibleCrtcs: number; readonly crtcId: number } {
    const argument = drmModeGetEncoder.write({ encoderId: id });
    this.call(card, DRM_IOCTL_MODE_GETENCODER, argument, { encoder: id });
    return drmModeGetEncoder.read(argument);
  }

  crtc(card: BorrowedFd, id: number): CrtcState {
    const argument = drmModeCrtc.write({ crtcId: id });
    this.call(card, DRM_IOCTL_MODE_GETCRTC, argument, { crtc: id });
    const { fbId, modeValid } = drmModeCrtc.read(argument);
    const mode = drmModeModeinfo.read(argument.subarray(drmModeCrtc.offsets['mode.clock']));
    return { framebuffer: fbId, mode: modeValid === 0 ? undefined : mode };
  }

  planeIds(card: BorrowedFd): number[] {
    let wanted = 0;
    for (;;) {
      const ids = sharedBytes(wanted * ID_BYTES);
      const argument = drmModeGetPlaneRes.write({ planeIdPtr: ids.address, countPlanes: wanted });
      this.call(card, DRM_IOCTL_MODE_GETPLANERESOURCES, argument);
      const { countPlanes } = drmModeGetPlaneRes.read(argument);
      if (countPlanes <= wanted) return numbersIn(ids, countPlanes);
      wanted = countPlanes;
    }
  }

  plane(card: BorrowedFd, id: number): PlaneState {
    let wanted = 0;
    for (;;) {
      const fourccs = sharedBytes(wanted * ID_BYTES);
      const argument = drmModeGetPlane.write({
        planeId: id,
        formatTypePtr: fourccs.address,
        countFormatTypes: wanted,
      });
      this.call(card, DRM_IOCTL_MODE_GETPLANE, argument, { plane: id });
      const { countFormatTypes, possibleCrtcs } = drmModeGetPlane.read(argument);
      if (countFormatTypes <= wanted) return { possibleCrtcs, fourccs: numbersIn(fourccs, countFormatTypes) };
      wanted = countFormatTypes;
    }
  }

  /** @param type a `DRM_MODE_OBJECT_*` */
  properties(card: BorrowedFd, object: { readonly id: number; readonly type: number }): PropertyValue[] {
    let wanted = 0;
    for (;;) {
      const ids = sharedBytes(wanted * ID_BYTES);
      const values = sharedBytes(wanted * VALUE_BYTES);
      const argument = drmModeObjGetProperties.write({
        objId: object.id,
        objType: object.type,
        propsPtr: ids.address,
        propValuesPtr: values.address,
        countProps: wanted,
      });
      this.call(card, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, argument, { object: object.id });
      const { countProps } = drmModeObjGetProperties.read(argument);
      if (countProps <= wanted) {
        const found = new BigUint64Array(values.bytes.buffer, 0, countProps);
        return numbersIn(ids, countProps).map((id, index) => ({ id, value: found[index] ?? 0n }));
      }
      wanted = countProps;
    }
  }

  propertyName(card: BorrowedFd, id: number): string {
    const argument = drmModeGetProperty.write({ propId: id });
    this.call(card, DRM_IOCTL_MODE_GETPROPERTY, argument, { property: id });
    return drmModeGetProperty.read(argument).name;
  }

  blob(card: BorrowedFd, id: number): Uint8Array {
    let wanted = 0;
    for (;;) {
      const data = sharedBytes(wanted);
      const argument = drmModeGetBlob.write({ blobId: id, length: wanted, data: data.address });
      this.call(card, DRM_IOCTL_MODE_GETPROPBLOB, argument, { blob: id });
      const { length } = drmModeGetBlob.read(argument);
      // The kernel copies where the lengths are the same, else nothing (drm_mode_getblob_ioctl).
      if (length === wanted) return data.bytes;
      wanted = length;
    }
  }
}
