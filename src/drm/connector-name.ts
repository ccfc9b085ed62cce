/** As `drm_connector_enum_list` has them (drivers/gpu/drm/drm_connector.c), by type. */
const TYPE_NAMES: readonly string[] = [
  'Unknown',
  'VGA',
  'DVI-I',
  'DVI-D',
  'DVI-A',
  'Composite',
  'SVIDEO',
  'LVDS',
  'Component',
  'DIN',
  'DP',
  'HDMI-A',
  'HDMI-B',
  'TV',
  'eDP',
  'Virtual',
  'DSI',
  'DPI',
  'Writeback',
  'SPI',
  'USB',
];

/** What a connector is called in `/sys/class/drm`, such as `HDMI-A-1`. */
export function connectorName({ type, typeNumber }: { readonly type: number; readonly typeNumber: number }): string {
  return `${TYPE_NAMES[type] ?? 'Unknown'}-${typeNumber}`;
}
