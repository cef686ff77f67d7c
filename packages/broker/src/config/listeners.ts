// The addresses that a broker listens on and those that it tells clients, as org.apache.kafka.server.config.AbstractKafkaConfig and
// kafka.server.KafkaConfig derive them. Listeners of the KRaft controller are left out: Ottla has no controller of that kind.
import { hostname } from 'node:os'

/** One listener of the broker. */
export interface ListenerConfig {
  /** In capitals: 'PLAINTEXT', 'INTERNAL'. */
  readonly name: string
  readonly securityProtocol: string
  /** Empty: all interfaces. IPv6 without brackets. */
  readonly host: string
  /** 0: the system picks one. */
  readonly port: number
  readonly advertisedHost: string
  /** 0: the port that it is bound to. */
  readonly advertisedPort: number
}

/** The settings that listeners follow from. Null: not given. */
export interface ListenerSettings {
  readonly listeners: readonly string[]
  readonly advertised: readonly string[] | null
  /** NAME:PROTOCOL pairs. */
  readonly protocolMap: string
  readonly controllerNames: readonly string[]
  readonly interBrokerName: string | null
  readonly interBrokerProtocol: string | null
}

/** What follows from the settings, with what is wrong: pairs of a setting and a message. */
export interface ListenersOutcome {
  readonly listeners: readonly ListenerConfig[]
  readonly interBrokerListener: string
  readonly notes: readonly string[]
  readonly problems: readonly (readonly [setting: string, message: string])[]
}

interface Endpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** Reads `NAME://host:port`, the host possibly empty or an IPv6 address in brackets. */
export function parseEndpoint(text: string): Endpoint | null {
  const match =
    /^(?<name>[^:/]{1,255}):\/\/(?:\[(?<v6>[0-9a-zA-Z%._:-]{0,255})\]|(?<host>[0-9a-zA-Z%._-]{0,255})):(?<port>-?\d{1,5})$/.exec(
      text.trim(),
    )
  const port = Number(match?.groups?.port)
  if (!match?.groups || !(port >= 0 && port <= 65_535)) return null
  return { name: (match.groups.name ?? '').toUpperCase(), host: match.groups.v6 ?? match.groups.host ?? '', port }
}

/** Derives the listeners. */
export function deriveListeners(settings: ListenerSettings): ListenersOutcome {
  const problems: [string, string][] = []
  const notes: string[] = []
  const protocolOf = protocolsOf(settings, problems)
  const controllers = new Set(settings.controllerNames.map(name => name.toUpperCase()))
  const all = endpointsOf('listeners', settings.listeners, problems)
  const opened = all.filter(endpoint => !controllers.has(endpoint.name))
  for (const { name } of all.filter(endpoint => controllers.has(endpoint.name)))
    notes.push(`listener ${name} is for a KRaft controller, which Ottla has no need of: it is not opened`)
  refuseClashes(opened, problems)
  const advertised = settings.advertised === null ? null : endpointsOf('advertised.listeners', settings.advertised, problems)
  const told = (advertised ?? opened).filter(endpoint => !controllers.has(endpoint.name))
  for (const one of told) checkAdvertised(one, { opened, given: advertised !== null, problems })
  if (opened.length === 0 && problems.length === 0)
    problems.push([
      'listeners',
      'There must be at least one broker advertised listener. Perhaps all listeners appear in controller.listener.names?',
    ])
  const listeners = opened.map(({ name, host, port }) => {
    const known = told.find(endpoint => endpoint.name === name)
    return {
      name,
      securityProtocol: protocolOf(name, 'listeners'),
      host,
      port,
      advertisedHost: (known?.host ?? host) || hostname(),
      advertisedPort: known?.port ?? port,
    }
  })
  return { listeners, interBrokerListener: interBrokerOf(settings, listeners, problems), notes, problems }
}

function endpointsOf(setting: string, texts: readonly string[], problems: [string, string][]): Endpoint[] {
  const endpoints: Endpoint[] = []
  for (const text of texts) {
    const endpoint = parseEndpoint(text)
    if (endpoint === null) problems.push([setting, `"${text}" is not of the form NAME://host:port`])
    else if (endpoints.some(other => other.name === endpoint.name))
      problems.push([setting, `Each listener must have a different name, ${setting}: ${texts.join(',')}`])
    else endpoints.push(endpoint)
  }
  return endpoints
}

function refuseClashes(endpoints: readonly Endpoint[], problems: [string, string][]): void {
  const version = ({ host }: Endpoint) => (host.includes(':') ? 6 : /^[\d.]+$/.test(host) ? 4 : 0)
  endpoints.forEach((one, index) => {
    const other = endpoints.slice(0, index).find(({ port }) => port === one.port && port !== 0)
    if (other === undefined || version(one) + version(other) === 10) return
    problems.push(['listeners', `Each listener must have a different port, ${other.name} and ${one.name} both have ${one.port}`])
  })
}

function checkAdvertised(one: Endpoint, context: { opened: readonly Endpoint[]; given: boolean; problems: [string, string][] }): void {
  const { opened, given, problems } = context
  if (one.host === '0.0.0.0' || one.host === '::')
    problems.push([
      given ? 'advertised.listeners' : 'listeners',
      `advertised.listeners cannot use the nonroutable meta-address ${one.host}. Use a routable IP address or a name that clients can ` +
        `resolve: advertised.listeners=${one.name}://${hostname()}:${one.port}`,
    ])
  if (!opened.some(endpoint => endpoint.name === one.name))
    problems.push([
      'advertised.listeners',
      `advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found ${one.name}. ` +
        `The valid options based on the current configuration are ${opened.map(({ name }) => name).join(',')}`,
    ])
}

/** The protocol of a listener by the map; names of KRaft controllers may be missing from it. */
function protocolsOf(settings: ListenerSettings, problems: [string, string][]): (name: string, setting: string) => string {
  const map = new Map<string, string>()
  for (const pair of settings.protocolMap.split(',').filter(text => text.trim() !== '')) {
    const [name = '', protocol = ''] = pair.split(':').map(text => text.trim().toUpperCase())
    if (name !== '' && protocols.includes(protocol)) map.set(name, protocol)
    else
      problems.push([
        'listener.security.protocol.map',
        `"${pair.trim()}" is not of the form NAME:PROTOCOL with one of ${protocols.join(', ')}`,
      ])
  }
  return (name, setting) => {
    const protocol = map.get(name)
    if (protocol === undefined)
      problems.push([setting, `No security protocol defined for listener ${name}: add ${name}:PLAINTEXT to listener.security.protocol.map`])
    else if (protocol !== 'PLAINTEXT')
      problems.push([setting, `listener ${name}: security protocol ${protocol} is not supported yet, only PLAINTEXT is`])
    return protocol ?? 'PLAINTEXT'
  }
}

function interBrokerOf(settings: ListenerSettings, listeners: readonly ListenerConfig[], problems: [string, string][]): string {
  const { interBrokerName, interBrokerProtocol } = settings
  if (interBrokerName !== null && interBrokerProtocol !== null)
    problems.push([
      'inter.broker.listener.name',
      'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
    ])
  const byProtocol = listeners.find(listener => listener.securityProtocol === (interBrokerProtocol ?? 'PLAINTEXT'))
  const name = interBrokerName?.toUpperCase() ?? byProtocol?.name ?? 'PLAINTEXT'
  if (interBrokerName !== null && !listeners.some(listener => listener.name === name))
    problems.push([
      'inter.broker.listener.name',
      'inter.broker.listener.name must be a listener name defined in advertised.listeners. ' +
        `The valid options based on currently configured listeners are ${listeners.map(listener => listener.name).join(',')}`,
    ])
  return name
}
