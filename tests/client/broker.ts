// A broker in the process of the test, for tests of the client: on a disk in memory and a port that the system picked.
import { Broker, BrokerConfig, systemClock } from '@ottla/broker'
import { memoryStore, silentLogger } from '@ottla/metadata'
import { MemoryDisk } from '@ottla/storage'

/** A started broker. */
export interface TestBroker extends AsyncDisposable {
  readonly broker: Broker
  /** host:port */
  readonly bootstrap: string
}

/** Starts a broker; `settings` are broker settings in Kafka's names. */
export async function startBroker(settings: Record<string, string> = {}): Promise<TestBroker> {
  const values = {
    'log.dirs': '/data',
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    ...settings,
  }
  const config = BrokerConfig.load({ overrides: { 'node.id': '1', ...values } })
  const store = await memoryStore(systemClock)
  const broker = await Broker.start({ config, files: new MemoryDisk(), store, logger: silentLogger })
  const [listener] = broker.listeners
  return { broker, bootstrap: `127.0.0.1:${listener?.port}`, [Symbol.asyncDispose]: () => broker.close() }
}
