/** include/uapi/drm/drm_mode.h: connectors, modes, planes and framebuffers. */

import { ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const DRM_MODE_TYPE_PREFERRED: number = 1 << 3;
export const DRM_MODE_FLAG_INTERLACE: number = 1 << 4;
export const DRM_MODE_FLAG_DBLSCAN: number = 1 << 5;

export const DRM_MODE_OBJECT_CRTC = 0xcccc_cccc;
export const DRM_MODE_OBJECT_CONNECTOR = 0xc0c0_c0c0;
export const DRM_MODE_OBJECT_PLANE = 0xeeee_eeee;

export const DRM_MODE_FB_MODIFIERS: number = 1 << 1;
export const DRM_MODE_FB_DIRTY_MAX_CLIPS = 256;

export const DRM_MODE_PAGE_FLIP_EVENT = 0x01;
export const DRM_MODE_ATOMIC_NONBLOCK = 0x0200;
export const DRM_MODE_ATOMIC_ALLOW_MODESET = 0x0400;

type ModeNumber =
  | 'clock'
  | 'hdisplay'
  | 'hsyncStart'
  | 'hsyncEnd'
  | 'htotal'
  | 'hskew'
  | 'vdisplay'
  | 'vsyncStart'
  | 'vsyncEnd'
  | 'vtotal'
  | 'vscan'
  | 'vrefresh'
  | 'flags'
  | 'type';

/** A mode's timing: `clock` in kHz, the rest in pixels and rows. */
export const drmModeModeinfo: StructSchema<ModeNumber, 'name'> = defineStruct({
  clock: 'u32',
  hdisplay: 'u16',
  hsyncStart: 'u16',
  hsyncEnd: 'u16',
  htotal: 'u16',
  hskew: 'u16',
  vdisplay: 'u16',
  vsyncStart: 'u16',
  vsyncEnd: 'u16',
  vtotal: 'u16',
  vscan: 'u16',
  vrefresh: 'u32',
  flags: 'u32',
  type: 'u32',
  name: 'char[32]',
});

export const drmModeCardRes: StructSchema<
  | 'fbIdPtr'
  | 'crtcIdPtr'
  | 'connectorIdPtr'
  | 'encoderIdPtr'
  | 'countFbs'
  | 'countCrtcs'
  | 'countConnectors'
  | 'countEncoders'
  | 'minWidth'
  | 'maxWidth'
  | 'minHeight'
  | 'maxHeight'
> = defineStruct({
  fbIdPtr: 'u64',
  crtcIdPtr: 'u64',
  connectorIdPtr: 'u64',
  encoderIdPtr: 'u64',
  countFbs: 'u32',
  countCrtcs: 'u32',
  countConnectors: 'u32',
  countEncoders: 'u32',
  minWidth: 'u32',
  maxWidth: 'u32',
  minHeight: 'u32',
  maxHeight: 'u32',
});
export const DRM_IOCTL_MODE_GETRESOURCES: number = ioctlReadWrite({ group: 'd', number: 0xa0 }, drmModeCardRes.size);

const MODE_AT = 36;

/** The mode, a {@link drmModeModeinfo}, follows what is named before it. */
export const drmModeCrtc: StructSchema<
  'setConnectorsPtr' | 'countConnectors' | 'crtcId' | 'fbId' | 'x' | 'y' | 'gammaSize' | 'modeValid' | 'mode.clock'
> = defineStruct(
  {
    setConnectorsPtr: 'u64',
    countConnectors: 'u32',
    crtcId: 'u32',
    fbId: 'u32',
    x: 'u32',
    y: 'u32',
    gammaSize: 'u32',
    modeValid: 'u32',
    'mode.clock': 'u32',
  },
  { size: MODE_AT + drmModeModeinfo.size },
);
export const DRM_IOCTL_MODE_GETCRTC: number = ioctlReadWrite({ group: 'd', number: 0xa1 }, drmModeCrtc.size);
export const DRM_IOCTL_MODE_SETCRTC: number = ioctlReadWrite({ group: 'd', number: 0xa2 }, drmModeCrtc.size);

export const drmModeGetEncoder: StructSchema<
  'encoderId' | 'encoderType' | 'crtcId' | 'possibleCrtcs' | 'possibleClones'
> = defineStruct({
  encoderId: 'u32',
  encoderType: 'u32',
  crtcId: 'u32',
  possibleCrtcs: 'u32',
  possibleClones: 'u32',
});
export const DRM_IOCTL_MODE_GETENCODER: number = ioctlReadWrite({ group: 'd', number: 0xa6 }, drmModeGetEncoder.size);

export const drmModeGetConnector: StructSchema<
  | 'encodersPtr'
  | 'modesPtr'
  | 'propsPtr'
  | 'propValuesPtr'
  | 'countModes'
  | 'countProps'
  | 'countEncoders'
  | 'encoderId'
  | 'connectorId'
  | 'connectorType'
  | 'connectorTypeId'
  | 'connection'
  | 'mmWidth'
  | 'mmHeight'
  | 'subpixel'
  | 'pad'
> = defineStruct({
  encodersPtr: 'u64',
  modesPtr: 'u64',
  propsPtr: 'u64',
  propValuesPtr: 'u64',
  countModes: 'u32',
  countProps: 'u32',
  countEncoders: 'u32',
  encoderId: 'u32',
  connectorId: 'u32',
  connectorType: 'u32',
  connectorTypeId: 'u32',
  connection: 'u32',
  mmWidth: 'u32',
  mmHeight: 'u32',
  subpixel: 'u32',
  pad: 'u32',
});
export const DRM_IOCTL_MODE_GETCONNECTOR: number = ioctlReadWrite(
  { group: 'd', number: 0xa7 },
  drmModeGetConnector.size,
);

export const drmModeGetProperty: StructSchema<
  'valuesPtr' | 'enumBlobPtr' | 'propId' | 'flags' | 'countValues' | 'countEnumBlobs',
  'name'
> = defineStruct({
  valuesPtr: 'u64',
  enumBlobPtr: 'u64',
  propId: 'u32',
  flags: 'u32',
  name: 'char[32]',
  countValues: 'u32',
  countEnumBlobs: 'u32',
});
export const DRM_IOCTL_MODE_GETPROPERTY: number = ioctlReadWrite({ group: 'd', number: 0xaa }, drmModeGetProperty.size);

export const drmModeGetBlob: StructSchema<'blobId' | 'length' | 'data'> = defineStruct({
  blobId: 'u32',
  length: 'u32',
  data: 'u64',
});
export const DRM_IOCTL_MODE_GETPROPBLOB: number = ioctlReadWrite({ group: 'd', number: 0xac }, drmModeGetBlob.size);

/** Its argument is a framebuffer's number alone. */
const UINT_BYTES = 4;
export const DRM_IOCTL_MODE_RMFB: number = ioctlReadWrite({ group: 'd', number: 0xaf }, UINT_BYTES);

export const drmModeCrtcPageFlip: StructSchema<'crtcId' | 'fbId' | 'flags' | 'reserved' | 'userData'> = defineStruct({
  crtcId: 'u32',
  fbId: 'u32',
  flags: 'u32',
  reserved: 'u32',
  userData: 'u64',
});
export const DRM_IOCTL_MODE_PAGE_FLIP: number = ioctlReadWrite({ group: 'd', number: 0xb0 }, drmModeCrtcPageFlip.size);

export const drmModeFbDirtyCmd: StructSchema<'fbId' | 'flags' | 'color' | 'numClips' | 'clipsPtr'> = defineStruct({
  fbId: 'u32',
  flags: 'u32',
  color: 'u32',
  numClips: 'u32',
  clipsPtr: 'u64',
});
export const DRM_IOCTL_MODE_DIRTYFB: number = ioctlReadWrite({ group: 'd', number: 0xb1 }, drmModeFbDirtyCmd.size);

export const drmModeCreateDumb: StructSchema<'height' | 'width' | 'bpp' | 'flags' | 'handle' | 'pitch' | 'size'> =
  defineStruct({
    height: 'u32',
    width: 'u32',
    bpp: 'u32',
    flags: 'u32',
    handle: 'u32',
    pitch: 'u32',
    size: 'u64',
  });
export const DRM_IOCTL_MODE_CREATE_DUMB: number = ioctlReadWrite({ group: 'd', number: 0xb2 }, drmModeCreateDumb.size);

export const drmModeGetPlaneRes: StructSchema<'planeIdPtr' | 'countPlanes'> = defineStruct({
  planeIdPtr: 'u64',
  countPlanes: 'u32',
});
export const DRM_IOCTL_MODE_GETPLANERESOURCES: number = ioctlReadWrite(
  { group: 'd', number: 0xb5 },
  drmModeGetPlaneRes.size,
);

export const drmModeGetPlane: StructSchema<
  'planeId' | 'crtcId' | 'fbId' | 'possibleCrtcs' | 'gammaSize' | 'countFormatTypes' | 'formatTypePtr'
> = defineStruct({
  planeId: 'u32',
  crtcId: 'u32',
  fbId: 'u32',
  possibleCrtcs: 'u32',
  gammaSize: 'u32',
  countFormatTypes: 'u32',
  formatTypePtr: 'u64',
});
export const DRM_IOCTL_MODE_GETPLANE: number = ioctlReadWrite({ group: 'd', number: 0xb6 }, drmModeGetPlane.size);

type OfPlanes<Name extends string> = `${Name}[${0 | 1 | 2 | 3}]`;

export const drmModeFbCmd2: StructSchema<
  | 'fbId'
  | 'width'
  | 'height'
  | 'pixelFormat'
  | 'flags'
  | OfPlanes<'handles'>
  | OfPlanes<'pitches'>
  | OfPlanes<'offsets'>,
  never,
  OfPlanes<'modifier'>
> = defineStruct({
  fbId: 'u32',
  width: 'u32',
  height: 'u32',
  pixelFormat: 'u32',
  flags: 'u32',
  'handles[0]': 'u32',
  'handles[1]': 'u32',
  'handles[2]': 'u32',
  'handles[3]': 'u32',
  'pitches[0]': 'u32',
  'pitches[1]': 'u32',
  'pitches[2]': 'u32',
  'pitches[3]': 'u32',
  'offsets[0]': 'u32',
  'offsets[1]': 'u32',
  'offsets[2]': 'u32',
  'offsets[3]': 'u32',
  'modifier[0]': 'u64 exact',
  'modifier[1]': 'u64 exact',
  'modifier[2]': 'u64 exact',
  'modifier[3]': 'u64 exact',
});
export const DRM_IOCTL_MODE_ADDFB2: number = ioctlReadWrite({ group: 'd', number: 0xb8 }, drmModeFbCmd2.size);

export const drmModeObjGetProperties: StructSchema<'propsPtr' | 'propValuesPtr' | 'countProps' | 'objId' | 'objType'> =
  defineStruct({ propsPtr: 'u64', propValuesPtr: 'u64', countProps: 'u32', objId: 'u32', objType: 'u32' });
export const DRM_IOCTL_MODE_OBJ_GETPROPERTIES: number = ioctlReadWrite(
  { group: 'd', number: 0xb9 },
  drmModeObjGetProperties.size,
);

export const drmModeAtomic: StructSchema<
  'flags' | 'countObjs' | 'objsPtr' | 'countPropsPtr' | 'propsPtr' | 'propValuesPtr' | 'reserved' | 'userData'
> = defineStruct({
  flags: 'u32',
  countObjs: 'u32',
  objsPtr: 'u64',
  countPropsPtr: 'u64',
  propsPtr: 'u64',
  propValuesPtr: 'u64',
  reserved: 'u64',
  userData: 'u64',
});
export const DRM_IOCTL_MODE_ATOMIC: number = ioctlReadWrite({ group: 'd', number: 0xbc }, drmModeAtomic.size);

/** What the blob of a plane's property IN_FORMATS begins with. */
export const drmFormatModifierBlob: StructSchema<
  'version' | 'flags' | 'countFormats' | 'formatsOffset' | 'countModifiers' | 'modifiersOffset'
> = defineStruct({
  version: 'u32',
  flags: 'u32',
  countFormats: 'u32',
  formatsOffset: 'u32',
  countModifiers: 'u32',
  modifiersOffset: 'u32',
});

/** `formats`: bit n stands for the format at `offset` + n. */
export const drmFormatModifier: StructSchema<'offset' | 'pad', never, 'formats' | 'modifier'> = defineStruct({
  formats: 'u64 exact',
  offset: 'u32',
  pad: 'u32',
  modifier: 'u64 exact',
});

export const drmModeCreateBlob: StructSchema<'data' | 'length' | 'blobId'> = defineStruct({
  data: 'u64',
  length: 'u32',
  blobId: 'u32',
});
export const DRM_IOCTL_MODE_CREATEPROPBLOB: number = ioctlReadWrite(
  { group: 'd', number: 0xbd },
  drmModeCreateBlob.size,
);

export const drmModeDestroyBlob: StructSchema<'blobId'> = defineStruct({ blobId: 'u32' });
export const DRM_IOCTL_MODE_DESTROYPROPBLOB: number = ioctlReadWrite(
  { group: 'd', number: 0xbe },
  drmModeDestroyBlob.size,
);

/** A rectangle: its right and bottom edges are no part of it. */
export const drmModeRect: StructSchema<'x1' | 'y1' | 'x2' | 'y2'> = defineStruct({
  x1: 's32',
  y1: 's32',
  x2: 's32',
  y2: 's32',
});
