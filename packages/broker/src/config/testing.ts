// Aids for tests: a configuration from a few values.
import { BrokerConfig } from './broker-config.ts'

/** A configuration of node 1 that listens on a port of this machine which the system picks. */
export const testConfig = (values: Readonly<Record<string, string>> = {}, clusterId?: string): BrokerConfig =>
  BrokerConfig.load({
    overrides: { 'node.id': '1', listeners: 'PLAINTEXT://127.0.0.1:0', ...values },
    ...(clusterId === undefined ? {} : { clusterId }),
  })
