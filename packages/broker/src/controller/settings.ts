// What the controller needs to know of the configuration.
import type { BrokerSetting, BrokerValue } from '../config/definitions.ts'

/** The settings of this broker as they are now, dynamic ones included. */
export interface Settings {
  value<N extends BrokerSetting>(name: N): BrokerValue<N>
}
