// Settings from the environment, as the container images apache/kafka, confluentinc/cp-kafka and bitnami/kafka take them: KAFKA_LOG_DIRS is
// log.dirs; `__` stands for an underscore, `___` for a hyphen. Bitnami's KAFKA_CFG_ prefix is taken too; without it wins.
import { brokerDefinitions } from './definitions.ts'

/** A setting and the variable that it came from. */
export interface EnvironmentSetting {
  readonly name: string
  readonly text: string
  readonly variable: string
}

/** What an environment says. */
export interface EnvironmentSettings {
  readonly settings: readonly EnvironmentSetting[]
  /** CLUSTER_ID, or KAFKA_CLUSTER_ID, or KAFKA_KRAFT_CLUSTER_ID. */
  readonly clusterId: EnvironmentSetting | null
}

/** KAFKA_ variables of the images and of Kafka's scripts that are no settings of the broker. */
const notSettings = [
  /^KAFKA_(?:JMX_|LOG4J|TOOLS_LOG4J|GC_LOG|JVM_|HEAP_|OPTS$|HOME$|VERSION$|SCALA_|DEBUG|CLASSPATH$|MODE$|GROUP$|USER$|EXTRA_|LOGS_DIR$)/,
  /^KAFKA_(?:CLIENT_|INTER_BROKER_(?:USER|PASSWORD)|CONTROLLER_(?:USER|PASSWORD)|CERTIFICATE|TLS_|ZOOKEEPER_|CONF_|MOUNTED_|VOLUME_|BASE_|BIN_)/,
  /^KAFKA_(?:CLUSTER_ID|KRAFT_|INITIAL_|SKIP_|OFFSET_STORAGE|DAEMON_|PID_)/,
]

const clusterIdVariables = ['CLUSTER_ID', 'KAFKA_CLUSTER_ID', 'KAFKA_KRAFT_CLUSTER_ID']

/** The name of a setting from the rest of a variable's name. */
const settingName = (rest: string): string =>
  rest.toLowerCase().replace(/_{1,3}/g, run => (run.length === 1 ? '.' : run.length === 2 ? '_' : '-'))

/**
 * Reads the settings. When advertised listeners are given and `listenersGiven` says that no file has listeners, those to listen on are
 * the advertised ones on all interfaces, as the images do it.
 */
export function settingsOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly listenersGiven: boolean },
): EnvironmentSettings {
  const settings = new Map<string, EnvironmentSetting>()
  let clusterId: EnvironmentSetting | null = null
  for (const variable of clusterIdVariables) {
    const text = environment[variable]
    if (text && clusterId === null) clusterId = { name: 'cluster.id', text, variable }
  }
  for (const variable of Object.keys(environment).toSorted()) {
    const text = environment[variable]
    if (text === undefined || !variable.startsWith('KAFKA_')) continue
    const prefixed = variable.startsWith('KAFKA_CFG_')
    const name = settingName(variable.slice(prefixed ? 'KAFKA_CFG_'.length : 'KAFKA_'.length))
    if (!brokerDefinitions.has(name) && notSettings.some(pattern => pattern.test(variable))) continue
    if (name === '' || (prefixed && environment[`KAFKA_${variable.slice('KAFKA_CFG_'.length)}`] !== undefined)) continue
    settings.set(name, { name, text, variable })
  }
  const advertised = settings.get('advertised.listeners')
  if (advertised && !settings.has('listeners') && !options.listenersGiven)
    settings.set('listeners', { name: 'listeners', text: onAllInterfaces(advertised.text), variable: advertised.variable })
  return { settings: [...settings.values()], clusterId }
}

const onAllInterfaces = (advertised: string): string =>
  advertised
    .split(',')
    .map(one => one.trim().replace(/:\/\/.*:/, '://0.0.0.0:'))
    .join(',')
